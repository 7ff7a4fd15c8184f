#include "conf/setting.h"

#include "conf_text.h"

#include <errno.h>
#include <sys/stat.h>

/* Reads a text as a file; every setting as one line "SECTION|NAMED|NAME|VALUE|LINE", then the problems. */
static void assert_reads_bytes(const char *text, size_t size, const char *expected)
{
	CLEANUP(settings_release) struct settings settings = {0};
	CLEANUP(buf_release) struct buf text_of_problems = BUF_INIT(1 << 16);
	CLEANUP(buf_release) struct buf shown = BUF_INIT(1 << 16);
	struct problems problems = {.text = &text_of_problems};
	const char *path;

	conf_folder_make();
	path = conf_bytes("f", text, size);
	ck_assert_int_eq(settings_read_file(&settings, path, &problems), 0);
	for (size_t i = 0; i < settings.count; i++) {
		const struct setting *s = &settings.items[i];

		ck_assert(!s->override);
		ck_assert_int_eq(strncmp(s->place, path, strlen(path)), 0);
		if (s->name)
			ck_assert_int_eq(buf_printf(&shown, "%s|%s|%s|%s|%s\n", s->section, s->named ? s->named : "-",
			                         s->name, s->value, s->place + strlen(path) + 1),
			        0);
		else
			ck_assert_int_eq(buf_printf(&shown, "[%s|%s]\n", s->section, s->named ? s->named : "-"), 0);
	}
	if (problems.count > 0)
		ck_assert_int_eq(buf_add_char(&text_of_problems, '\n'), 0);
	for (const char *line = buf_text(&text_of_problems); *line; line = strchr(line, '\n') + 1)
		ck_assert_int_eq(buf_add(&shown, line + strlen(path) + 1, strcspn(line, "\n") - strlen(path)), 0);
	ck_assert_str_eq(buf_text(&shown), expected);
	conf_folder_remove();
}

static void assert_reads(const char *text, const char *expected)
{
	assert_reads_bytes(text, strlen(text), expected);
}

START_TEST(lines)
{
	assert_reads("", "");
	assert_reads("\n\n# c\n; c\n   # c\n", "");
	assert_reads("[a]\nx=1\n y = 2 \n\tz : 3\n", "[a|-]\na|-|x|1|2\na|-|y|2|3\na|-|z|3|4\n");
	assert_reads("[a]\r\nx = 1\r\ny =\r\n", "[a|-]\na|-|x|1|2\na|-|y||3\n");
	assert_reads("[a]\nx=1", "[a|-]\na|-|x|1|2\n");
	assert_reads("\xEF\xBB\xBF[a]\nx=1\n", "[a|-]\na|-|x|1|2\n");
	assert_reads("[a]\nx = http://h:1/p=q\n", "[a|-]\na|-|x|http://h:1/p=q|2\n");
}
END_TEST

START_TEST(sections)
{
	assert_reads("[a \"b\"]\nx=1\n[ a\t \"b c\" ]\nx=2\n[ c ]\nx=3\n[a \"\"]\nx=4\n",
	        "[a|b]\na|b|x|1|2\n[a|b c]\na|b c|x|2|4\n[c|-]\nc|-|x|3|6\n[a|]\na||x|4|8\n");
}
END_TEST

START_TEST(comments_after_a_value)
{
	assert_reads("[a] ; c\nx = 1 ; c\ny = 1;2\nz = 1 # 2\n", "[a|-]\na|-|x|1|2\na|-|y|1;2|3\na|-|z|1 # 2|4\n");
}
END_TEST

START_TEST(what_is_no_setting)
{
	assert_reads("x = 1\n[a]\ny = 2\n", "[a|-]\na|-|y|2|3\n1: a setting stands before the first [SECTION]\n");
	assert_reads("[a]\nnonsense\n\nmore nonsense ; = x\n",
	        "[a|-]\n2: neither NAME = VALUE nor [SECTION] nor a comment\n"
	        "4: neither NAME = VALUE nor [SECTION] nor a comment\n");
	assert_reads("[a]\nnonsense", "[a|-]\n2: neither NAME = VALUE nor [SECTION] nor a comment\n");
	assert_reads("[a\nx = 1\n[b]\nx = 2\n", "[b|-]\nb|-|x|2|4\n1: a section without \"]\"\n");
	assert_reads("[a] x = 1\ny = 1\n",
	        "1: something stands after the section's \"]\"; settings have lines of their own\n");
	assert_reads("[]\nx = 1\n[a \"b]\n[a \"]\n[\"b\"]\n[a\"b\"]\n[a b]\n[a ;b]\n[a \" ;\"]\n",
	        "1: not a section; allowed: [NAME] or [NAME \"NAME\"]\n3: not a section; allowed: [NAME] or [NAME \"NAME\"]\n"
	        "4: not a section; allowed: [NAME] or [NAME \"NAME\"]\n5: not a section; allowed: [NAME] or [NAME \"NAME\"]\n"
	        "6: not a section; allowed: [NAME] or [NAME \"NAME\"]\n7: not a section; allowed: [NAME] or [NAME \"NAME\"]\n"
	        "8: not a section; allowed: [NAME] or [NAME \"NAME\"]\n9: not a section; allowed: [NAME] or [NAME \"NAME\"]\n");
}
END_TEST

/* Nothing is ever cut: what is too long is said to be. */
START_TEST(long_lines)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 16);
	CLEANUP(buf_release) struct buf expected = BUF_INIT(1 << 16);
	char *xs = malloc(SETTING_LINE_MAX + 1);

	memset(xs, 'x', SETTING_LINE_MAX);
	xs[SETTING_LINE_MAX] = '\0';
	ck_assert_int_eq(
	        buf_printf(&text, "# %s%s\n[a]\nv=%.*s\nw = %s\nu = 1\n", xs, xs, SETTING_LINE_MAX - 2, xs, xs), 0);
	ck_assert_int_eq(buf_printf(&expected, "[a|-]\na|-|v|%.*s|3\na|-|u|1|5\n4: the line is too long\n",
	                         SETTING_LINE_MAX - 2, xs),
	        0);
	assert_reads(buf_text(&text), buf_text(&expected));
	free(xs);
}
END_TEST

START_TEST(long_sections)
{
	assert_reads("[section678901234567890123456789012345678901234567]\nx = 1\n",
	        "[section678901234567890123456789012345678901234567|-]\n"
	        "section678901234567890123456789012345678901234567|-|x|1|2\n");
	assert_reads("[section67890123456789012345678901234567890123456789]\nx = 1\n[b]\n",
	        "[b|-]\n1: a section's name is too long\n");
}
END_TEST

START_TEST(no_text_file)
{
	CLEANUP(settings_release) struct settings settings = {0};
	struct problems problems = {0};
	char *text = calloc(1, SETTING_FILE_MAX + 1);

	assert_reads_bytes("[a]\nx = 1\0\n", 11, " not a text file: it holds a NUL\n");

	conf_folder_make();
	memset(text, '\n', SETTING_FILE_MAX + 1);
	ck_assert_int_eq(settings_read_file(&settings, conf_bytes("f", text, SETTING_FILE_MAX), &problems), 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_int_eq(settings_read_file(&settings, conf_bytes("f", text, SETTING_FILE_MAX + 1), &problems), 0);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_ptr_nonnull(strstr(problems.first.text, "larger than 1048576 bytes"));
	ck_assert_int_eq(settings_read_file(&settings, conf_folder, &problems), 0);
	ck_assert_uint_eq(problems.count, 2);
	ck_assert_uint_eq(settings.count, 0);
	conf_folder_remove();
	free(text);
}
END_TEST

START_TEST(no_file)
{
	CLEANUP(settings_release) struct settings settings = {0};
	struct problems problems = {0};

	ck_assert_int_eq(settings_read_file(&settings, "/nonexistent/a.conf", &problems), 0);
	ck_assert_int_eq(problems.first.code, -ENOENT);
	ck_assert_str_eq(problems.first.text, "/nonexistent/a.conf: No such file or directory");
	ck_assert_int_eq(settings_read_drop_ins(&settings, "/nonexistent/a.conf", &problems), 0);
	ck_assert_uint_eq(problems.count, 1);
}
END_TEST

START_TEST(drop_ins_in_order)
{
	CLEANUP(settings_release) struct settings settings = {0};
	struct problems problems = {0};
	char path[256];

	conf_folder_make();
	snprintf(path, sizeof(path), "%s/conf.d", conf_folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	conf_file("conf.d/b.conf", "[s]\nx=2\n");
	conf_file("conf.d/10-a.conf", "[s]\nx=1\n");
	conf_file("conf.d/B.conf", "[s]\nx=B\n");
	conf_file("conf.d/.c.conf", "[s]\nx=3\n");
	conf_file("conf.d/d.conf~", "[s]\nx=4\n");
	conf_file("conf.d/.conf", "[s]\nx=5\n");
	snprintf(path, sizeof(path), "%s/any.conf", conf_folder);
	ck_assert_int_eq(settings_read_drop_ins(&settings, path, &problems), 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_uint_eq(settings.count, 6); /* each with its heading */
	ck_assert_str_eq(settings.items[1].value, "1");
	ck_assert_str_eq(settings.items[3].value, "B");
	ck_assert_str_eq(settings.items[5].value, "2");
	ck_assert_ptr_nonnull(strstr(settings.items[5].place, "/conf.d/b.conf:2"));
	conf_folder_remove();
}
END_TEST

static void assert_override(const char *text, const char *section, const char *named, const char *name,
        const char *value, const char *place)
{
	CLEANUP(settings_release) struct settings settings = {0};
	struct problems problems = {0};

	ck_assert_int_eq(settings_add_override(&settings, text, &problems), 0);
	ck_assert_msg(problems.count == 0, "%s", problems.first.text);
	ck_assert_uint_eq(settings.count, 1);
	ck_assert(settings.items[0].override);
	ck_assert_str_eq(settings.items[0].section, section);
	ck_assert_pstr_eq(settings.items[0].named, named);
	ck_assert_str_eq(settings.items[0].name, name);
	ck_assert_str_eq(settings.items[0].value, value);
	ck_assert_str_eq(settings.items[0].place, place);
}

START_TEST(overrides)
{
	assert_override("log.level=debug", "log", NULL, "level", "debug", "-o log.level");
	assert_override("engine.thread.workers=4", "engine", "thread", "workers", "4", "-o engine.thread.workers");
	assert_override(
	        "engine \"thread\".workers=4", "engine", "thread", "workers", "4", "-o engine \"thread\".workers");
	assert_override("engine.a.b.workers=4", "engine", "a.b", "workers", "4", "-o engine.a.b.workers");
	assert_override(
	        "upstream.url=http://a.b/?c=d.e", "upstream", NULL, "url", "http://a.b/?c=d.e", "-o upstream.url");
	assert_override(" log . level = x y ", "log", NULL, "level", "x y", "-o  log . level ");
	assert_override("cache.path=", "cache", NULL, "path", "", "-o cache.path");
}
END_TEST

START_TEST(no_overrides)
{
	static const char *const texts[] = {"", "=", "log.level", ".level=x", "a \"b.c=d", "\"a\".b=c"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(settings_release) struct settings settings = {0};
		struct problems problems = {0};

		ck_assert_int_eq(settings_add_override(&settings, texts[i], &problems), 0);
		ck_assert_msg(problems.count == 1, "accepted: %s", texts[i]);
		ck_assert_uint_eq(settings.count, 0);
	}
}
END_TEST

START_TEST(a_wrong_override_is_named_but_no_key)
{
	CLEANUP(settings_release) struct settings settings = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT(10000);
	struct problems problems = {.text = &text};

	ck_assert_int_eq(settings_add_override(&settings, "log.level", &problems), 0);
	ck_assert_int_eq(settings_add_override(&settings, "0123456789abcdef", &problems), 0);
	ck_assert_int_eq(settings_add_override(&settings, "key=0123456789abcdef", &problems), 0);
	ck_assert_str_eq(buf_text(&text),
	        "-o: log.level: not a setting; allowed: SECTION.NAME=VALUE or SECTION.NAMED.NAME=VALUE\n"
	        "-o: not a setting; allowed: SECTION.NAME=VALUE or SECTION.NAMED.NAME=VALUE\n"
	        "-o: not a setting; allowed: SECTION.NAME=VALUE or SECTION.NAMED.NAME=VALUE");
}
END_TEST

START_TEST(twenty_problems_are_shown)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 16);
	struct problems problems = {.text = &text};
	size_t count = 0;

	for (int i = 1; i <= 25; i++)
		problem_add(&problems, i == 1 ? -ENOENT : -EINVAL, "here", "number %d", i);
	for (const char *at = buf_text(&text); (at = strchr(at, '\n')); at++)
		count++;
	ck_assert_uint_eq(count, 19); /* between 20 lines */
	ck_assert_uint_eq(problems.count, 25);
	ck_assert_int_eq(problems.first.code, -ENOENT);
	ck_assert_str_eq(problems.first.text, "here: number 1");
	ck_assert_int_eq(strncmp(buf_text(&text), "here: number 1\nhere: number 2\n", 30), 0);
}
END_TEST

UNIT_MAIN("setting", lines, sections, comments_after_a_value, what_is_no_setting, long_lines, long_sections,
        no_text_file, no_file, drop_ins_in_order, overrides, no_overrides, a_wrong_override_is_named_but_no_key,
        twenty_problems_are_shown)
