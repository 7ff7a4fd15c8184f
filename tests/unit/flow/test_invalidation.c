#include "flow/invalidation.h"

#include "kit.h"

struct bed {
	struct conf *conf;
	struct origin origin;
	struct request *r;
};

static void make(struct bed *bed, const char *origin, const char *target)
{
	bed->conf = kit_conf(NULL);
	ck_assert_int_eq(origin_init(&bed->origin, origin, NULL), 0);
	bed->r = request_new(NULL, NULL, bed->conf, "PUT", target);
	ck_assert_int_eq(target_parse(&bed->r->target, bed->r->raw_target), 0);
	ck_assert_int_eq(query_parse(&bed->r->query, bed->r->target.query, bed->r->target.query_size, true), 0);
	bed->r->base = strdup("http://cache.test:7336");
}

static void clear(struct bed *bed)
{
	request_unref(bed->r);
	origin_release(&bed->origin);
	conf_unref(bed->conf);
}

static uint64_t tag_of(const char *target)
{
	struct bed bed;
	uint64_t tag;

	make(&bed, KIT_ORIGIN, target);
	tag = invalidation_tag(bed.r);
	clear(&bed);
	return tag;
}

START_TEST(tags_are_of_uris)
{
	ck_assert_uint_ne(tag_of("/a"), 0);
	ck_assert_uint_eq(tag_of("/a"), tag_of("/a"));
	ck_assert_uint_ne(tag_of("/a"), tag_of("/b"));
	ck_assert_uint_ne(tag_of("/a"), tag_of("/a?x=1"));
	ck_assert_uint_eq(tag_of("/a?x=1&key=1"), tag_of("/a?x=1&key=2")); /* of every identity */
}
END_TEST

/* RFC 9111 section 4.4, of a PUT to /dir/own. */
START_TEST(answers_make_invalid)
{
	static const struct {
		unsigned status;
		const char *fields;
		const char *invalid[3];
	} cases[] = {
	        {200, "", {"/dir/own"}},
	        {204, "", {"/dir/own"}},
	        {302, "", {"/dir/own"}},
	        {400, "Location: /a\r\n", {NULL}},
	        {500, "", {NULL}},
	        {201, "Location: /a\r\n", {"/dir/own", "/a"}},
	        {201, "Location: /a?x=1#there\r\n", {"/dir/own", "/a?x=1"}},
	        {201, "Location: a\r\n", {"/dir/own", "/dir/a"}},
	        {201, "Location: ?x=1\r\n", {"/dir/own", "/dir/own?x=1"}},
	        {201, "Location: http://redmine.test/a\r\n", {"/dir/own", "/a"}},
	        {201, "Location: HTTP://Redmine.Test/a\r\n", {"/dir/own", "/a"}},
	        {201, "Location: http://redmine.test\r\n", {"/dir/own", "/"}},
	        {201, "Location: http://cache.test:7336/a\r\n", {"/dir/own", "/a"}},
	        {201, "Content-Location: /b\r\nLocation: /a\r\n", {"/dir/own", "/a", "/b"}},
	        /* another origin's are not touched */
	        {201, "Location: http://redmine.test.evil/a\r\n", {"/dir/own"}},
	        {201, "Location: http://redmine.test:81/a\r\n", {"/dir/own"}},
	        {201, "Location: https://redmine.test/a\r\n", {"/dir/own"}},
	        {201, "Location: //redmine.test/a\r\n", {"/dir/own"}},
	        {201, "Location: mailto:a\r\n", {"/dir/own"}},
	        {201, "Location: /a b\r\n", {"/dir/own"}},
	};
	struct bed bed;

	make(&bed, KIT_ORIGIN, "/dir/own");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
		struct tags tags;
		size_t count = 0;

		ck_assert_int_eq(fields_parse(&fields, cases[i].fields, strlen(cases[i].fields)), 0);
		invalidation_by_answer(&tags, bed.r, &bed.origin, cases[i].status, &fields);
		while (count < 3 && cases[i].invalid[count])
			count++;
		ck_assert_msg(tags.count == count, "%u %s: %zu tags", cases[i].status, cases[i].fields, tags.count);
		for (size_t j = 0; j < count; j++)
			ck_assert_msg(tags.items[j] == tag_of(cases[i].invalid[j]), "%s: not %s", cases[i].fields,
			        cases[i].invalid[j]);
	}
	clear(&bed);
}
END_TEST

/* Keys are of what lies below the sub-URI. */
START_TEST(sub_uri)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct tags tags;
	struct bed bed;

	make(&bed, KIT_ORIGIN "/redmine", "/own");
	ck_assert_int_eq(fields_add(&fields, "Location", "http://redmine.test/redmine/a"), 0);
	ck_assert_int_eq(fields_add(&fields, "Content-Location", "/redmine/b"), 0);
	invalidation_by_answer(&tags, bed.r, &bed.origin, 200, &fields);
	ck_assert_uint_eq(tags.count, 3);
	ck_assert_uint_eq(tags.items[1], tag_of("/a"));
	ck_assert_uint_eq(tags.items[2], tag_of("/b"));
	clear(&bed);
}
END_TEST

UNIT_MAIN("invalidation", tags_are_of_uris, answers_make_invalid, sub_uri)
