#include "cachectl/show.h"

#include "../unit.h"

START_TEST(numbers_for_people)
{
	char room[32];

	ck_assert_str_eq(show_bytes(room, 0), "0 B");
	ck_assert_str_eq(show_bytes(room, 1023), "1023 B");
	ck_assert_str_eq(show_bytes(room, 1536), "1.5 KiB");
	ck_assert_str_eq(show_bytes(room, 300.0 * 1024 * 1024), "300 MiB");
	ck_assert_str_eq(show_bytes(room, 5e15), "4547 TiB");
	ck_assert_str_eq(show_span(room, 0.000012), "12 us");
	ck_assert_str_eq(show_span(room, 0.0123), "12.3 ms");
	ck_assert_str_eq(show_span(room, 75), "75.0 s");
	ck_assert_str_eq(show_long_span(room, 59), "59 s");
	ck_assert_str_eq(show_long_span(room, -3), "-3 s");
	ck_assert_str_eq(show_long_span(room, 61), "1m 01s");
	ck_assert_str_eq(show_long_span(room, 7260), "2h 01m");
	ck_assert_str_eq(show_long_span(room, 90000), "1d 01h");
	ck_assert_str_eq(show_count(room, 9999), "9999");
	ck_assert_str_eq(show_count(room, 12345), "12.3k");
	ck_assert_str_eq(show_count(room, 12345678), "12.3M");
}
END_TEST

START_TEST(members_by_their_path)
{
	struct json_object *object = json_tokener_parse("{\"a\":{\"b\":7,\"t\":\"x\"}}");

	ck_assert_double_eq(show_number(object, "a.b"), 7);
	ck_assert_double_eq(show_number(object, "a.c"), 0);
	ck_assert_double_eq(show_number(NULL, "a.b"), 0);
	ck_assert_str_eq(show_text(object, "a.t"), "x");
	ck_assert_str_eq(show_text(object, "z.t"), "");
	ck_assert_ptr_null(show_at(object, "a.b.c"));
	json_object_put(object);
}
END_TEST

START_TEST(hit_ratio_of_all_and_of_an_interval)
{
	struct json_object *before = json_tokener_parse("{\"requests\":{\"hits\":10,\"misses\":10}}");
	struct json_object *now = json_tokener_parse("{\"requests\":{\"hits\":40,\"misses\":20}}");

	ck_assert_double_eq_tol(show_hit_ratio(now, NULL), 66.7, 0.1);
	ck_assert_double_eq_tol(show_hit_ratio(now, before), 75, 0.1);
	ck_assert_double_eq(show_hit_ratio(now, now), -1);
	json_object_put(before);
	json_object_put(now);
}
END_TEST

UNIT_MAIN("show", numbers_for_people, members_by_their_path, hit_ratio_of_all_and_of_an_interval)
