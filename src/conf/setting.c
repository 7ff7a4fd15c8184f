#include "conf/setting.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define PROBLEMS_MAX 20

/* Debian's inih keeps the longest line in a variable, others fix it at 200 bytes when they are built. */
extern int ini_max_line __attribute__((weak));

void problem_add(struct problems *problems, int code, const char *place, const char *format, ...)
{
	char text[PROBLEM_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (problems->count++ == 0)
		fail_set(&problems->first, code, "%s: %s", place, text);
	if (!problems->text || problems->count > PROBLEMS_MAX)
		return;
	if (buf_printf(problems->text, "%s%s: %s", problems->text->size ? "\n" : "", place, text) < 0)
		return; /* no room for its line; it counts all the same */
}

void setting_problem(struct problems *problems, const struct setting *setting, int code, const char *format, ...)
{
	char text[PROBLEM_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (setting->override)
		problem_add(problems, code, setting->place, "%s", text);
	else
		problem_add(problems, code, setting->place, "%s: %s", setting->name, text);
}

static void setting_release(struct setting *setting)
{
	free(setting->section);
	free(setting->named);
	free(setting->name);
	free(setting->value);
	free(setting->place);
}

void settings_release(struct settings *settings)
{
	for (size_t i = 0; i < settings->count; i++)
		setting_release(&settings->items[i]);
	free(settings->items);
	*settings = (struct settings){0};
}

/* Takes over what the setting owns, also when it fails. */
static int settings_add(struct settings *settings, struct setting setting)
{
	if (!setting.section || !setting.place)
		goto no_memory;
	if (settings->count == settings->room) {
		size_t room = settings->room ? settings->room * 2 : 32;
		struct setting *items = realloc(settings->items, room * sizeof(*items));

		if (!items)
			goto no_memory;
		settings->items = items;
		settings->room = room;
	}
	settings->items[settings->count++] = setting;
	return 0;

no_memory:
	setting_release(&setting);
	return -ENOMEM;
}

/* A copy without the white space at both ends, which inih takes off too. NULL without memory. */
static char *trimmed(const char *text, size_t size)
{
	while (size > 0 && isspace((unsigned char)*text)) {
		text++;
		size--;
	}
	while (size > 0 && isspace((unsigned char)text[size - 1]))
		size--;
	return strndup(text, size);
}

/*
 * Takes 'engine "thread"' apart. 0; -EINVAL when it is neither a word nor a word with a quoted name, or has a ";", which
 * begins a comment for inih; -ENOMEM.
 */
static int heading_split(const char *text, size_t text_size, char **ret_section, char **ret_named)
{
	CLEANUP(freep) char *heading = trimmed(text, text_size);
	CLEANUP(freep) char *section = NULL;
	CLEANUP(freep) char *named = NULL;
	const char *rest, *end;
	size_t word;

	if (!heading)
		return -ENOMEM;
	word = strcspn(heading, " \t\"");
	rest = heading + word + strspn(heading + word, " \t");
	end = heading + strlen(heading) - 1;
	if (word == 0 || heading[word] == '"' || strchr(heading, ';') || (*rest && *rest != '"'))
		return -EINVAL;
	if (*rest && (rest == end || *end != '"'))
		return -EINVAL;
	section = strndup(heading, word);
	if (*rest)
		named = strndup(rest + 1, (size_t)(end - (rest + 1)));
	if (!section || (*rest && !named))
		return -ENOMEM;
	*ret_section = TAKE(section);
	*ret_named = TAKE(named);
	return 0;
}

/* The setting's name and value. 0; -ENOMEM, with the setting released. */
static int setting_fill(struct setting *setting, const char *name, size_t name_size, const char *value)
{
	setting->name = trimmed(name, name_size);
	setting->value = trimmed(value, strlen(value));
	if (setting->name && setting->value)
		return 0;
	setting_release(setting);
	return -ENOMEM;
}

/* A file on its way through inih. */
struct reading {
	struct settings *settings;
	struct problems *problems;
	const char *path;
	struct buf content;
	size_t at;        /* where the next line begins */
	unsigned line;    /* of the line that inih has, from 1 */
	bool awaiting;    /* inih should find a setting in it */
	bool bad_section; /* the last heading was none: what stands below it is not looked at */
	bool no_memory;
};

static char *reading_place(struct reading *reading)
{
	char *place;

	if (asprintf(&place, "%s:%u", reading->path, reading->line) < 0) {
		reading->no_memory = true;
		return NULL;
	}
	return place;
}

static void reading_problem(struct reading *reading, const char *what)
{
	CLEANUP(freep) char *place = reading_place(reading);

	if (place)
		problem_add(reading->problems, -EINVAL, place, "%s", what);
}

/* Adds the heading itself as a setting without a name, so that an unknown section is found where it begins. */
static void reading_heading(struct reading *reading, const char *line, size_t size)
{
	const char *end = memchr(line, ']', size);
	struct setting setting = {0};
	const char *rest;
	int r;

	reading->bad_section = true;
	if (!end) {
		reading_problem(reading, "a section without \"]\"");
		return;
	}
	for (rest = end + 1; rest < line + size && isspace((unsigned char)*rest); rest++)
		continue;
	if (rest < line + size && *rest != ';' && *rest != '#') {
		reading_problem(
		        reading, "something stands after the section's \"]\"; settings have lines of their own");
		return;
	}
	if ((size_t)(end - line - 1) > SETTING_SECTION_MAX) {
		reading_problem(reading, "a section's name is too long");
		return;
	}
	r = heading_split(line + 1, (size_t)(end - line - 1), &setting.section, &setting.named);
	if (r == -EINVAL) {
		reading_problem(reading, "not a section; allowed: [NAME] or [NAME \"NAME\"]");
		return;
	}
	if (r == 0)
		setting.place = reading_place(reading);
	if (r < 0 || settings_add(reading->settings, setting) < 0)
		reading->no_memory = true;
	reading->bad_section = false;
}

/*
 * inih's reader (as fgets): hands out one line without what leads it, as inih
 * would take an indented line for more of the value above. A line that inih
 * could not hold whole is a problem, not cut.
 */
static char *reading_line(char *line, int room, void *user)
{
	struct reading *reading = user;
	const char *start, *end;
	size_t size;

	if (reading->awaiting)
		reading_problem(reading, "neither NAME = VALUE nor [SECTION] nor a comment");
	reading->awaiting = false;
	if (reading->at >= reading->content.size || reading->no_memory)
		return NULL;
	reading->line++;
	start = reading->content.data + reading->at;
	end = strchrnul(start, '\n');
	reading->at = (size_t)(end - reading->content.data) + 1;
	while (start < end && isspace((unsigned char)*start))
		start++;
	size = (size_t)(end - start);
	if (size == 0 || *start == '#' || *start == ';') {
		size = 0;
	} else if (size + 2 > (size_t)room) {
		reading_problem(reading, "the line is too long");
		size = 0;
	} else if (*start == '[') {
		reading_heading(reading, start, size);
	} else {
		reading->awaiting = true;
	}
	memcpy(line, start, size);
	memcpy(line + size, "\n", 2);
	return line;
}

/* inih's handler: always 1, as what is wrong is kept with its line by us. */
static int reading_setting(void *user, const char *section, const char *name, const char *value)
{
	struct reading *reading = user;
	struct setting setting = {0};

	reading->awaiting = false;
	if (reading->bad_section)
		return 1;
	if (!*section) {
		reading_problem(reading, "a setting stands before the first [SECTION]");
		return 1;
	}
	if (heading_split(section, strlen(section), &setting.section, &setting.named) < 0) {
		reading->no_memory = true;
		return 1;
	}
	setting.place = reading_place(reading);
	if (setting_fill(&setting, name, strlen(name), value) < 0 || settings_add(reading->settings, setting) < 0)
		reading->no_memory = true;
	return 1;
}

/* The whole file; a pipe will do. */
static int content_read(struct buf *content, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	int r = 0;

	if (fd < 0)
		return -errno;
	while (r == 0 && n > 0) {
		char part[4096];

		n = read(fd, part, sizeof(part));
		if (n > 0)
			r = buf_add(content, part, (size_t)n);
		else if (n < 0)
			r = -errno;
	}
	close(fd);
	return r;
}

static int reading_parse(struct reading *reading)
{
	if (strncmp(reading->content.data, "\xEF\xBB\xBF", 3) ==
	        0) /* the mark that some editors put in front of UTF-8 */
		reading->at = 3;
	if (&ini_max_line)
		ini_max_line = SETTING_LINE_MAX + 2;
	if (ini_parse_stream(reading_line, reading, reading_setting, reading) == -2 || reading->no_memory)
		return -ENOMEM;
	return 0;
}

static int reading_run(struct reading *reading)
{
	struct buf *content = &reading->content;
	int r = content_read(content, reading->path);

	if (r == -ENOMEM)
		return r;
	if (r == -ENOBUFS)
		problem_add(reading->problems, -EINVAL, reading->path, "larger than %d bytes", SETTING_FILE_MAX);
	else if (r < 0)
		problem_add(reading->problems, r, reading->path, "%s", strerror(-r));
	else if (content->size > 0 && memchr(content->data, '\0', content->size))
		problem_add(reading->problems, -EINVAL, reading->path, "not a text file: it holds a NUL");
	else if (content->size > 0)
		return reading_parse(reading);
	return 0;
}

int settings_read_file(struct settings *settings, const char *path, struct problems *problems)
{
	struct reading reading = {
	        .settings = settings,
	        .problems = problems,
	        .path = path,
	        .content = BUF_INIT(SETTING_FILE_MAX),
	};
	int r = reading_run(&reading);

	buf_release(&reading.content);
	return r;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && size > 5 && strcmp(entry->d_name + size - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **one, const struct dirent **other)
{
	return strcmp((*one)->d_name, (*other)->d_name);
}

int settings_read_drop_ins(struct settings *settings, const char *path, struct problems *problems)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(freep) char *folder = NULL;
	struct dirent **entries = NULL;
	int count, r = 0;

	if (asprintf(&folder, "%.*sconf.d", slash ? (int)(slash + 1 - path) : 0, path) < 0) {
		folder = NULL;
		return -ENOMEM;
	}
	count = scandir(folder, &entries, is_drop_in, by_bytes);
	if (count < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (count < 0) {
		if (errno == ENOMEM)
			return -ENOMEM;
		problem_add(problems, -errno, folder, "%s", strerror(errno));
		return 0;
	}
	for (int i = 0; i < count; i++) {
		CLEANUP(freep) char *file = NULL;

		if (r == 0 && asprintf(&file, "%s/%s", folder, entries[i]->d_name) < 0) {
			file = NULL;
			r = -ENOMEM;
		}
		if (r == 0)
			r = settings_read_file(settings, file, problems);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* What stands in front of the last "." before the "=": a section, by its heading or by SECTION.NAMED. */
static int override_section(const char *text, size_t size, struct setting *setting)
{
	const char *dot = memchr(text, '"', size) ? NULL : memchr(text, '.', size);
	int r;

	if (!dot)
		return heading_split(text, size, &setting->section, &setting->named);
	r = heading_split(text, (size_t)(dot - text), &setting->section, &setting->named);
	if (r < 0)
		return r;
	setting->named = trimmed(dot + 1, size - (size_t)(dot + 1 - text));
	return setting->named ? 0 : -ENOMEM;
}

int settings_add_override(struct settings *settings, const char *text, struct problems *problems)
{
	struct setting setting = {.override = true};
	const char *equals = strchr(text, '=');
	const char *dot = equals ? memrchr(text, '.', (size_t)(equals - text)) : NULL;
	int r = -EINVAL;

	if (dot)
		r = override_section(text, (size_t)(dot - text), &setting);
	if (r < 0) {
		setting_release(&setting);
		if (r == -ENOMEM)
			return r;
		/* A text without a "." is not shown: it may be a key that slipped in. */
		problem_add(problems, r, "-o",
		        "%.*s%snot a setting; allowed: SECTION.NAME=VALUE or SECTION.NAMED.NAME=VALUE",
		        strchr(text, '.') ? (int)strcspn(text, "=") : 0, text, strchr(text, '.') ? ": " : "");
		return 0;
	}
	if (asprintf(&setting.place, "-o %.*s", (int)(equals - text), text) < 0)
		setting.place = NULL;
	if (setting_fill(&setting, dot + 1, (size_t)(equals - dot - 1), equals + 1) < 0)
		return -ENOMEM;
	return settings_add(settings, setting);
}
