#include "redmine/target.h"

#include "base/macros.h"
#include "../unit.h"

#include <errno.h>
#include <string.h>

#define NONE TARGET_FORMAT_NONE
#define JSON TARGET_FORMAT_JSON
#define XML  TARGET_FORMAT_XML
#define ATOM TARGET_FORMAT_ATOM

static const struct {
	const char *raw, *path, *query; /* query NULL: no "?" */
	enum target_format format;
} rows[] = {
        {"/", "/", NULL, NONE},
        {"/issues.json", "/issues.json", NULL, JSON},
        {"/issues.json?limit=5", "/issues.json", "limit=5", JSON},
        {"/issues.json?", "/issues.json", "", JSON},
        {"/issues.json?a?b/c.xml", "/issues.json", "a?b/c.xml", JSON},
        {"/issues?x=.json", "/issues", "x=.json", NONE},
        {"//issues.xml//", "//issues.xml//", NULL, XML},
        {"/activity.atom", "/activity.atom", NULL, ATOM},
        {"/issues.csv", "/issues.csv", NULL, NONE},
        {"/issues.JSON", "/issues.JSON", NULL, NONE},
        {"/issues.jsonx", "/issues.jsonx", NULL, NONE},
        {"/issues.json.gz", "/issues.json.gz", NULL, NONE},
        {"/a.json/b", "/a.json/b", NULL, NONE},
        {"/issues/1%2Ejson", "/issues/1%2Ejson", NULL, NONE},
        {"/issues/1.js%6fn", "/issues/1.js%6fn", NULL, NONE},
        {"/\xc3\xbc.json", "/\xc3\xbc.json", NULL, JSON},
        {"*", "*", NULL, NONE},
        /* names of files, not formats */
        {"/attachments/download/5/data.json", "/attachments/download/5/data.json", NULL, NONE},
        {"//attachments//download/5//data.json", "//attachments//download/5//data.json", NULL, NONE},
        {"/attachments/download/5/a/b/c/d/e/f/data.json", "/attachments/download/5/a/b/c/d/e/f/data.json", NULL, NONE},
        {"/attachments/5/data.xml", "/attachments/5/data.xml", NULL, NONE},
        {"/projects/p/repository/r/raw/x.json", "/projects/p/repository/r/raw/x.json", NULL, NONE},
        {"/projects/p/repository/r/diff/a/x.json", "/projects/p/repository/r/diff/a/x.json", NULL, NONE},
        {"/projects/p/repository/r/revisions/1/entry/x.json", "/projects/p/repository/r/revisions/1/entry/x.json", NULL,
                NONE},
        /* formats, though they look like it */
        {"/attachments/5.json", "/attachments/5.json", NULL, JSON},
        {"/attachments/download/5.json", "/attachments/download/5.json", NULL, JSON},
        {"/attachments/download/x/y.json", "/attachments/download/x/y.json", NULL, JSON},
        {"/attachments/issues/5.json", "/attachments/issues/5.json", NULL, JSON},
        {"/projects/p/repository/r/raw.json", "/projects/p/repository/r/raw.json", NULL, JSON},
        {"/projects/p/repository/r/revisions.atom", "/projects/p/repository/r/revisions.atom", NULL, ATOM},
        {"/projects/p/repository/r/revisions/1.json", "/projects/p/repository/r/revisions/1.json", NULL, JSON},
        {"/projects/p/repository/r/revisions/1/issues.json", "/projects/p/repository/r/revisions/1/issues.json", NULL,
                JSON},
        {"/projects/p/wiki/raw/x.json", "/projects/p/wiki/raw/x.json", NULL, JSON},
};

static void row(size_t at)
{
	struct target target;

	ck_assert_int_eq(target_parse(&target, rows[at].raw), 0);
	ck_assert_ptr_eq(target.path, rows[at].raw);
	ck_assert_uint_eq(target.path_size, strlen(rows[at].path));
	ck_assert_mem_eq(target.path, rows[at].path, target.path_size);
	ck_assert(!target.query == !rows[at].query);
	if (rows[at].query)
		ck_assert_str_eq(target.query, rows[at].query);
	ck_assert_uint_eq(target.query_size, rows[at].query ? strlen(rows[at].query) : 0);
	ck_assert_msg(target.format == rows[at].format, "%s", rows[at].raw);
}

START_TEST(every_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row(i);
}
END_TEST

static const char *const refused[] = {"", "issues.json", "http://h/issues.json", "h:80", "**", "*x", "/a b", "/a\tb",
        "/a\r\nX: y", "/a\x7f", "/a#b", "/a?b c", "/a?b#c", " /a", "?a=b", "/a\x01"};

static void refusal(size_t at)
{
	struct target target;

	ck_assert_msg(target_parse(&target, refused[at]) == -EINVAL, "%s", refused[at]);
}

START_TEST(every_refusal)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		refusal(i);
}
END_TEST

START_TEST(segments)
{
	struct target_segment segment;
	struct target target;
	size_t at = 0;

	ck_assert_int_eq(target_parse(&target, "//ab///c.d.json/?x/y"), 0);
	ck_assert(target_next_segment(&target, &at, &segment));
	ck_assert(target_segment_is(&segment, "ab"));
	ck_assert(!target_segment_is(&segment, "a"));
	ck_assert(!target_segment_is(&segment, "abc"));
	ck_assert_uint_eq(target_segment_cut(&segment), 0);
	ck_assert(target_next_segment(&target, &at, &segment));
	ck_assert(target_segment_is(&segment, "c.d.json"));
	ck_assert_uint_eq(target_segment_cut(&segment), 5);
	ck_assert(target_segment_is(&segment, "c.d"));
	ck_assert(!target_next_segment(&target, &at, &segment));
	ck_assert(!target_next_segment(&target, &at, &segment));
}
END_TEST

UNIT_MAIN("target", every_row, every_refusal, segments)
