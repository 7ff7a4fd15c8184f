/* Requests that the daemon makes of itself: the way of a client's, told once, whole, counted apart. */
#include "kit.h"

#include "flow/inner.h"

#define LIMIT 4096

/* What was told. */
struct heard {
	int times, error;
	unsigned status;
	bool own, hit;
	char body[LIMIT + 1];
	char type[128];
};

static void hear(void *arg, const struct inner_answer *answer)
{
	struct heard *heard = arg;
	const char *type;

	heard->times++;
	heard->error = answer->error;
	if (answer->error)
		return;
	heard->status = answer->status;
	heard->own = answer->own;
	heard->hit = answer->request->answer.cache.hit;
	ck_assert_uint_le(answer->body->size, LIMIT);
	if (answer->body->size > 0)
		memcpy(heard->body, answer->body->data, answer->body->size);
	heard->body[answer->body->size] = '\0';
	type = fields_get(answer->fields, "Content-Type");
	snprintf(heard->type, sizeof(heard->type), "%s", type ? type : "");
}

static struct inner *ask(struct kit *kit, struct heard *heard, const char *target, enum job_rank rank)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct inner_question question = {
	        .flow = &kit->flow,
	        .conf = kit->conf,
	        .target = target,
	        .fields = &fields,
	        .authority = KIT_AUTHORITY,
	        .rank = rank,
	        .limit = LIMIT,
	        .told = hear,
	        .arg = heard,
	};

	*heard = (struct heard){0};
	ck_assert_int_eq(fields_add(&fields, "X-Redmine-API-Key", "1"), 0);
	return inner_start(&question);
}

static void assert_heard(const struct heard *heard, unsigned status, const char *body)
{
	ck_assert_int_eq(heard->times, 1);
	ck_assert_int_eq(heard->error, 0);
	ck_assert_uint_eq(heard->status, status);
	ck_assert_str_eq(heard->body, body);
}

START_TEST(shares_the_cache_with_clients)
{
	struct heard heard;
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_READ_AHEAD));
	ck_assert_int_eq(heard.times, 0);
	ck_assert_int_eq(kit_job(&kit, 0)->rank, JOB_READ_AHEAD);
	ck_assert_str_eq(fields_get(&kit_job(&kit, 0)->fields, "X-Redmine-API-Key"), "1");
	kit_answer(&kit, 0, KIT_JSON, "{1}");
	assert_heard(&heard, 200, "{1}");
	ck_assert(!heard.own && !heard.hit);

	client_ask(&client, &kit, "GET", "/issues.json", "X-Redmine-API-Key: 1\r\n");
	client_assert_answer(&client, 200, "; hit", "{1}");
	client_leave(&client);
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_BACKGROUND));
	assert_heard(&heard, 200, "{1}");
	ck_assert(heard.hit);
	ck_assert_uint_eq(kit.job_count, 1);
	ck_assert_uint_eq(kit.flow.figures.requests, 1);
	ck_assert_uint_eq(kit.flow.figures.hits, 1);
	ck_assert_uint_eq(kit.flow.figures.misses, 0);
	ck_assert_uint_eq(kit.flow.figures.inner, 2);
	ck_assert_uint_eq(kit.flow.figures.inner_hits, 1);
	kit_clear(&kit);
}
END_TEST

START_TEST(shares_a_flight_with_clients)
{
	struct heard heard;
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/issues.json", "X-Redmine-API-Key: 1\r\n");
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_INTERACTIVE));
	ck_assert_uint_eq(kit.job_count, 1);
	kit_answer(&kit, 0, KIT_JSON, "{1}");
	assert_heard(&heard, 200, "{1}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* An answer that no other may have is a stream for a client; here it is collected, links and all. */
START_TEST(collects_what_is_not_shared)
{
	static const char body[] = "{\"content_url\":\"" KIT_ORIGIN "/a\"}",
	                  led[] = "{\"content_url\":\"http://" KIT_AUTHORITY "/a\"}";
	static const char *const objects[] = {"cache.object_limit=1024", NULL};
	char large[LIMIT];
	struct heard heard;
	struct kit kit;

	kit_make(&kit, &(struct kit_options){.settings = objects});
	inner_unref(ask(&kit, &heard, "/unknown.json", JOB_INTERACTIVE));
	kit_answer(&kit, 0, "200 OK\r\nContent-Type: application/json\r\nCache-Control: private\r\n", body);
	assert_heard(&heard, 200, led);

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_INTERACTIVE)); /* more than is kept, and its length is said */
	kit_answer(&kit, 1, KIT_JSON, large);
	assert_heard(&heard, 200, large);
	inner_unref(ask(&kit, &heard, "/news.json", JOB_INTERACTIVE)); /* ... or is not */
	ck_assert_int_eq(kit_head(kit_job(&kit, 2), KIT_JSON, -1, true), 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(kit_job(&kit, 2)->client->body(kit_job(&kit, 2), large, 1000), 0);
	kit_done(&kit, 2, JOB_DONE, true);
	large[3000] = '\0';
	assert_heard(&heard, 200, large);
	kit_clear(&kit);
}
END_TEST

START_TEST(too_large_is_an_error)
{
	struct heard heard;
	char large[1000], body[LIMIT + 2] = "";
	struct kit kit;
	static const char *const objects[] = {"cache.object_limit=1024", NULL};
	struct client client;
	int r = 0;

	kit_make(&kit, &(struct kit_options){.settings = objects});
	inner_unref(ask(&kit, &heard, "/unknown.json", JOB_INTERACTIVE));
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), "200 OK\r\nCache-Control: private\r\n", -1, true), 0);
	memset(large, 'x', sizeof(large));
	for (size_t i = 0; i < 5 && r == 0; i++)
		r = kit_job(&kit, 0)->client->body(kit_job(&kit, 0), large, sizeof(large));
	ck_assert_int_eq(r, -ENOBUFS);
	kit_done(&kit, 0, JOB_CUT, true);
	ck_assert_int_eq(heard.times, 1);
	ck_assert_uint_eq(heard.status, 502);
	ck_assert(heard.own);
	kit_clear(&kit);

	kit_make(&kit, NULL);
	memset(body, 'x', sizeof(body) - 1);
	client_ask(&client, &kit, "GET", "/issues.json", "X-Redmine-API-Key: 1\r\n");
	kit_answer(&kit, 0, KIT_JSON, body);
	client_leave(&client);
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_INTERACTIVE));
	ck_assert_int_eq(heard.times, 1);
	ck_assert_int_eq(heard.error, -EFBIG);
	kit_clear(&kit);
}
END_TEST

START_TEST(failure_is_an_own_page)
{
	struct heard heard;
	struct kit kit;

	kit_make(&kit, NULL);
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_INTERACTIVE));
	kit_fail(&kit, 0, JOB_NOT_SENT, false);
	ck_assert_int_eq(heard.times, 1);
	ck_assert_uint_eq(heard.status, 502);
	ck_assert(heard.own);
	ck_assert_uint_eq(kit.flow.figures.errors, 0);
	ck_assert_uint_eq(kit.flow.figures.inner_errors, 1);
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_INTERACTIVE));
	kit_answer(&kit, 1, "404 Not Found\r\nContent-Type: application/json\r\n", "");
	assert_heard(&heard, 404, "");
	ck_assert(!heard.own);
	kit_clear(&kit);
}
END_TEST

START_TEST(cancelled_is_told_once)
{
	struct heard heard;
	struct client client;
	struct inner *inner;
	struct kit kit;

	kit_make(&kit, NULL);
	inner = ask(&kit, &heard, "/issues.json", JOB_READ_AHEAD);
	inner_cancel(inner);
	ck_assert_int_eq(heard.times, 1);
	ck_assert_int_eq(heard.error, -ECANCELED);
	inner_cancel(inner);
	kit_answer(&kit, 0, KIT_JSON, "{1}");
	ck_assert_int_eq(heard.times, 1);
	inner_unref(inner);
	client_ask(&client, &kit, "GET", "/issues.json", "X-Redmine-API-Key: 1\r\n");
	client_assert_answer(&client, 200, "; hit", "{1}"); /* it was paid for */
	client_leave(&client);

	inner = ask(&kit, &heard, "/issues.json", JOB_READ_AHEAD);
	inner_cancel(inner); /* too late */
	assert_heard(&heard, 200, "{1}");
	inner_unref(inner);
	kit_clear(&kit);
}
END_TEST

START_TEST(after_the_close_nothing_is_asked)
{
	struct heard heard;
	struct kit kit;

	kit_make(&kit, NULL);
	inner_close(&kit.flow);
	inner_unref(ask(&kit, &heard, "/issues.json", JOB_READ_AHEAD));
	ck_assert_int_eq(heard.times, 1);
	ck_assert_int_eq(heard.error, -ESHUTDOWN);
	ck_assert_uint_eq(kit.job_count, 0);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("inner", shares_the_cache_with_clients, shares_a_flight_with_clients, collects_what_is_not_shared,
        too_large_is_an_error, failure_is_an_own_page, cancelled_is_told_once, after_the_close_nothing_is_asked)
