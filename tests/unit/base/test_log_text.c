#include "base/log_text.h"

#include "../unit.h"

#include <json-c/json.h>
#include <string.h>

#define NOW 1767225599123 /* 2025-12-31T23:59:59.123Z */

static const struct log_dress terminal = {LOG_FORMAT_TEXT, false};
static const struct log_dress journal = {LOG_FORMAT_TEXT, true};
static const struct log_dress json = {LOG_FORMAT_JSON, false};

static const struct log_request hit = {
        .method = "GET",
        .target = "/issues.json?limit=100",
        .client = "127.0.0.1",
        .cache = "hit",
        .identity = "3fa9c1",
        .status = 200,
        .sent = 27628,
        .duration_us = 412,
        .upstream_us = -1,
};

static const char *message(struct log_dress dress, enum log_level level, const char *text)
{
	static struct log_text line;

	log_text_message(&line, dress, level, NOW, text);
	ck_assert_uint_lt(line.size, LOG_TEXT_MAX);
	ck_assert_int_eq(line.data[line.size - 1], '\n');
	line.data[line.size - 1] = '\0';
	ck_assert_uint_eq(strlen(line.data), line.size - 1);
	return line.data;
}

static const char *request(struct log_dress dress, const struct log_request *r)
{
	static struct log_text line;

	log_text_request(&line, dress, NOW, r);
	ck_assert_uint_lt(line.size, LOG_TEXT_MAX);
	ck_assert_int_eq(line.data[line.size - 1], '\n');
	line.data[line.size - 1] = '\0';
	ck_assert_uint_eq(strlen(line.data), line.size - 1);
	return line.data;
}

START_TEST(messages)
{
	ck_assert_str_eq(message(terminal, LOG_LEVEL_ERROR, "no disk"), "2025-12-31T23:59:59.123Z error no disk");
	ck_assert_str_eq(message(terminal, LOG_LEVEL_WARN, ""), "2025-12-31T23:59:59.123Z warn ");
	ck_assert_str_eq(message(journal, LOG_LEVEL_ERROR, "e"), "<3>e");
	ck_assert_str_eq(message(journal, LOG_LEVEL_WARN, "w"), "<4>w");
	ck_assert_str_eq(message(journal, LOG_LEVEL_INFO, "i"), "<6>i");
	ck_assert_str_eq(message(journal, LOG_LEVEL_DEBUG, "d"), "<7>d");
	ck_assert_str_eq(message(json, LOG_LEVEL_DEBUG, "say \"a\\b\""),
	        "{\"time\":\"2025-12-31T23:59:59.123Z\",\"level\":\"debug\",\"message\":\"say \\\"a\\\\b\\\"\"}");
}
END_TEST

START_TEST(the_second_changes)
{
	struct log_text line;

	log_text_message(&line, terminal, LOG_LEVEL_INFO, NOW, "a");
	log_text_message(&line, terminal, LOG_LEVEL_INFO, NOW + 877, "b");
	ck_assert_int_eq(strncmp(line.data, "2026-01-01T00:00:00.000Z info b\n", line.size), 0);
	log_text_message(&line, terminal, LOG_LEVEL_INFO, 951782400007, "c");
	ck_assert_int_eq(strncmp(line.data, "2000-02-29T00:00:00.007Z info c\n", line.size), 0);
}
END_TEST

START_TEST(one_message_one_line_of_utf_8)
{
	ck_assert_str_eq(message(journal, LOG_LEVEL_INFO, "a\nb\tc\rd\x1b[0me\x7f"), "<6>a b c d [0me ");
	ck_assert_str_eq(message(journal, LOG_LEVEL_INFO, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
	        "<6>gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
	ck_assert_str_eq(message(journal, LOG_LEVEL_INFO, "\xff \xc3( \xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82"),
	        "<6>? ?( ?? ??? ???? ??");
	ck_assert_str_eq(
	        message(journal, LOG_LEVEL_INFO, "\xc2\x9b[0m"), "<6> [0m"); /* a control character of ISO 6429 */
}
END_TEST

START_TEST(requests)
{
	struct log_request miss = hit;

	ck_assert_str_eq(request(journal, &hit),
	        "<6>GET /issues.json?limit=100 200 27628 0.412ms hit client=127.0.0.1 id=3fa9c1 upstream=-");
	miss.upstream_us = 1234567;
	miss.duration_us = 1234999;
	miss.cache = "miss";
	ck_assert_str_eq(request(terminal, &miss),
	        "2025-12-31T23:59:59.123Z info GET /issues.json?limit=100 200 27628 1234.999ms miss client=127.0.0.1 "
	        "id=3fa9c1 upstream=1234.567ms");
}
END_TEST

START_TEST(request_strings_cannot_break_out)
{
	struct log_request odd = hit;

	odd.target = "/a b\n<3>forged\xff\"\\";
	odd.cache = "x y";
	odd.client = "";
	ck_assert_str_eq(request(journal, &odd),
	        "<6>GET /a%20b%0A<3>forged%FF\"\\ 200 27628 0.412ms x%20y client= id=3fa9c1 upstream=-");
}
END_TEST

static const char *member(struct json_object *object, const char *name)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(object, name, &value), "no member %s", name);
	return json_object_get_string(value);
}

START_TEST(request_as_json)
{
	struct log_request odd = hit;
	struct json_object *object, *upstream;

	odd.target = "/a\"b\\c\x01";
	object = json_tokener_parse(request(json, &odd));
	ck_assert_ptr_nonnull(object);
	ck_assert_str_eq(member(object, "time"), "2025-12-31T23:59:59.123Z");
	ck_assert_str_eq(member(object, "level"), "info");
	ck_assert_str_eq(member(object, "method"), "GET");
	ck_assert_str_eq(member(object, "target"), "/a\"b\\c%01");
	ck_assert_str_eq(member(object, "status"), "200");
	ck_assert_str_eq(member(object, "sent"), "27628");
	ck_assert_str_eq(member(object, "duration_ms"), "0.412");
	ck_assert_str_eq(member(object, "cache"), "hit");
	ck_assert_str_eq(member(object, "client"), "127.0.0.1");
	ck_assert_str_eq(member(object, "id"), "3fa9c1");
	ck_assert(json_object_object_get_ex(object, "upstream_ms", &upstream));
	ck_assert_ptr_null(upstream);
	json_object_put(object);

	odd.upstream_us = 5;
	object = json_tokener_parse(request(json, &odd));
	ck_assert_str_eq(member(object, "upstream_ms"), "0.005");
	json_object_put(object);
}
END_TEST

/* Everything as long and as awkward as can be: a line still ends as it should. */
START_TEST(long_lines_are_cut)
{
	char bytes[3 * LOG_TEXT_MAX];
	struct log_request huge = {bytes, bytes, bytes, bytes, bytes, UINT32_MAX, UINT64_MAX, INT64_MAX, INT64_MAX};

	for (const char *byte = "x\"\xff\xe2"; *byte; byte++) {
		struct json_object *object;

		memset(bytes, *byte, sizeof(bytes) - 1);
		bytes[sizeof(bytes) - 1] = '\0';
		ck_assert_ptr_nonnull(strstr(request(terminal, &huge), " upstream=9223372036854775.807ms"));
		ck_assert_ptr_nonnull(strstr(request(journal, &huge), "... "));
		object = json_tokener_parse(request(json, &huge));
		ck_assert_ptr_nonnull(object);
		json_object_put(object);

		ck_assert_ptr_nonnull(strstr(message(terminal, LOG_LEVEL_INFO, bytes), "..."));
		object = json_tokener_parse(message(json, LOG_LEVEL_INFO, bytes));
		ck_assert_ptr_nonnull(object);
		json_object_put(object);
	}
}
END_TEST

/* Each length near the limit: cut or not, whole characters only. */
START_TEST(cut_at_every_length)
{
	char bytes[LOG_TEXT_MAX + 1];

	for (size_t size = LOG_TEXT_MAX - 80; size < LOG_TEXT_MAX; size++) {
		struct json_object *object;

		for (size_t i = 0; i < size; i++)
			bytes[i] = "\xf0\x9f\x98\x80"[i % 4];
		bytes[size] = '\0';
		object = json_tokener_parse(message(json, LOG_LEVEL_INFO, bytes));
		ck_assert_ptr_nonnull(object);
		json_object_put(object);
	}
}
END_TEST

UNIT_MAIN("log_text", messages, the_second_changes, one_message_one_line_of_utf_8, requests,
        request_strings_cannot_break_out, request_as_json, long_lines_are_cut, cut_at_every_length)
