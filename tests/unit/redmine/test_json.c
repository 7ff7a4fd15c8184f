/* JSON as text among other text. */
#include "redmine/json.h"

#include "../unit.h"

#include <string.h>

START_TEST(values)
{
	static const char *const good[] = {"{}", "[]", " null ", "true", "false", "0", "-1.5e+3", "12", "\"\"",
	        "{\"a\":[1,{\"b\":null}]}", "[[],{},\"\\u00fc\\n\\\"\"]", "\"\xc3\xbc\"",
	        "{ \"a\" : 1 , \"b\" : [ 2 ] }"};
	static const char *const bad[] = {"", " ", "{", "}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.",
	        "-", "1e", "tru", "nulll", "\"", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "{}{}", "[1 2]", "{\"a\":1,}",
	        "[}", "\"\xff\"", "\"\xc0\x80\"", "cb({})"};
	char deep[2 * JSON_DEPTH_MAX + 4]; /* the innermost is empty: it does not count */

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(json_is_value(good[i], strlen(good[i])), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!json_is_value(bad[i], strlen(bad[i])), "%s", bad[i]);
	ck_assert(!json_is_value("[1]\0", 4));
	memset(deep, '[', JSON_DEPTH_MAX + 2);
	memset(deep + JSON_DEPTH_MAX + 2, ']', JSON_DEPTH_MAX + 2);
	ck_assert(json_is_value(deep + 1, 2 * JSON_DEPTH_MAX + 2));
	ck_assert(!json_is_value(deep, 2 * JSON_DEPTH_MAX + 4));
}
END_TEST

START_TEST(utf8)
{
	static const char *const good[] = {
	        "", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc1\x80", "\xe0\x9f\x80", "\xed\xa0\x80", "\xf0\x8f\x80\x80",
	        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2", "\xe1\x80", "\xc2\x41"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert(json_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!json_is_utf8(bad[i], strlen(bad[i])), "%zu", i);
}
END_TEST

START_TEST(strings)
{
	static const struct {
		const char *bytes, *base64;
	} rows[] = {{"", "\"\""}, {"f", "\"Zg==\""}, {"fo", "\"Zm8=\""}, {"foo", "\"Zm9v\""},
	        {"\xff\xfe\xfd\xfc", "\"//79/A==\""}};
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	ck_assert_int_eq(json_add_string("a\"\\\n\t\xc3\xbc", 7, &out), 0);
	ck_assert_str_eq(buf_text(&out), "\"a\\\"\\\\\\u000a\\u0009\xc3\xbc\"");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_clear(&out);
		ck_assert_int_eq(json_add_base64(rows[i].bytes, strlen(rows[i].bytes), &out), 0);
		ck_assert_str_eq(buf_text(&out), rows[i].base64);
	}
}
END_TEST

UNIT_MAIN("json", values, utf8, strings)
