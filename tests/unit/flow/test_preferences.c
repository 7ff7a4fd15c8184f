#include "flow/preferences.h"

#include "kit.h"

/* What is read from these fields: "wait=5000 minimal async workers=3", or the sentence that says what is wrong. Static room. */
static const char *read_from(const char *fields_text)
{
	static char text[FAIL_TEXT_MAX];
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct conf *conf = kit_conf((const char *const[]){"session.wait_limit=100s", "session.workers_limit=4", NULL});
	struct preferences p = {.workers = 77};
	struct fail fail = {0};

	ck_assert_int_eq(fields_parse(&fields, fields_text, strlen(fields_text)), 0);
	if (preferences_read(&p, &fields, conf, &fail) < 0) {
		ck_assert_int_eq(fail.code, -EINVAL);
		ck_assert_int_eq(p.workers, 77); /* left alone */
		snprintf(text, sizeof(text), "%s", fail.text);
	} else {
		snprintf(text, sizeof(text), "wait=%lld%s%s workers=%d", (long long)p.wait_ms,
		        p.minimal ? " minimal" : "", p.respond_async ? " async" : "", p.workers);
	}
	conf_unref(conf);
	return text;
}

START_TEST(nothing_is_asked_for)
{
	ck_assert_str_eq(read_from(""), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: \r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: ,, ,\r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: waiting=3, wait-for=2, x-wait=1, returns=minimal\r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: foo; wait=3\r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: foo=\"a, wait=3\"\r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: foo=\"a\\\", wait=3\"\r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: foo=\"never closed, wait=3\r\n"), "wait=0 workers=0");
	ck_assert_str_eq(read_from("Prefer: return=representation\r\n"), "wait=0 workers=0");
}
END_TEST

START_TEST(each_of_them)
{
	ck_assert_str_eq(read_from("Prefer: wait=5\r\n"), "wait=5000 workers=0");
	ck_assert_str_eq(read_from("prefer: WAIT = \"5\" ;a=b\r\n"), "wait=5000 workers=0");
	ck_assert_str_eq(read_from("Prefer: wait=100\r\n"), "wait=100000 workers=0");
	ck_assert_str_eq(read_from("Prefer: wait=101\r\n"), "wait=100000 workers=0");
	ck_assert_str_eq(read_from("Prefer: wait=184467440737095516160000\r\n"), "wait=100000 workers=0");
	ck_assert_str_eq(read_from("Prefer: return=Minimal\r\n"), "wait=0 minimal workers=0");
	ck_assert_str_eq(read_from("Prefer: respond-async\r\n"), "wait=0 async workers=0");
	ck_assert_str_eq(read_from("Prefer: respond-async=\"\"\r\n"), "wait=0 async workers=0");
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: 4\r\n"), "wait=0 workers=4");
	ck_assert_str_eq(read_from("Prefer: foo,respond-async ,wait=1\r\nA: 1\r\nPrefer: return=minimal\r\n"),
	        "wait=1000 minimal async workers=0");
}
END_TEST

START_TEST(the_first_of_several_counts)
{
	ck_assert_str_eq(read_from("Prefer: wait=5, wait=x\r\nPrefer: wait=7\r\n"), "wait=5000 workers=0");
	ck_assert_str_eq(read_from("Prefer: return=representation, return=minimal\r\n"), "wait=0 workers=0");
}
END_TEST

START_TEST(what_is_malformed_is_named)
{
	static const char wait[] = "Prefer: wait must be a number of seconds above 0.";
	static const char workers[] = "Redmine-Cached-Workers must be a number from 1 to 4.";

	ck_assert_str_eq(read_from("Prefer: wait\r\n"), wait);
	ck_assert_str_eq(read_from("Prefer: wait=00\r\n"), wait);
	ck_assert_str_eq(read_from("Prefer: wait=-5\r\n"), "Prefer: wait must be a number of seconds.");
	ck_assert_str_eq(read_from("Prefer: wait=5s\r\n"), "Prefer: wait must be a number of seconds.");
	ck_assert_str_eq(read_from("Prefer: return\r\n"), "Prefer: return must be minimal or representation.");
	ck_assert_str_eq(read_from("Prefer: return=full\r\n"), "Prefer: return must be minimal or representation.");
	ck_assert_str_eq(read_from("Prefer: respond-async=yes\r\n"), "Prefer: respond-async has no value.");
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: 5\r\n"), workers);
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: \r\n"), workers);
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: 0\r\n"), workers);
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: +1\r\n"), workers);
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: 4294967297\r\n"), workers);
	ck_assert_str_eq(read_from("Redmine-Cached-Workers: 1\r\nRedmine-Cached-Workers: 1\r\n"),
	        "Redmine-Cached-Workers: there is more than one.");
}
END_TEST

static void assert_left(const char *fields_text, const char *expected)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT(10000);

	ck_assert_int_eq(fields_parse(&fields, fields_text, strlen(fields_text)), 0);
	ck_assert_int_eq(preferences_take_out(&fields), 0);
	ck_assert_int_eq(fields_print(&fields, &text), 0);
	ck_assert_str_eq(buf_text(&text), expected);
}

START_TEST(the_rest_is_redmines)
{
	assert_left("A: 1\r\n", "A: 1\r\n");
	assert_left("Prefer: handling=lenient  , b\r\n", "Prefer: handling=lenient  , b\r\n");
	assert_left("Prefer: wait=5;x\r\nA: 1\r\nPrefer: return=minimal,respond-async\r\n", "A: 1\r\n");
	assert_left("Prefer: wait=5, foo=\"a,b\";c=d\r\nA: 1\r\nPrefer: b, return=representation\r\n",
	        "A: 1\r\nPrefer: foo=\"a,b\";c=d, b, return=representation\r\n");
}
END_TEST

static const char *applied(struct preferences p, unsigned status)
{
	static char text[256];
	CLEANUP(buf_release) struct buf out = BUF_INIT(sizeof(text));

	ck_assert_int_eq(preferences_applied(&p, status, &out), 0);
	snprintf(text, sizeof(text), "%s", buf_text(&out));
	return text;
}

START_TEST(says_what_was_honoured)
{
	struct preferences all = {.wait_ms = 5000, .minimal = true, .respond_async = true, .workers = 3};

	ck_assert_str_eq(applied((struct preferences){0}, 200), "");
	ck_assert_str_eq(applied(all, 200), "wait=5, return=minimal");
	ck_assert_str_eq(applied(all, 204), "wait=5");
	ck_assert_str_eq(applied(all, 422), "wait=5");
	ck_assert_str_eq(applied(all, 304), "wait=5");
	ck_assert_str_eq(applied((struct preferences){.respond_async = true}, 202), "respond-async");
	ck_assert_str_eq(applied((struct preferences){.respond_async = true}, 200), "");
}
END_TEST

UNIT_MAIN("preferences", nothing_is_asked_for, each_of_them, the_first_of_several_counts, what_is_malformed_is_named,
        the_rest_is_redmines, says_what_was_honoured)
