/* Reads on their way through the flow: hit, miss, validated, together, alone. */
#include "kit.h"

#define MANY 500

START_TEST(miss_then_hit)
{
	struct kit kit;
	struct client client;
	struct job *job;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/issues.json?limit=5",
	        "X-Redmine-API-Key: 1\r\nAccept: a/b\r\nRange: bytes=0-1\r\n");
	client_assert_waits(&client);
	job = kit_job(&kit, 0);
	ck_assert_str_eq(job->method, "GET");
	ck_assert_str_eq(job->target, "/issues.json?limit=5");
	ck_assert_str_eq(fields_get(&job->fields, "X-Redmine-API-Key"), "1");
	ck_assert_str_eq(fields_get(&job->fields, "Accept"), "a/b");
	ck_assert_str_eq(fields_get(&job->fields, "Via"), FORWARD_VIA);
	ck_assert_ptr_null(fields_get(&job->fields, "Range"));
	ck_assert(job->safe && !job->has_body);
	ck_assert_int_eq(job->timeout_ms, kit.conf->upstream.timeout_ms);
	ck_assert_int_eq(job->connect_timeout_ms, kit.conf->upstream.connect_timeout_ms);
	kit_answer(&kit, 0, KIT_JSON "ETag: W/\"1\"\r\nSet-Cookie: a=1\r\n", "{}");
	client_assert_answer(&client, 200, "; fwd=uri-miss; stored", "{}");
	ck_assert_str_eq(client_field(&client, "ETag"), "W/\"1\"");
	ck_assert_ptr_null(client_field(&client, "Set-Cookie"));
	ck_assert_int_eq(client.r->answer.upstream_us, 1000);
	client_leave(&client);

	clock_set_offset_ms(25000);
	client_ask(&client, &kit, "GET", "/issues.json?limit=5", "X-Redmine-API-Key: 1\r\nAccept: other\r\n");
	ck_assert(client.at_once);
	client_assert_answer(&client, 200, "; hit", "{}");
	ck_assert_int_le(client.r->answer.cache.ttl_ms, 5000);
	ck_assert_int_gt(client.r->answer.cache.ttl_ms, 0);
	ck_assert_int_eq(client.r->answer.usable_until_ms, client.r->answer.entry->fresh_until_ms);
	client_leave(&client);
	ck_assert_uint_eq(kit.job_count, 1);
	ck_assert_uint_eq(kit.flow.figures.hits, 1);
	ck_assert_uint_eq(kit.flow.figures.misses, 1);
	ck_assert_uint_eq(kit.flow.figures.requests, 2);
	ck_assert_uint_eq(kit.flow.figures.upstream, 1);
	kit_clear(&kit);
}
END_TEST

START_TEST(identities_do_not_meet)
{
	static const char *const fields[] = {"", "X-Redmine-API-Key: 1\r\n", "X-Redmine-API-Key: 2\r\n",
	        "Authorization: Basic MTox\r\n", "X-Redmine-API-Key: 1\r\nX-Redmine-Switch-User: jsmith\r\n",
	        "X-Redmine-API-Key: 1\r\nAuthorization: Basic MTox\r\n", "Accept-Language: de\r\n"};
	struct kit kit;
	struct client clients[ARRAY_SIZE(fields)], again;
	char body[8];

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		client_ask(&clients[i], &kit, "GET", "/issues.json", fields[i]);
	ck_assert_uint_eq(kit.job_count, ARRAY_SIZE(fields)); /* nobody waits for another's */
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		snprintf(body, sizeof(body), "[%zu]", i);
		kit_answer(&kit, i, KIT_JSON, body);
		client_leave(&clients[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		snprintf(body, sizeof(body), "[%zu]", i);
		client_ask(&again, &kit, "GET", "/issues.json", fields[i]);
		client_assert_answer(&again, 200, "; hit", body);
		client_leave(&again);
	}
	kit_clear(&kit);
}
END_TEST

START_TEST(stale_is_validated)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON "ETag: W/\"1\"\r\nX-A: old\r\n", "{}");
	clock_set_offset_ms(30000);
	client_ask(&client, &kit, "GET", "/issues.json", "If-None-Match: \"client's own\"\r\n");
	client_assert_waits(&client);
	ck_assert_str_eq(fields_get(&kit_job(&kit, 1)->fields, "If-None-Match"), "W/\"1\"");
	ck_assert_uint_eq(fields_count(&kit_job(&kit, 1)->fields, "If-None-Match"), 1);
	kit_answer(&kit, 1, "304 Not Modified\r\nX-A: new\r\n", "");
	client_assert_answer(&client, 200, "; fwd=stale; fwd-status=304; stored", "{}");
	ck_assert_str_eq(client_field(&client, "X-A"), "new");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&client, 200, "; hit", "{}");
	client_leave(&client);

	clock_set_offset_ms(60000);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	kit_answer(&kit, 2, KIT_JSON "ETag: W/\"2\"\r\n", "{2}");
	client_assert_answer(&client, 200, "; fwd=stale; stored", "{2}");
	client_leave(&client);
	ck_assert_uint_eq(kit.flow.figures.revalidated, 1);
	kit_clear(&kit);
}
END_TEST

START_TEST(last_modified_is_a_validator_too)
{
	static const char modified[] = "Sat, 01 Aug 2026 09:00:00 GMT";
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON "Last-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n", "{}");
	kit_store(&kit, "/projects.json", KIT_JSON, "{}");
	clock_set_offset_ms(60000);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	ck_assert_str_eq(fields_get(&kit_job(&kit, 2)->fields, "If-Modified-Since"), modified);
	ck_assert_ptr_null(fields_get(&kit_job(&kit, 2)->fields, "If-None-Match"));
	kit_answer(&kit, 2, KIT_JSON, "{}");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/projects.json", NULL);
	ck_assert_ptr_null(fields_get(&kit_job(&kit, 3)->fields, "If-Modified-Since"));
	ck_assert_ptr_null(fields_get(&kit_job(&kit, 3)->fields, "If-None-Match"));
	kit_answer(&kit, 3, KIT_JSON, "{}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* What Redmine says now counts, but for its own troubles: those say nothing of what is stored. */
START_TEST(refusal_forgets_what_is_stored)
{
	static const struct {
		const char *status;
		bool forgets;
	} answers[] = {{"403 Forbidden\r\nContent-Type: application/json\r\n", true},
	        {"404 Not Found\r\nContent-Type: application/json\r\n", true},
	        {"500 Internal Server Error\r\nContent-Type: text/html\r\n", false},
	        {"503 Service Unavailable\r\nContent-Type: text/html\r\n", false}};

	static const char *const settings[] = {"cache.stale_if_error=0", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct kit kit;
		struct client client;

		kit_make(&kit, &(struct kit_options){.settings = settings});
		kit_store(&kit, "/issues.json", KIT_JSON "ETag: \"1\"\r\n", "{}");
		clock_set_offset_ms(30000);
		client_ask(&client, &kit, "GET", "/issues.json", NULL);
		kit_answer(&kit, 1, answers[i].status, "no");
		client_assert_answer(&client, (unsigned)atoi(answers[i].status), "; fwd=stale", "no");
		client_leave(&client);
		client_ask(&client, &kit, "GET", "/issues.json", NULL);
		ck_assert(!fields_get(&kit_job(&kit, 2)->fields, "If-None-Match") == answers[i].forgets);
		kit_answer(&kit, 2, KIT_JSON, "{}");
		client_leave(&client);
		kit_clear(&kit);
	}
}
END_TEST

START_TEST(one_fetch_for_many)
{
	struct kit kit;
	struct client *clients = calloc(MANY, sizeof(*clients));

	kit_make(&kit, NULL);
	for (size_t i = 0; i < MANY; i++)
		client_ask(&clients[i], &kit, i % 3 ? "GET" : "HEAD", "/issues.json",
		        i % 2 ? "If-None-Match: \"1\"\r\n" : NULL);
	ck_assert_uint_eq(kit.job_count, 1);
	for (size_t i = 0; i < MANY; i += 5)
		client_leave(&clients[i]); /* the leader among them; harms nobody */
	kit_answer(&kit, 0, KIT_JSON "ETag: W/\"1\"\r\n", "{}");
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(atomic_load(&clients[i].readied), 1);
		if (i % 5 == 0)
			continue;
		client_assert_answer(&clients[i], i % 2 ? 304 : 200, "; fwd=uri-miss; stored; collapsed", "{}");
		client_leave(&clients[i]);
	}
	ck_assert_uint_eq(kit.job_count, 1);
	ck_assert_uint_eq(kit.flow.figures.collapsed, MANY - 1);
	free(clients);
	kit_clear(&kit);
}
END_TEST

START_TEST(failure_fails_all_once)
{
	static const struct {
		enum job_outcome outcome;
		unsigned status;
	} failures[] = {{JOB_NOT_SENT, 502}, {JOB_NO_ANSWER, 502}, {JOB_TIMEOUT, 504}, {JOB_REFUSED, 503},
	        {JOB_CANCELLED, 503}};

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct client clients[10], next;
		struct kit kit;

		kit_make(&kit, NULL);
		for (size_t j = 0; j < ARRAY_SIZE(clients); j++)
			client_ask(&clients[j], &kit, "GET", "/issues.json", NULL);
		kit_fail(&kit, 0, failures[i].outcome, true);
		for (size_t j = 0; j < ARRAY_SIZE(clients); j++) {
			client_assert_answer(&clients[j], failures[i].status,
			        j == 0 ? "; fwd=uri-miss" : "; fwd=uri-miss; collapsed", NULL);
			client_leave(&clients[j]);
		}
		ck_assert_uint_eq(kit.job_count, 1); /* no stampede */
		ck_assert_uint_eq(kit.flow.figures.errors, ARRAY_SIZE(clients));
		client_ask(&next, &kit, "GET", "/issues.json", NULL);
		kit_answer(&kit, 1, KIT_JSON, "{}");
		client_assert_answer(&next, 200, "; fwd=uri-miss; stored", "{}");
		client_leave(&next);
		kit_clear(&kit);
	}
}
END_TEST

START_TEST(cut_short_is_not_kept)
{
	struct client a, b;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&a, &kit, "GET", "/issues.json", NULL);
	client_ask(&b, &kit, "GET", "/issues.json", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), KIT_JSON, 10, true), 0);
	ck_assert_int_eq(kit.jobs[0]->client->body(kit.jobs[0], "half ", 5), 0);
	kit_done(&kit, 0, JOB_CUT, true);
	client_assert_answer(&a, 502, "; fwd=uri-miss", NULL);
	client_assert_answer(&b, 502, "; fwd=uri-miss; collapsed", NULL);
	client_leave(&a);
	client_leave(&b);
	client_ask(&a, &kit, "GET", "/issues.json", "Cache-Control: only-if-cached\r\n");
	client_assert_answer(&a, 504, "", NULL);
	client_leave(&a);

	/* Its end cannot be told from a broken connection. */
	client_ask(&a, &kit, "GET", "/issues.json", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 1), KIT_JSON, -1, false), 0);
	ck_assert_int_eq(kit.jobs[1]->client->body(kit.jobs[1], "{}", 2), 0);
	kit_done(&kit, 1, JOB_DONE, true);
	client_assert_answer(&a, 200, "; fwd=uri-miss", "{}");
	client_leave(&a);
	kit_clear(&kit);
}
END_TEST

START_TEST(errors_of_a_known_resource_are_shared_not_kept)
{
	struct client clients[5], next;
	struct kit kit;

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		client_ask(&clients[i], &kit, "GET", "/issues/1.json", NULL);
	kit_answer(&kit, 0, "403 Forbidden\r\nContent-Type: application/json\r\n", "");
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		client_assert_answer(&clients[i], 403, i ? "; fwd=uri-miss; collapsed" : "; fwd=uri-miss", "");
		client_leave(&clients[i]);
	}
	client_ask(&next, &kit, "GET", "/issues/1.json", NULL);
	ck_assert_uint_eq(kit.job_count, 2);
	kit_answer(&kit, 1, KIT_JSON, "{}");
	client_leave(&next);
	kit_clear(&kit);
}
END_TEST

START_TEST(refused_before_anything)
{
	static const struct {
		const char *method, *target, *fields;
		unsigned status;
	} cases[] = {
	        {"GET", "issues.json", NULL, 400},
	        {"GET", "/issues .json", NULL, 400},
	        {"GET", "/issues.json#x", NULL, 400},
	        {"GET", "", NULL, 400},
	        {"POST", "", NULL, 400},
	};
	struct client client;
	struct kit kit;
	char *target = malloc(QUERY_MAX + 100);

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		client_ask(&client, &kit, cases[i].method, cases[i].target, cases[i].fields);
		ck_assert(client.at_once);
		client_assert_answer(&client, cases[i].status, "", NULL);
		client_leave(&client);
	}
	memset(target, 'x', QUERY_MAX + 99);
	memcpy(target, "/issues.json?", 13);
	target[QUERY_MAX + 99] = '\0';
	client_ask(&client, &kit, "GET", target, NULL);
	client_assert_answer(&client, 414, "", NULL);
	client_leave(&client);
	client_send(&client, &kit, "GET", "/issues.json", NULL, "limit=1");
	client_assert_answer(&client, 400, "", NULL);
	client_leave(&client);
	client_send(&client, &kit, "HEAD", "/issues.json", NULL, "limit=1");
	client_assert_answer(&client, 400, "", NULL);
	client_leave(&client);
	ck_assert_uint_eq(kit.job_count, 0);
	free(target);
	kit_clear(&kit);
}
END_TEST

START_TEST(engine_without_room)
{
	struct client a;
	struct kit kit;

	kit_make(&kit, NULL);
	kit.refuses = true;
	client_ask(&a, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&a, 503, "; fwd=uri-miss", NULL);
	ck_assert_str_eq(client_field(&a, "Retry-After"), "1");
	client_leave(&a);
	client_ask(&a, &kit, "GET", "/unknown", "Range: x\r\n");
	client_assert_answer(&a, 503, "; fwd=uri-miss", NULL);
	client_leave(&a);
	client_ask(&a, &kit, "POST", "/issues.json", NULL);
	client_assert_answer(&a, 503, "; fwd=method", NULL);
	client_leave(&a);
	kit_clear(&kit);
}
END_TEST

/* While a request is on its way to lead, another flight lands: it is served from that. */
static void store_meanwhile(struct client *client)
{
	struct kit *kit = client->arg;
	struct entry *entry = entry_new();

	entry->key = client->r->key;
	entry->status = 200;
	entry->reason = strdup("OK");
	entry->resource = strdup("");
	entry->target = strdup("/");
	entry->body = blob_new(strdup("{new}"), 5);
	entry->born_ms = clock_wall_ms();
	entry->fresh_until_ms = entry->born_ms + 30000;
	entry->stale_until_ms = entry->fresh_until_ms;
	ck_assert(cache_put(kit->cache, entry));
	entry_unref(entry);
}

START_TEST(landed_between_look_up_and_lead)
{
	struct client client = {0};
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON "ETag: \"1\"\r\n", "{old}");
	clock_set_offset_ms(30000);
	client.on_park = store_meanwhile;
	client.arg = &kit;
	client_prepare(&client, &kit, "GET", "/issues.json", NULL);
	client_start(&client, &kit);
	client_assert_answer(&client, 200, "; hit", "{new}");
	client_leave(&client);

	/* One that wants Redmine to be asked is not. */
	client.on_park = store_meanwhile;
	client_prepare(&client, &kit, "GET", "/issues.json", "Cache-Control: no-cache\r\n");
	client_start(&client, &kit);
	client_assert_waits(&client);
	kit_answer(&kit, 1, KIT_JSON, "{newest}");
	client_assert_answer(&client, 200, "; fwd=request; stored", "{newest}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(below_a_sub_uri)
{
	struct client a, b;
	struct kit kit;

	kit_make(&kit, &(struct kit_options){.origin = "http://redmine.test/redmine"});
	client_ask(&a, &kit, "GET", "/issues.json", NULL);
	client_ask(&b, &kit, "GET", "/redmine/issues.json", NULL);
	ck_assert_uint_eq(kit.job_count, 1); /* the same question */
	ck_assert_str_eq(kit_job(&kit, 0)->target, "/redmine/issues.json");
	kit_answer(&kit, 0, KIT_JSON, "{}");
	client_assert_answer(&a, 200, "; fwd=uri-miss; stored", "{}");
	client_assert_answer(&b, 200, "; fwd=uri-miss; stored; collapsed", "{}");
	ck_assert_str_eq(a.r->base, "http://" KIT_AUTHORITY);
	ck_assert_str_eq(b.r->base, "http://" KIT_AUTHORITY "/redmine");
	client_leave(&a);
	client_leave(&b);
	client_ask(&a, &kit, "GET", "/redmines.json", "Cache-Control: no-store\r\n");
	ck_assert_str_eq(kit_job(&kit, 1)->target, "/redmine/redmines.json");
	kit_answer(&kit, 1, "404 Not Found\r\n", "");
	client_leave(&a);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("flow", miss_then_hit, identities_do_not_meet, stale_is_validated, last_modified_is_a_validator_too,
        refusal_forgets_what_is_stored, one_fetch_for_many, failure_fails_all_once, cut_short_is_not_kept,
        errors_of_a_known_resource_are_shared_not_kept, refused_before_anything, engine_without_room,
        landed_between_look_up_and_lead, below_a_sub_uri)
