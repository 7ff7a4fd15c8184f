/*
 * With REDMINE_CACHED_UPDATE set in the environment, the sample file and the
 * manual page are written anew from the rows instead of being compared.
 */
#include "conf/option.h"

#include "conf_text.h"

#define SAMPLE TOP_SRCDIR "/etc/redmine-cached.conf"
#define MANUAL TOP_SRCDIR "/doc/redmine-cached.conf.5"
#define BEGIN  ".\\\" made from src/conf/options.h\n"
#define END    ".\\\" end of what is made\n"

/* What a function prints; free(). */
static char *printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	print(file);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

static char *printed_conf(const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	conf_print(conf, file);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

static char *content(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(file != NULL, "%s cannot be read", path);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
	fclose(file);
	return text;
}

static void update(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_msg(file != NULL, "%s cannot be written", path);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(settings_in_force_can_be_read_again)
{
	CLEANUP(conf_unrefp)
	struct conf *conf = conf_of("[upstream]\n"
	                            "url = https://redmine.example.org/r/\n"
	                            "compression = no\n"
	                            "[listen]\n"
	                            "address = unix:/run/a b.sock\n"
	                            "address = [::1]:1\n"
	                            "allowed_hosts = a.example.org\n"
	                            "threads = 3\n"
	                            "body_limit = 0\n"
	                            "[engine]\n"
	                            "default = sync\n"
	                            "[engine \"thread\"]\n"
	                            "workers = 4\n"
	                            "[cache]\n"
	                            "path =\n"
	                            "memory = 1536K\n"
	                            "[lifetime]\n"
	                            "issues = 90s\n"
	                            "projects = 0\n"
	                            "[log]\n"
	                            "format = json\n",
	        NULL);
	CLEANUP(freep) char *text = printed_conf(conf);
	CLEANUP(conf_unrefp) struct conf *again = conf_of(text, NULL);
	CLEANUP(freep) char *text_again = printed_conf(again);

	ck_assert_str_eq(text, text_again);
	ck_assert_ptr_nonnull(strstr(
	        text, "[listen]\naddress = unix:/run/a b.sock\naddress = [::1]:1\nallowed_hosts = a.example.org\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n[engine \"thread\"]\nworkers = 4\nqueue = 4096\nrecycle_jobs = 10000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n[engine \"sync\"]\nworkers = auto\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n[cache]\npath =\nmemory = 1536K\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n[lifetime]\nissues = 90s\nprojects = 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nformat = json\n"));
}
END_TEST

/* The sample with all of its ";name = value" in force, but for the URL and the lifetime, which have no default. */
static char *uncommented(const char *sample)
{
	struct buf text = BUF_INIT(1 << 20);

	for (const char *line = sample; *line; line += strcspn(line, "\n") + 1) {
		bool setting = *line == ';' && strncmp(line, ";url", 4) != 0 && strncmp(line, ";RESOURCE", 9) != 0;

		ck_assert_int_eq(buf_add(&text, line + setting, strcspn(line, "\n") + 1 - setting), 0);
	}
	return buf_take(&text, NULL);
}

/* Cuts a section out of what was printed; it must be there. */
static void cut_section(char *text, const char *heading)
{
	char *at = strstr(text, heading), *end;

	ck_assert_ptr_nonnull(at);
	end = strstr(at, "\n\n") + 2;
	memmove(at, end, strlen(end) + 1);
}

/* A session has to say who may use it. */
static char *permitted(const char *sample)
{
	static const char nobody[] = "\nlisteners =";
	const char *at = strstr(sample, nobody);
	char *text;

	ck_assert_ptr_nonnull(at);
	at += strlen(nobody);
	ck_assert_int_gt(asprintf(&text, "%.*s 127.0.0.1:7336%s", (int)(at - sample), sample, at), 0);
	return text;
}

START_TEST(the_sample_shows_the_defaults)
{
	CLEANUP(freep) char *sample = printed(conf_print_sample);
	CLEANUP(freep) char *all = uncommented(sample);
	CLEANUP(freep) char *permitted_all = permitted(all);
	CLEANUP(conf_unrefp) struct conf *defaults = conf_of(sample, OVERRIDES("upstream.url=http://a"));
	CLEANUP(conf_unrefp) struct conf *same = conf_of(permitted_all, OVERRIDES("upstream.url=http://a"));
	CLEANUP(freep) char *defaults_text = printed_conf(defaults);
	CLEANUP(freep) char *same_text = printed_conf(same);
	const struct option *option;

	for (size_t i = 0; (option = option_at(i)); i++) {
		char line[100];

		snprintf(line, sizeof(line), "\n;%s =", option->name);
		ck_assert_msg(strstr(sample, line) != NULL, "%s is not in the sample", option->name);
	}
	/* What is more: the sections with names. */
	cut_section(same_text, "[engine \"NAME\"]");
	cut_section(same_text, "[session \"NAME\"]");
	ck_assert_str_eq(same_text, defaults_text);
}
END_TEST

START_TEST(the_sample_file_is_up_to_date)
{
	CLEANUP(freep) char *sample = printed(conf_print_sample);
	CLEANUP(freep) char *file = NULL;

	if (getenv("REDMINE_CACHED_UPDATE"))
		update(SAMPLE, sample);
	file = content(SAMPLE);
	ck_assert_msg(strcmp(file, sample) == 0, "%s is not what the rows say: make update-options", SAMPLE);
}
END_TEST

START_TEST(the_manual_page_is_up_to_date)
{
	CLEANUP(freep) char *made = printed(conf_print_manual);
	CLEANUP(freep) char *file = content(MANUAL);
	CLEANUP(buf_release) struct buf page = BUF_INIT(1 << 20);
	char *begin = strstr(file, BEGIN), *end = strstr(file, END);

	ck_assert_ptr_nonnull(begin);
	ck_assert_ptr_nonnull(end);
	begin += strlen(BEGIN);
	ck_assert_int_eq(buf_printf(&page, "%.*s%s%s", (int)(begin - file), file, made, end), 0);
	if (getenv("REDMINE_CACHED_UPDATE"))
		update(MANUAL, buf_text(&page));
	else
		ck_assert_msg(
		        strcmp(file, buf_text(&page)) == 0, "%s is not what the rows say: make update-options", MANUAL);
}
END_TEST

UNIT_MAIN("print", settings_in_force_can_be_read_again, the_sample_shows_the_defaults, the_sample_file_is_up_to_date,
        the_manual_page_is_up_to_date)
