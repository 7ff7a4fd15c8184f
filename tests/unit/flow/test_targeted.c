#include "flow/targeted.h"

#include "../unit.h"

static bool reads(const char *block, struct directives *ret)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;

	*ret = (struct directives){.max_age = 77};
	ck_assert_int_eq(fields_parse(&fields, block, strlen(block)), 0);
	return targeted_read(ret, &fields, "CDN-Cache-Control");
}

/* RFC 9651: any type may stand there; RFC 9213 2.1: those that no directive has are left out. */
START_TEST(reads_dictionaries)
{
	static const struct {
		const char *value;
		int64_t max_age; /* -2: the field is ignored */
		bool no_store;
	} cases[] = {
	        {"max-age=3600", 3600, false},
	        {"max-age=0", 0, false},
	        {"max-age=99999999999", SECONDS_ANY, false},
	        {"max-age=-5", 0, false},
	        {"no-store", SECONDS_NONE, true},
	        {"no-store, max-age=5", 5, true},
	        {"no-store=?1", SECONDS_NONE, true},
	        {"no-store=?0", SECONDS_NONE, false},
	        {"no-store;a=1;b", SECONDS_NONE, true},
	        {"max-age=5;x=\"y\"", 5, false},
	        {"foobar, max-age=5", 5, false},
	        {"max-age=5,no-store", 5, true},
	        {"max-age=5 \t,\t no-store", 5, true},
	        {"max-age=5, a=1.5, b=-0.125, c=tok/en:x, d=:aGk=:, e=(1 2 \"x\";y=1), f=\"a, \\\"no-store\", g=@5", 5,
	                false},
	        /* another type than the directive's */
	        {"max-age=\"10000\"", SECONDS_NONE, false},
	        {"max-age=5.0", SECONDS_NONE, false},
	        {"max-age", SECONDS_NONE, false},
	        {"max-age=token", SECONDS_NONE, false},
	        {"no-store=1", SECONDS_NONE, false},
	        /* no dictionary: ignored as a whole */
	        {"", -2, false},
	        {"   ", -2, false},
	        {"max-age=10000, &&&&&", -2, false},
	        {"&&&&&, max-age=10000", -2, false},
	        {"MaX-aGe=3600", -2, false},
	        {"max-age =100", -2, false},
	        {"max-age= 100", -2, false},
	        {"max-age=5,", -2, false},
	        {",max-age=5", -2, false},
	        {"max-age=5 no-store", -2, false},
	        {"max-age=5;", -2, false},
	        {"max-age=1234567890123456", -2, false},
	        {"max-age=-", -2, false},
	        {"a=1.", -2, false},
	        {"a=1.2345", -2, false},
	        {"a=\"open", -2, false},
	        {"a=\"\\x\"", -2, false},
	        {"a=\"\\", -2, false},
	        {"a=(1 2", -2, false},
	        {"a=(1,2)", -2, false},
	        {"a=?2", -2, false},
	        {"a=?", -2, false},
	        {"a=:aGk=", -2, false},
	        {"a=@1.5", -2, false},
	        {"a=\xc3\xa4", -2, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char block[200];
		struct directives d;
		bool read;

		snprintf(block, sizeof(block), "CDN-Cache-Control: %s\r\n", cases[i].value);
		read = reads(block, &d);
		ck_assert_msg(read == (cases[i].max_age != -2), "%s", cases[i].value);
		if (!read) {
			ck_assert_int_eq(d.max_age, 77);
			continue;
		}
		ck_assert_msg(d.targeted && d.max_age == cases[i].max_age && d.no_store == cases[i].no_store,
		        "%s: max-age %lld, no-store %d", cases[i].value, (long long)d.max_age, d.no_store);
	}
}
END_TEST

START_TEST(lines_are_one_dictionary)
{
	struct directives d;

	ck_assert(reads("CDN-Cache-Control: max-age=5\r\nX: y\r\ncdn-cache-control: no-store\r\n", &d));
	ck_assert(d.max_age == 5 && d.no_store);
	ck_assert(!reads("CDN-Cache-Control: max-age=5\r\nCDN-Cache-Control: &\r\n", &d));
	ck_assert(!reads("Cache-Control: max-age=5\r\n", &d));
}
END_TEST

START_TEST(names_fields)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct directives d;

	ck_assert_int_eq(fields_add(&fields, "CDN-Cache-Control", "private=\"X-A, x-b\", no-cache=\"X-C\""), 0);
	ck_assert(targeted_read(&d, &fields, "CDN-Cache-Control"));
	ck_assert(!d.is_private && !d.no_cache && d.qualified_private && d.qualified_no_cache);
	ck_assert(directives_qualify(&d, "x-a") && directives_qualify(&d, "X-B") && directives_qualify(&d, "X-C"));
	ck_assert(!directives_qualify(&d, "X") && !directives_qualify(&d, "X-D") && !directives_qualify(&d, ""));
}
END_TEST

UNIT_MAIN("targeted", reads_dictionaries, lines_are_one_dictionary, names_fields)
