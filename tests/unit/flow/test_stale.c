/* Stale on purpose: for how long, for whom, and how it is said. */
#include "flow/stale.h"

#include "kit.h"

#define BORN_MS INT64_C(1785578400000)

static const char *const both[] = {"cache.stale_while_revalidate=20s", "cache.stale_if_error=1h", NULL};

START_TEST(how_long)
{
	static const struct {
		bool known, must_revalidate;
		const char *fields;
		double refreshing, error;
	} cases[] = {
	        {true, false, "", 20, 3600},
	        {true, false, "Cache-Control: stale-while-revalidate=5, stale-if-error=6\r\n", 20, 3600},
	        {true, true, "", 0, 0},
	        {false, false, "", 20, 3600},
	        {false, false, "Cache-Control: max-age=1, stale-while-revalidate=5\r\n", 5, 3600},
	        {false, false, "Cache-Control: max-age=1, stale-if-error=0\r\n", 20, 0},
	        {false, false, "CDN-Cache-Control: stale-if-error=7\r\nCache-Control: stale-if-error=9\r\n", 20, 7},
	        {false, true, "Cache-Control: stale-while-revalidate=5, stale-if-error=6\r\n", 0, 0},
	};
	struct conf *conf = kit_conf(both);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
		struct stale_spans spans;

		ck_assert_int_eq(fields_parse(&fields, cases[i].fields, strlen(cases[i].fields)), 0);
		stale_spans(&spans, conf, cases[i].known ? resource_at(0) : NULL, &fields, cases[i].must_revalidate);
		ck_assert_msg(spans.refreshing_ms == (int64_t)(cases[i].refreshing * 1000) &&
		                      spans.error_ms == (int64_t)(cases[i].error * 1000),
		        "%zu: %lld, %lld", i, (long long)spans.refreshing_ms, (long long)spans.error_ms);
	}
	conf_unref(conf);
}
END_TEST

/* Of an entry that was fresh for 30 s, so many seconds after that. */
START_TEST(who_may_have_it)
{
	static const struct {
		const char *request;
		unsigned flags;
		double past;
		bool refreshing, error;
	} cases[] = {
	        {"", 0, 0, true, true},
	        {"", 0, 19.999, true, true},
	        {"", 0, 20, false, true},
	        {"", 0, 3599, false, true},
	        {"", 0, 3600, false, false},
	        {"", ENTRY_MUST_REVALIDATE, 1, false, false},
	        {"Cache-Control: no-cache\r\n", 0, 1, false, false},
	        {"Cache-Control: no-store\r\n", 0, 1, false, false},
	        {"Cache-Control: min-fresh=1\r\n", 0, 1, false, false},
	        {"Cache-Control: max-age=0\r\n", 0, 1, false, false},
	        {"Cache-Control: max-age=31\r\n", 0, 1, false, false},
	        {"Cache-Control: max-age=32\r\n", 0, 1, true, true},
	        {"Cache-Control: stale-if-error=4000\r\n", 0, 3700, false, true},
	        {"Cache-Control: stale-if-error=5\r\n", 0, 100, false, true},
	        {"Cache-Control: stale-if-error=4000\r\n", ENTRY_MUST_REVALIDATE, 1, false, false},
	};
	struct conf *conf = kit_conf(both);
	struct generations *generations = generations_new();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry entry = {.born_ms = BORN_MS, .fresh_until_ms = BORN_MS + 30000, .flags = cases[i].flags};
		struct request *r = request_new(NULL, NULL, conf, "GET", "/issues.json");
		int64_t now_ms = entry.fresh_until_ms + (int64_t)(cases[i].past * 1000);

		ck_assert_int_eq(fields_parse(&r->fields, cases[i].request, strlen(cases[i].request)), 0);
		directives_read(&r->directives, &r->fields);
		r->resource = resource_at(0);
		ck_assert_msg(stale_may_serve(r, &entry, generations, STALE_REFRESHING, now_ms) == cases[i].refreshing,
		        "%zu", i);
		ck_assert_msg(stale_may_serve(r, &entry, generations, STALE_ERROR, now_ms) == cases[i].error, "%zu", i);
		r->refresh = REFRESH_STALE;
		ck_assert(!stale_may_serve(r, &entry, generations, STALE_ERROR, now_ms));
		request_unref(r);
	}
	generations_free(generations);
	conf_unref(conf);
}
END_TEST

/* One old answer of 30 s is stored, and its time is over. */
static void make(struct kit *kit, const char *const *settings)
{
	kit_make(kit, &(struct kit_options){.settings = settings});
	kit_store(kit, "/issues.json", KIT_JSON "ETag: \"1\"\r\n", "old");
	clock_set_offset_ms(31000);
}

static void clear(struct kit *kit)
{
	clock_set_offset_ms(0);
	kit_clear(kit);
}

START_TEST(served_while_it_is_refreshed)
{
	struct client clients[5];
	struct kit kit;

	make(&kit, both);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		client_ask(&clients[i], &kit, "GET", "/issues.json",
		        i == 1 ? "Range: bytes=0-0\r\nIf-None-Match: \"x\"\r\n" : NULL);
		ck_assert(clients[i].at_once);
		client_assert_answer(&clients[i], 200, "; hit; detail=refreshing", "old");
		ck_assert_int_lt(clients[i].r->answer.cache.ttl_ms, 0);
		ck_assert_int_eq(clients[i].r->answer.usable_until_ms, 0); /* never kept ready */
		client_leave(&clients[i]);
	}
	ck_assert_uint_eq(kit.job_count, 2); /* one refresh for all */
	ck_assert_int_eq(kit_job(&kit, 1)->rank, JOB_BACKGROUND);
	ck_assert_str_eq(fields_get(&kit_job(&kit, 1)->fields, "If-None-Match"), "\"1\"");
	kit_answer(&kit, 1, KIT_JSON "ETag: \"2\"\r\n", "new");
	client_ask(&clients[0], &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&clients[0], 200, "; hit", "new");
	client_leave(&clients[0]);
	ck_assert_uint_eq(kit.flow.figures.stale, 5);
	clear(&kit);
}
END_TEST

/* Redmine's answer has become one that is not stored: it is no use to fetch it in the background. */
START_TEST(not_refreshed_in_vain)
{
	struct client client;
	struct kit kit;

	make(&kit, both);
	client_ask(&client, &kit, "GET", "/issues.json", "Cache-Control: only-if-cached, no-cache\r\n");
	flights_part(kit.flow.flights, &client.r->key);
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	client_assert_waits(&client);
	ck_assert_int_eq(kit_job(&kit, 1)->rank, JOB_INTERACTIVE);
	kit_answer(&kit, 1, KIT_JSON, "new");
	client_assert_answer(&client, 200, "; fwd=stale", "new");
	client_leave(&client);
	clear(&kit);
}
END_TEST

START_TEST(failed_refresh_changes_nothing)
{
	struct client client;
	struct kit kit;

	make(&kit, both);
	for (size_t i = 1; i < 4; i++) {
		client_ask(&client, &kit, "GET", "/issues.json", NULL);
		client_assert_answer(&client, 200, "; hit; detail=refreshing", "old");
		client_leave(&client);
		kit_fail(&kit, i, JOB_NOT_SENT, false);
	}
	clear(&kit);
}
END_TEST

/* RFC 5861 section 4: instead of an error, marked, and not stored as if it were new. */
START_TEST(served_instead_of_an_error)
{
	static const struct {
		const char *answer; /* NULL: none */
		enum job_outcome outcome;
		unsigned status; /* that the client gets */
		const char *cache, *body;
	} cases[] = {
	        {"500 Internal Server Error\r\n", JOB_DONE, 200, "; fwd=stale; fwd-status=500; detail=stale-if-error",
	                "old"},
	        {"502 Bad Gateway\r\n", JOB_DONE, 200, "; fwd=stale; fwd-status=502; detail=stale-if-error", "old"},
	        {"503 Service Unavailable\r\n", JOB_DONE, 200, "; fwd=stale; fwd-status=503; detail=stale-if-error",
	                "old"},
	        {"504 Gateway Timeout\r\n", JOB_DONE, 200, "; fwd=stale; fwd-status=504; detail=stale-if-error", "old"},
	        {NULL, JOB_NOT_SENT, 200, "; fwd=stale; detail=stale-if-error", "old"},
	        {NULL, JOB_NO_ANSWER, 200, "; fwd=stale; detail=stale-if-error", "old"},
	        {NULL, JOB_REFUSED, 200, "; fwd=stale; detail=stale-if-error", "old"},
	        {"501 Not Implemented\r\n", JOB_DONE, 501, "; fwd=stale", "no"},
	        {"404 Not Found\r\n", JOB_DONE, 404, "; fwd=stale", "no"},
	        {"401 Unauthorized\r\n", JOB_DONE, 401, "; fwd=stale", "no"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct client client;
		struct kit kit;

		make(&kit, NULL);
		client_ask(&client, &kit, "GET", "/issues.json", NULL);
		if (cases[i].answer)
			kit_answer(&kit, 1, cases[i].answer, "no");
		else
			kit_fail(&kit, 1, cases[i].outcome, false);
		client_assert_answer(&client, cases[i].status, cases[i].cache, cases[i].body);
		ck_assert_int_eq(client.r->answer.cache.stale, cases[i].status == 200);
		client_leave(&client);
		client_ask(&client, &kit, "GET", "/issues.json", NULL);
		client_assert_waits(&client); /* asked again: the old one is as old as before */
		kit_answer(&kit, 2, KIT_JSON, "new");
		client_assert_answer(&client, 200,
		        cases[i].status == 200 || cases[i].status >= 500 ? "; fwd=stale; stored"
		                                                         : "; fwd=uri-miss; stored",
		        "new");
		client_leave(&client);
		clear(&kit);
	}
}
END_TEST

/* RFC 9111 section 5.2.2.2: what must be validated and cannot be is 504; an error of Redmine's is that. */
START_TEST(what_must_be_validated)
{
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/page", "200 OK\r\nCache-Control: max-age=1, must-revalidate\r\n", "old");
	clock_set_offset_ms(5000);
	client_ask(&client, &kit, "GET", "/page", NULL);
	kit_fail(&kit, 1, JOB_NOT_SENT, false);
	client_assert_answer(&client, 504, "; fwd=stale", NULL);
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/page", NULL);
	kit_answer(&kit, 2, "503 Service Unavailable\r\n", "no");
	client_assert_answer(&client, 503, "; fwd=stale", "no");
	client_leave(&client);
	clear(&kit);
}
END_TEST

/* Each waiter's own directives count; the flight is one. */
START_TEST(waiters_are_judged_each)
{
	struct client plain, strict;
	struct kit kit;

	make(&kit, NULL);
	client_ask(&plain, &kit, "GET", "/issues.json", NULL);
	client_ask(&strict, &kit, "GET", "/issues.json", "Cache-Control: no-cache\r\n");
	ck_assert_uint_eq(kit.job_count, 2);
	kit_answer(&kit, 1, "503 Service Unavailable\r\nContent-Type: text/html\r\n", "no");
	client_assert_answer(&plain, 200, "; fwd=stale; fwd-status=503; detail=stale-if-error", "old");
	client_assert_answer(&strict, 503, "; fwd=stale; collapsed", "no");
	client_leave(&plain);
	client_leave(&strict);
	clear(&kit);
}
END_TEST

/* Reading one's own writes: what a write has spoilt is never served, neither to whom it was found for before. */
START_TEST(never_what_a_write_has_spoilt)
{
	struct client reader, writer;
	struct kit kit;

	make(&kit, both);
	clock_set_offset_ms(60000); /* past what is served at once */
	client_ask(&reader, &kit, "GET", "/issues.json", NULL);
	client_assert_waits(&reader);
	client_ask(&writer, &kit, "POST", "/issues.json", NULL);
	kit_answer(&kit, 2, "201 Created\r\n", "{}");
	client_assert_answer(&writer, 201, "; fwd=method", "{}");
	kit_fail(&kit, 1, JOB_NOT_SENT, false);
	client_assert_answer(&reader, 502, "; fwd=stale", NULL);
	client_leave(&reader);
	client_leave(&writer);
	client_ask(&reader, &kit, "GET", "/issues.json", NULL);
	client_assert_waits(&reader);
	kit_fail(&kit, 3, JOB_NOT_SENT, false);
	client_assert_answer(&reader, 502, "; fwd=uri-miss", NULL);
	client_leave(&reader);
	clear(&kit);
}
END_TEST

/* Redmine is slow: the first waits for the limit, those who come after it do not, and what comes at last is kept. */
START_TEST(slow)
{
	struct client first, strict, later;
	struct kit kit;

	make(&kit, NULL);
	client_ask(&first, &kit, "GET", "/issues.json", NULL);
	ck_assert_int_eq(kit_job(&kit, 1)->timeout_ms, 10000);
	client_ask(&strict, &kit, "GET", "/issues.json", "Cache-Control: max-age=5\r\n");
	kit_fail(&kit, 1, JOB_TIMEOUT, true);
	client_assert_answer(&first, 200, "; fwd=stale; detail=slow", "old");
	client_assert_waits(&strict); /* joins the one in the background, which has all the time */
	ck_assert_uint_eq(kit.job_count, 3);
	ck_assert_int_eq(kit_job(&kit, 2)->timeout_ms, kit.conf->upstream.timeout_ms);
	ck_assert_int_eq(kit_job(&kit, 2)->rank, JOB_INTERACTIVE); /* somebody waits for it */
	client_ask(&later, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&later, 200, "; hit; detail=slow", "old");
	client_leave(&later);
	kit_answer(&kit, 2, KIT_JSON, "new");
	client_assert_answer(&strict, 200, "; fwd=stale; stored; collapsed", "new");
	client_leave(&first);
	client_leave(&strict);
	client_ask(&later, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&later, 200, "; hit", "new");
	client_leave(&later);
	clear(&kit);
}
END_TEST

static void fail_one(struct kit *kit, const char *target)
{
	struct client client;

	client_ask(&client, kit, "GET", target, NULL);
	kit_fail(kit, kit->job_count - 1, JOB_NOT_SENT, false);
	client_leave(&client);
}

/* A dead Redmine is left alone: old answers at once, else 503; writes are tried, and the first answer ends it. */
START_TEST(breaker)
{
	static const char *const settings[] = {"upstream.breaker=3", NULL};
	struct client client;
	struct kit kit;

	make(&kit, settings);
	for (size_t i = 0; i < 3; i++)
		fail_one(&kit, "/projects.json");
	ck_assert_uint_eq(kit.job_count, 4);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&client, 200, "; hit; detail=unreachable", "old");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/projects.json", NULL);
	client_assert_answer(&client, 503, "; fwd=uri-miss", NULL);
	ck_assert_str_eq(client_field(&client, "Retry-After"), "1");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/unknown", "Range: bytes=0-1\r\n");
	client_assert_answer(&client, 503, "; fwd=uri-miss", NULL);
	client_leave(&client);
	ck_assert_uint_eq(kit.job_count, 4);
	client_ask(&client, &kit, "PUT", "/issues/1.json", NULL);
	ck_assert_uint_eq(kit.job_count, 5);
	kit_answer(&kit, 4, "204 No Content\r\n", "");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/projects.json", NULL);
	client_assert_waits(&client);
	kit_answer(&kit, 5, KIT_JSON, "{}");
	client_leave(&client);
	clear(&kit);
}
END_TEST

UNIT_MAIN("stale", how_long, who_may_have_it, served_while_it_is_refreshed, not_refreshed_in_vain,
        failed_refresh_changes_nothing, served_instead_of_an_error, what_must_be_validated, waiters_are_judged_each,
        never_what_a_write_has_spoilt, slow, breaker)
