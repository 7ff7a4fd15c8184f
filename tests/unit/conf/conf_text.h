/*
 * Settings from a text, as if it were a file, for the tests of this room.
 */
#ifndef TESTS_CONF_TEXT_H
#define TESTS_CONF_TEXT_H

#include "conf/conf.h"
#include "conf/option.h"

#include "../unit.h"

#include <string.h>
#include <unistd.h>

/* The folder of this test's files; conf_folder_remove() removes it with all that conf_file() put there. */
static char conf_folder[64];

static inline void conf_folder_make(void)
{
	strcpy(conf_folder, "/tmp/test_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(conf_folder));
}

static inline void conf_folder_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", conf_folder);
	ck_assert_int_eq(system(command), 0);
}

/* Writes a file below the folder; the path is that of a static room, good until the next call. */
static inline const char *conf_bytes(const char *name, const char *text, size_t size)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", conf_folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

static inline const char *conf_file(const char *name, const char *text)
{
	return conf_bytes(name, text, strlen(text));
}

#define OVERRIDES(...)                                                                                                 \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		__VA_ARGS__, NULL                                                                                      \
	}

/* The settings of a file with that text (NULL: no file) and of overrides (NULL: none), or NULL with every problem. */
static inline struct conf *conf_try(const char *text, const char *const *overrides, struct buf *problems)
{
	struct conf_source source = {.overrides = overrides, .problems = problems};
	struct conf *conf = NULL;
	struct fail fail = {0};
	int r;

	while (overrides && overrides[source.override_count])
		source.override_count++;
	conf_folder_make();
	if (text)
		source.file = conf_file("a.conf", text);
	r = conf_load(&source, &conf, &fail);
	ck_assert_int_eq(r, fail.code);
	ck_assert((r == 0) == (conf != NULL));
	ck_assert((r == 0) == (problems->size == 0));
	conf_folder_remove();
	return conf;
}

/* The same where nothing may be wrong. The caller owns a reference. */
static inline struct conf *conf_of(const char *text, const char *const *overrides)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(1 << 16);
	struct conf *conf = conf_try(text, overrides, &problems);

	ck_assert_msg(conf != NULL, "%s", buf_text(&problems));
	return conf;
}

/* Of expected text: {sections}, {engine} and {engine NAME} become the lists of what there is. */
static inline void expand_lists(const char *text, struct buf *out)
{
	while (*text) {
		size_t size = strcspn(text, "{");

		ck_assert_int_eq(buf_add(out, text, size), 0);
		text += size;
		if (strncmp(text, "{sections}", 10) == 0)
			ck_assert_int_eq(section_list(out), 0);
		else if (*text)
			ck_assert_int_eq(option_list("engine", text[7] != '}', out), 0);
		text += strcspn(text, "}");
		text += *text == '}';
	}
}

/* Exactly those problems, one a line; the folder of the file is cut from them. */
static inline void assert_problems(const char *text, const char *const *overrides, const char *expected)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(1 << 16);
	CLEANUP(buf_release) struct buf shown = BUF_INIT(1 << 16);
	struct conf *conf = conf_try(text, overrides, &problems);
	CLEANUP(buf_release) struct buf wanted = BUF_INIT(1 << 16);
	size_t folder = strlen(conf_folder) + 1;

	expand_lists(expected, &wanted);
	ck_assert_msg(conf == NULL, "nothing was wrong, but this was expected: %s", expected);
	for (const char *at = buf_text(&problems); *at; at++) {
		if (strncmp(at, conf_folder, folder - 1) == 0)
			at += folder;
		ck_assert_int_eq(buf_add_char(&shown, *at), 0);
	}
	ck_assert_int_eq(buf_add_char(&shown, '\n'), 0);
	ck_assert_str_eq(buf_text(&shown), buf_text(&wanted));
}

static inline void conf_unrefp(struct conf **conf)
{
	conf_unref(*conf);
}

#define URL "[upstream]\nurl = http://redmine.example.org\n"

#endif
