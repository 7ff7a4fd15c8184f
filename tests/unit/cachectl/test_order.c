#include "cachectl/order.h"

#include "../unit.h"
#include "base/macros.h"

#include <string.h>

/* Nothing is shown here. */
#define SHOW(name)                                                                                                     \
	void name(struct view *view, struct json_object *object)                                                       \
	{                                                                                                              \
	}
SHOW(show_status)
SHOW(show_engines)
SHOW(show_sessions)
SHOW(show_said)
SHOW(show_entry)
SHOW(show_entries_sum)
SHOW(show_purged)
SHOW(show_dumped)
SHOW(show_restored)
SHOW(show_explained)
SHOW(show_request)
SHOW(show_top)
SHOW(show_warmed)
SHOW(show_warm_sum)

bool show_warm_failed(struct json_object *warmed)
{
	return false;
}

/* The words of a command line, separated by one space, as its arguments in JSON; NULL: refused. */
static char *read_words(const char *line, struct fail *fail)
{
	char words[256], *argv[16] = {0}, *text = NULL;
	struct json_object *arguments;
	struct own_options own = {0};
	int argc = 0;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	arguments = order_arguments(order_find(argv[0]), argc, argv, &own, fail);
	if (arguments)
		text = strdup(json_object_to_json_string_ext(
		        arguments, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(arguments);
	return text;
}

START_TEST(what_a_line_means)
{
	static const struct {
		const char *line, *arguments;
	} cases[] = {
	        {"status", "{}"},
	        {"purge --all --soft", "{\"all\":true,\"soft\":true}"},
	        {"purge --url /a --tag issue:1", "{\"url\":\"/a\",\"tag\":\"issue:1\"}"},
	        {"tail --slow 250 --status 5xx", "{\"slow_ms\":250,\"status\":\"5xx\"}"},
	        {"top --interval 500 --count 3", "{\"interval_ms\":500}"},
	        {"explain /issues.json", "{\"url\":\"/issues.json\"}"},
	        {"warm /a /b", "{\"urls\":[\"/a\",\"/b\"]}"},
	        {"status --json --socket /nonexistent", "{}"},
	        {"explain --socket=/nonexistent /a", "{\"url\":\"/a\"}"},
	        {"purge --pattern --all --soft", "{\"pattern\":\"--all\",\"soft\":true}"},
	        {"warm --help", "{}"},
	        {"dump /nonexistent", "{}"},
	        {"restore -", "{}"},
	        {"warm --session board /a", "{\"session\":\"board\",\"urls\":[\"/a\"]}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fail fail = {0};
		CLEANUP(freep) char *text = read_words(cases[i].line, &fail);

		ck_assert_msg(text != NULL, "%s: %s", cases[i].line, fail.text);
		ck_assert_str_eq(text, cases[i].arguments);
	}
}
END_TEST

START_TEST(what_is_refused)
{
	static const char *const lines[] = {"status --all", "status extra", "explain", "explain /a /b", "purge --url",
	        "entries --limit -1", "entries --limit", "warm", "tail --nonsense", "purge --al",
	        "purge --all=yes --sof", "status --json=1", "status -x", "dump", "restore", "dump a b",
	        "warm --key-file /nonexistent /a"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct fail fail = {0};
		CLEANUP(freep) char *text = read_words(lines[i], &fail);

		ck_assert_msg(text == NULL, "%s: %s", lines[i], text);
		ck_assert_msg(fail.text[0], "%s", lines[i]);
	}
}
END_TEST

START_TEST(every_order_has_its_help)
{
	const struct order *order;
	size_t count = 0;

	for (; (order = order_at(count)); count++) {
		ck_assert_ptr_eq(order_find(order->name), order);
		ck_assert_int_ne(order->help[0], '\0');
		ck_assert(order->row || order->result);
	}
	ck_assert_uint_ge(count, 11);
	ck_assert_ptr_null(order_find("explode"));
}
END_TEST

UNIT_MAIN("order", what_a_line_means, what_is_refused, every_order_has_its_help)
