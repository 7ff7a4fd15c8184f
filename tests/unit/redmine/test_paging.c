/* The window that a query asks for, and the same query with another. */
#include "redmine/paging.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

static struct paging read_query(const char *query)
{
	struct paging paging;

	ck_assert_msg(paging_read(&paging, query, strlen(query)), "%s", query);
	return paging;
}

START_TEST(reads_the_window)
{
	struct paging paging;

	paging = read_query("");
	ck_assert(paging.limit == -1 && paging.offset == -1 && paging.page == -1 && !paging.all && !paging.sorted);
	paging = read_query("limit=100&status_id=*&offset=200&page=3");
	ck_assert(paging.limit == 100 && paging.offset == 200 && paging.page == 3);
	paging = read_query("limit=5&limit=all&sort=updated_on:desc");
	ck_assert(paging.all && paging.limit == -2 && paging.sorted);
	paging = read_query("limit=all&limit=5&sort=");
	ck_assert(!paging.all && paging.limit == 5 && !paging.sorted);
	paging = read_query("%6Cimit=7&offset=-5&query_id=3&nometa=1");
	ck_assert(paging.limit == 7 && paging.offset == -2 && paging.sorted && paging.nometa);
	paging = read_query("sort=id:desc");
	ck_assert(paging.sorted && paging.by_id);
	ck_assert(read_query("sort=id").by_id && read_query("sort=id%3Aasc,subject").by_id);
	ck_assert(!read_query("sort=identifier").by_id && !read_query("sort=id&query_id=1").by_id);
	ck_assert(read_query("group_by=status").sorted);
	ck_assert(read_query("nolimit=all&x=limit=all").limit == -1);
	ck_assert(paging_read(&paging, NULL, 0));
}
END_TEST

START_TEST(tells_where_an_id_may_be_filtered)
{
	static const char *const no[] = {"issue_id=5", "issue_id[]=5", "%69ssue_id=5", "f[]=status_id",
	        "f%5B%5D=", "f=1", "fields[]=x", "sort=id", "query_id=1", "[f][]=x"};
	CLEANUP(buf_release) struct buf out = BUF_INIT(1024);

	ck_assert(read_query("").below && read_query("limit=all&status_id=*&sort=&tracker_id=1&from=2&&").below);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		ck_assert_msg(!read_query(no[i]).below, "%s", no[i]);
	ck_assert_int_eq(paging_write_below("limit=all&status_id=*", 21, 70, 100, &out), 0);
	ck_assert_str_eq(buf_text(&out), "status_id=*&offset=0&limit=100&issue_id=%3C%3D70");
}
END_TEST

START_TEST(tells_where_changes_may_be_asked_for)
{
	static const char *const yes[] = {"sort=updated_on:desc", "status_id=*&sort=priority%3Adesc%2Cid", "sort=id"};
	static const char *const no[] = {"", "sort=", "sort=cf_1", "sort=spent_hours",
	        "sort=priority,total_spent_hours", "sort=updated_on&updated_on=x", "sort=updated_on&query_id=1",
	        "sort=updated_on&f[]=status_id", "sort=updated_on&issue_id=5", "sort=updated_on&group_by=status",
	        "sort=parent"};
	const char *query = "status_id=*&sort=updated_on:desc&limit=all";
	CLEANUP(buf_release) struct buf first = BUF_INIT(1024), next = BUF_INIT(1024);

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		ck_assert_msg(read_query(yes[i]).looks, "%s", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		ck_assert_msg(!read_query(no[i]).looks, "%s", no[i]);
	ck_assert_int_eq(paging_write_since(query, strlen(query), 784111777, 0, 100, &first), 0);
	ck_assert_str_eq(buf_text(&first), "status_id=*&offset=0&limit=100&updated_on=%3E%3D1994-11-06T08:49:37Z");
	ck_assert_int_eq(paging_write_since(query, strlen(query), 784111777, 70, 100, &next), 0);
	ck_assert_str_eq(buf_text(&next),
	        "status_id=*&offset=0&limit=100&updated_on=%3E%3D1994-11-06T08:49:37Z&issue_id=%3C%3D70");
}
END_TEST

START_TEST(what_cannot_be_read)
{
	static const char *const queries[] = {
	        "limit=all;a=b", "limit[]=all", "limit%5B%5D=5", "offset[a]=1", "[limit]=5", "page[]=1"};
	struct paging paging;

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		ck_assert_msg(!paging_read(&paging, queries[i], strlen(queries[i])), "%s", queries[i]);
}
END_TEST

START_TEST(writes_another_window)
{
	static const struct {
		const char *query, *expected;
	} rows[] = {
	        {"", "offset=99&limit=100"},
	        {"limit=all", "offset=99&limit=100"},
	        {"a=%20b&limit=all&&v[x][]=1&nometa=1&page=2&v[x][]=2", "a=%20b&v[x][]=1&v[x][]=2&offset=99&limit=100"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

		ck_assert_int_eq(paging_write(rows[i].query, strlen(rows[i].query), 99, 100, &out), 0);
		ck_assert_str_eq(buf_text(&out), rows[i].expected);
	}
}
END_TEST

START_TEST(moves_the_window)
{
	static const struct {
		const char *query, *expected;
	} rows[] = {
	        {"limit=50&offset=100&a=b", "limit=50&offset=300&a=b"},
	        {"a=b&page=3&limit=50", "a=b&page=7&limit=50"},
	        {"limit=50", "limit=50&offset=300"},
	        {"", "offset=300"},
	        {"page=3&offset=100&limit=50", "page=3&offset=300&limit=50"},
	};
	CLEANUP(buf_release) struct buf odd = BUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

		ck_assert_int_eq(paging_move(rows[i].query, strlen(rows[i].query), 300, 50, &out), 0);
		ck_assert_str_eq(buf_text(&out), rows[i].expected);
	}
	ck_assert_int_eq(paging_move("page=3", 6, 30, 25, &odd), -EINVAL);
	ck_assert_int_eq(paging_move("limit[]=1", 9, 50, 25, &odd), -EINVAL);
}
END_TEST

START_TEST(a_limit_falls)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096), behind = BUF_INIT(4096);
	const char *query = "a=b&limit=400&offset=100";

	ck_assert_int_eq(paging_fall(query, strlen(query), 300, 500, &out), 0);
	ck_assert_str_eq(buf_text(&out), "a=b&limit=200&offset=300");
	ck_assert_int_eq(paging_fall(query, strlen(query), 500, 500, &behind), -EINVAL);
}
END_TEST

UNIT_MAIN("paging", reads_the_window, tells_where_an_id_may_be_filtered, tells_where_changes_may_be_asked_for,
        what_cannot_be_read, writes_another_window, moves_the_window, a_limit_falls)
