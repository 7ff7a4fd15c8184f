#include "redmine/issue_rows.h"

#include "base/macros.h"
#include "../unit.h"

#include <errno.h>
#include <string.h>

static int read_text(struct issue_rows *rows, const char *body)
{
	return issue_rows_read(rows, body, strlen(body));
}

START_TEST(a_page)
{
	struct issue_rows rows, other;

	ck_assert_int_eq(
	        read_text(&rows, "{\"issues\":[{\"id\":7,\"subject\":\"a\",\"updated_on\":\"2026-11-22T08:12:51Z\"},"
	                         "{\"id\":5,\"parent\":{\"id\":3},\"updated_on\":\"2026-11-22T09:12:51+01:00\"}],"
	                         "\"total_count\":120,\"offset\":0,\"limit\":2}"),
	        0);
	ck_assert_uint_eq(rows.total, 120);
	ck_assert_uint_eq(rows.count, 2);
	ck_assert_uint_eq(rows.items[0].id, 7);
	ck_assert_uint_eq(rows.items[0].parent, 0);
	ck_assert_int_eq(rows.items[0].updated_s, 1795335171);
	ck_assert_uint_eq(rows.items[1].parent, 3);
	ck_assert_int_eq(rows.items[1].updated_s, 1795335171);
	ck_assert_int_eq(read_text(&other,
	                         "{\"issues\":[{\"id\":7,\"subject\":\"b\",\"updated_on\":\"2026-11-22T08:12:51Z\"}]}"),
	        0);
	ck_assert_uint_ne(rows.items[0].digest, other.items[0].digest);
}
END_TEST

START_TEST(what_is_none)
{
	static const char *const bodies[] = {
	        "",
	        "{",
	        "[]",
	        "null",
	        "{}",
	        "{\"issues\":{}}",
	        "{\"issues\":[1]}",
	        "{\"issues\":[{\"id\":7}]}",
	        "{\"issues\":[{\"id\":7,\"updated_on\":\"yesterday\"}]}",
	        "{\"issues\":[{\"id\":7,\"updated_on\":null}]}",
	        "{\"issues\":[{\"updated_on\":\"2026-11-22T08:12:51Z\"}]}",
	};
	struct issue_rows rows;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		ck_assert_msg(read_text(&rows, bodies[i]) == -EINVAL, "%s", bodies[i]);
	ck_assert_int_eq(read_text(&rows, "{\"issues\":[],\"total_count\":0}"), 0);
	ck_assert_uint_eq(rows.count, 0);
}
END_TEST

UNIT_MAIN("issue_rows", a_page, what_is_none)
