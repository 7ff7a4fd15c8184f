#include "conf/option.h"

#include "conf/conf.h"
#include "conf/type.h"

#include "../unit.h"

#include <string.h>

/* What a row must be for parsing, printing and explaining to be made from it. */
START_TEST(every_row_is_whole)
{
	const struct option *option;
	size_t count = 0;

	for (size_t i = 0; (option = option_at(i)); i++, count++) {
		const struct section *section = section_find(option->section);
		size_t end = strlen(option->help);

		ck_assert_msg(section, "%s.%s: no such section", option->section, option->name);
		ck_assert_msg(option->scope != OPTION_OF_ENGINE || *section->named, "%s has no names", option->section);
		ck_assert_msg(end > 10 && option->help[end - 1] == '.', "%s.%s: no whole sentence", option->section,
		        option->name);
		ck_assert_msg(!strpbrk(option->help, "\n\t") && option->help[0] != '.' && option->help[0] != '\'',
		        "%s.%s: its help breaks the manual page", option->section, option->name);
		ck_assert_ptr_nonnull(option->default_text);
		ck_assert_ptr_nonnull(option->words);
		for (size_t j = 0; j < i; j++) {
			const struct option *other = option_at(j);

			ck_assert_msg(strcmp(other->section, option->section) != 0 ||
			                      strcmp(other->name, option->name) != 0 || other->scope != option->scope,
			        "%s.%s is there twice", option->section, option->name);
		}
	}
	ck_assert_uint_gt(count, 25);
}
END_TEST

/* The bounds are values of the type and contain the default. */
START_TEST(every_bound_is_a_value)
{
	const struct option *option;

	for (size_t i = 0; (option = option_at(i)); i++) {
		uint64_t room = 0; /* enough for every type that has bounds */
		struct fail fail = {0};

		if (!*option->min)
			continue;
		ck_assert_msg(
		        option->type->parse(option, option->min, &room, &fail) == 0, "%s: %s", option->name, fail.text);
		ck_assert_msg(
		        option->type->parse(option, option->max, &room, &fail) == 0, "%s: %s", option->name, fail.text);
		if (*option->default_text)
			ck_assert_msg(option->type->parse(option, option->default_text, &room, &fail) == 0, "%s: %s",
			        option->name, fail.text);
	}
}
END_TEST

START_TEST(finds)
{
	const struct option *option = option_find("upstream", false, "timeout");

	ck_assert_ptr_nonnull(option);
	ck_assert_uint_eq(option->offset, offsetof(struct conf, upstream.timeout_ms));
	ck_assert_str_eq(option->default_text, "60s");
	ck_assert(option->reload);
	ck_assert_ptr_null(option_find("upstream", false, "Timeout"));
	ck_assert_ptr_null(option_find("upstream", true, "timeout"));
	ck_assert_ptr_null(option_find("nothing", false, "timeout"));

	option = option_find("engine", true, "workers");
	ck_assert_ptr_nonnull(option);
	ck_assert_int_eq(option->scope, OPTION_OF_ENGINE);
	ck_assert_ptr_null(option_find("engine", false, "workers"));
	ck_assert_ptr_nonnull(option_find("engine", false, "default"));
	ck_assert_ptr_null(option_find("engine", true, "default"));

	option = option_find("lifetime", false, "whatever");
	ck_assert_ptr_nonnull(option);
	ck_assert_int_eq(option->scope, OPTION_OF_LIFETIME);
	ck_assert_ptr_nonnull(section_find("cache"));
	ck_assert_ptr_null(section_find("Cache"));
}
END_TEST

/* Every row of the table, in its order. */
START_TEST(lists_what_there_is)
{
	static const struct {
		const char *name, *named;
	} rows[] = {
#define SECTION(name, named, help) {#name, named},
#include "conf/options.h"
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT(10000), expected = BUF_INIT(10000);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(buf_printf(&expected, "%s[%s]", i ? ", " : "", rows[i].name), 0);
		if (rows[i].named[0])
			ck_assert_int_eq(buf_printf(&expected, ", [%s \"%s\"]", rows[i].name, rows[i].named), 0);
	}
	ck_assert_int_eq(section_list(&out), 0);
	ck_assert_str_eq(buf_text(&out), buf_text(&expected));
	buf_clear(&out);
	ck_assert_int_eq(option_list("engine", true, &out), 0);
	ck_assert_ptr_eq(strstr(buf_text(&out), "workers, queue, "), buf_text(&out));
	ck_assert_ptr_null(strstr(buf_text(&out), "default"));
	buf_clear(&out);
	ck_assert_int_eq(option_list("engine", false, &out), 0);
	ck_assert_ptr_eq(strstr(buf_text(&out), "default"), buf_text(&out));
	ck_assert_ptr_null(strstr(buf_text(&out), "workers"));
}
END_TEST

START_TEST(nearest)
{
	char long_name[200], near[16];

	ck_assert_str_eq(section_nearest("upstrem"), "upstream");
	ck_assert_str_eq(section_nearest("LISTEN"), "listen");
	ck_assert_str_eq(section_nearest("engines"), "engine");
	ck_assert_str_eq(section_nearest("lgo"), "log");
	ck_assert_ptr_null(section_nearest("database"));
	ck_assert_ptr_null(section_nearest(""));
	ck_assert_str_eq(option_nearest("upstream", false, "time_out"), "timeout");
	ck_assert_str_eq(option_nearest("upstream", false, "connecttimeout"), "connect_timeout");
	ck_assert_str_eq(option_nearest("engine", true, "worker"), "workers");
	ck_assert_ptr_null(option_nearest("engine", false, "workers"));
	ck_assert_ptr_null(option_nearest("nothing", false, "workers"));
	ck_assert(names_nearest("issues, issue, projects", "isues", near, sizeof(near)));
	ck_assert_str_eq(near, "issues");
	ck_assert(names_nearest("issues, issue, projects", "project", near, sizeof(near)));
	ck_assert_str_eq(near, "projects");
	ck_assert(!names_nearest("issues, issue, projects", "memory", near, sizeof(near)));
	ck_assert(!names_nearest("", "memory", near, sizeof(near)));
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_ptr_null(section_nearest(long_name));
}
END_TEST

UNIT_MAIN("option", every_row_is_whole, every_bound_is_a_value, finds, lists_what_there_is, nearest)
