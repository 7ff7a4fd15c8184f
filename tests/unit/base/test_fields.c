#include "base/fields.h"

#include "../unit.h"

#include <errno.h>

static struct fields parsed(const char *block)
{
	struct fields f = FIELDS_INIT;

	ck_assert_int_eq(fields_parse(&f, block, strlen(block)), 0);
	return f;
}

static void assert_prints(const struct fields *f, const char *expected)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);

	ck_assert_int_eq(fields_print(f, &out), 0);
	ck_assert_str_eq(buf_text(&out), expected);
}

START_TEST(keeps_order_duplicates_and_bytes)
{
	CLEANUP(fields_release) struct fields f = FIELDS_INIT;

	ck_assert_int_eq(fields_add(&f, "B", "1"), 0);
	ck_assert_int_eq(fields_add(&f, "a", ""), 0);
	ck_assert_int_eq(fields_add_slice(&f, "bxx", 1, "\xff, 2yy", 4), 0);
	assert_prints(&f, "B: 1\r\na: \r\nb: \xff, 2\r\n");
	ck_assert_uint_eq(fields_count(&f, "b"), 2);
	ck_assert_str_eq(fields_get(&f, "b"), "1");
	ck_assert_str_eq(fields_get(&f, "A"), "");
	ck_assert_ptr_null(fields_get(&f, "c"));
	ck_assert_uint_eq(fields_count(&f, "c"), 0);
}
END_TEST

START_TEST(grows)
{
	CLEANUP(fields_release) struct fields f = FIELDS_INIT;
	CLEANUP(fields_release) struct fields copy = FIELDS_INIT;
	char name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ck_assert_int_eq(fields_add(&f, name, name), 0);
	}
	ck_assert_int_eq(fields_copy(&copy, &f), 0);
	fields_release(&f);
	ck_assert_uint_eq(f.count, 0);
	ck_assert_uint_eq(copy.count, 100);
	ck_assert_str_eq(fields_get(&copy, "N99"), "n99");
}
END_TEST

START_TEST(removes_and_sets)
{
	CLEANUP(fields_release) struct fields f = parsed("A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\n");

	ck_assert_uint_eq(fields_remove(&f, "A"), 2);
	ck_assert_uint_eq(fields_remove(&f, "A"), 0);
	assert_prints(&f, "B: 2\r\nC: 4\r\n");
	ck_assert_int_eq(fields_set(&f, "b", "5"), 0);
	ck_assert_int_eq(fields_set(&f, "D", "6"), 0);
	assert_prints(&f, "C: 4\r\nb: 5\r\nD: 6\r\n");
}
END_TEST

START_TEST(tokens)
{
	CLEANUP(fields_release)
	struct fields f = parsed(
	        "Cache-Control: max-age=0, Private\r\ncache-control:  ,, no-cache\t,x\r\nOther: no-store\r\n");

	ck_assert(fields_has_token(&f, "Cache-Control", "private"));
	ck_assert(fields_has_token(&f, "cache-control", "NO-CACHE"));
	ck_assert(fields_has_token(&f, "cache-control", "x"));
	ck_assert(fields_has_token(&f, "cache-control", "max-age=0"));
	ck_assert(!fields_has_token(&f, "cache-control", "max-age"));
	ck_assert(!fields_has_token(&f, "cache-control", "no-store"));
	ck_assert(!fields_has_token(&f, "cache-control", ""));
	ck_assert(!fields_has_token(&f, "nothing", "x"));
}
END_TEST

START_TEST(parses_what_it_prints)
{
	static const char block[] =
	        "Content-Type: application/json; charset=utf-8\r\nSet-Cookie: a=b\r\nset-cookie: c\r\nEmpty: \r\n";
	CLEANUP(fields_release) struct fields f = parsed(block);

	ck_assert_uint_eq(f.count, 4);
	assert_prints(&f, block);
}
END_TEST

START_TEST(parse_trims_white_space)
{
	CLEANUP(fields_release) struct fields f = parsed("A:\t 1 2 \t\r\nB:3\r\nC: :\r\n");

	assert_prints(&f, "A: 1 2\r\nB: 3\r\nC: :\r\n");
}
END_TEST

START_TEST(parse_refuses_what_is_no_block)
{
	static const char *const blocks[] = {"A: 1", "A: 1\n", "A 1\r\n", ": 1\r\n", "\r\n", "\n", "A: 1\r\n\r\n", "A"};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		CLEANUP(fields_release) struct fields f = FIELDS_INIT;

		ck_assert_msg(fields_parse(&f, blocks[i], strlen(blocks[i])) == -EINVAL, "accepted: %s", blocks[i]);
	}
}
END_TEST

START_TEST(print_stops_at_the_ceiling)
{
	CLEANUP(fields_release) struct fields f = parsed("A: 1\r\nB: 2\r\n");
	CLEANUP(buf_release) struct buf out = BUF_INIT(8);

	ck_assert_int_eq(fields_print(&f, &out), -ENOBUFS);
}
END_TEST

/* RFC 9110 section 7.6.1 */
START_TEST(what_ends_at_a_hop_goes)
{
	CLEANUP(fields_release)
	struct fields f = parsed(
	        "Connection: close, X-Once\r\nkeep-alive: timeout=5\r\nProxy-Connection: a\r\nTE: trailers\r\n"
	        "Transfer-Encoding: chunked\r\nUpgrade: h2c\r\nTrailer: X\r\nx-once: 1\r\nX-Redmine-API-Key: k\r\n"
	        "X-ONCE: 2\r\nTE2: stays\r\n");

	fields_remove_hop_by_hop(&f);
	assert_prints(&f, "X-Redmine-API-Key: k\r\nTE2: stays\r\n");
}
END_TEST

START_TEST(every_connection_field_counts)
{
	CLEANUP(fields_release)
	struct fields f = parsed(
	        "A: 1\r\nB: 2\r\nConnection: a\r\nC: 3\r\nconnection: , b ,c\r\nD: 4\r\nE: 5\r\nConnection: e, e\r\n");

	fields_remove_hop_by_hop(&f);
	assert_prints(&f, "D: 4\r\n");
}
END_TEST

START_TEST(connection_cannot_name_what_every_hop_needs)
{
	CLEANUP(fields_release)
	struct fields f = parsed(
	        "Connection: Host, content-length, Cache-Control\r\nHost: h\r\nContent-Length: 1\r\nCache-Control: no-store\r\n");

	fields_remove_hop_by_hop(&f);
	assert_prints(&f, "Host: h\r\nContent-Length: 1\r\nCache-Control: no-store\r\n");
}
END_TEST

START_TEST(a_long_name_in_connection_goes_too)
{
	CLEANUP(fields_release) struct fields f = FIELDS_INIT;
	char name[301];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(fields_add(&f, name, "1"), 0);
	ck_assert_int_eq(fields_add(&f, "Connection", name), 0);
	fields_remove_hop_by_hop(&f);
	ck_assert_uint_eq(f.count, 0);
}
END_TEST

UNIT_MAIN("fields", keeps_order_duplicates_and_bytes, grows, removes_and_sets, tokens, parses_what_it_prints,
        parse_trims_white_space, parse_refuses_what_is_no_block, print_stops_at_the_ceiling, what_ends_at_a_hop_goes,
        every_connection_field_counts, connection_cannot_name_what_every_hop_needs, a_long_name_in_connection_goes_too)
