/* Reads by which a client says what the cache may do. */
#include "kit.h"

START_TEST(request_directives)
{
	static const struct {
		const char *fields;
		double at; /* seconds after it was stored */
		const char *cache;
		bool validates;
	} cases[] = {
	        {"Cache-Control: max-stale=10\r\n", 35, "; hit", false},
	        {"Cache-Control: max-stale=10\r\n", 41, "; fwd=stale; stored", true},
	        {"Cache-Control: no-cache\r\n", 1, "; fwd=request; stored", true},
	        {"Pragma: no-cache\r\n", 1, "; fwd=request; stored", true},
	        {"Cache-Control: max-age=5\r\n", 1, "; hit", false},
	        {"Cache-Control: max-age=5\r\n", 6, "; fwd=request; stored", true},
	        {"Cache-Control: min-fresh=20\r\n", 1, "; hit", false},
	        {"Cache-Control: min-fresh=20\r\n", 11, "; fwd=request; stored", true},
	        {"Cache-Control: no-store\r\n", 1, "; fwd=request", false},
	        {"Cache-Control: only-if-cached\r\n", 1, "; hit", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct client client;
		struct kit kit;

		kit_make(&kit, NULL);
		kit_store(&kit, "/issues.json", KIT_JSON "ETag: \"1\"\r\n", "{1}");
		clock_set_offset_ms((int64_t)(cases[i].at * 1000));
		client_ask(&client, &kit, "GET", "/issues.json", cases[i].fields);
		if (!client.at_once) {
			ck_assert_msg(!fields_get(&kit_job(&kit, 1)->fields, "If-None-Match") == !cases[i].validates,
			        "%s", cases[i].fields);
			kit_answer(&kit, 1, KIT_JSON, "{1}");
		}
		client_assert_answer(&client, 200, cases[i].cache, "{1}");
		client_leave(&client);
		kit_clear(&kit);
	}
}
END_TEST

START_TEST(only_if_cached)
{
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/issues.json", "Cache-Control: only-if-cached\r\n");
	ck_assert(client.at_once);
	client_assert_answer(&client, 504, "", NULL);
	client_leave(&client);
	kit_store(&kit, "/issues.json", KIT_JSON, "{}");
	clock_set_offset_ms(30000);
	client_ask(&client, &kit, "GET", "/issues.json", "Cache-Control: only-if-cached\r\n");
	client_assert_answer(&client, 504, "", NULL);
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/issues.json", "Cache-Control: only-if-cached, max-stale=10\r\n");
	client_assert_answer(&client, 200, "; hit", "{}");
	client_leave(&client);
	ck_assert_uint_eq(kit.job_count, 1);
	kit_clear(&kit);
}
END_TEST

/* What says no-store is neither kept nor waited for by others, and leaves what is stored as it is. */
START_TEST(no_store)
{
	struct client private, other;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&private, &kit, "GET", "/issues.json", "Cache-Control: no-store\r\nIf-None-Match: \"1\"\r\n");
	client_ask(&other, &kit, "GET", "/issues.json", NULL);
	ck_assert_uint_eq(kit.job_count, 2);
	ck_assert_str_eq(fields_get(&kit_job(&kit, 0)->fields, "If-None-Match"), "\"1\""); /* its own condition */
	kit_answer(&kit, 0, "304 Not Modified\r\nETag: \"1\"\r\n", "");
	client_assert_answer(&private, 304, "; fwd=uri-miss", "");
	client_leave(&private);
	kit_answer(&kit, 1, KIT_JSON, "{}");
	client_assert_answer(&other, 200, "; fwd=uri-miss; stored", "{}");
	client_leave(&other);
	client_ask(&private, &kit, "GET", "/issues.json", "Cache-Control: no-store\r\n");
	kit_answer(&kit, 2, KIT_JSON, "{new}");
	client_assert_answer(&private, 200, "; fwd=request", "{new}");
	client_leave(&private);
	client_ask(&other, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&other, 200, "; hit", "{}");
	client_leave(&other);
	kit_clear(&kit);
}
END_TEST

START_TEST(cookie_bypasses)
{
	struct client a, b;
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON, "{}");
	client_ask(&a, &kit, "GET", "/issues.json", "Cookie: _redmine_session=1\r\n");
	client_ask(&b, &kit, "GET", "/issues.json", "Cookie: _redmine_session=1\r\n");
	ck_assert_uint_eq(kit.job_count, 3);
	ck_assert_ptr_null(fields_get(&kit_job(&kit, 1)->fields, "Cookie")); /* it would only fail on an expired one */
	kit_answer(&kit, 1, KIT_JSON "Set-Cookie: a=1\r\n", "{a}");
	kit_answer(&kit, 2, KIT_JSON, "{b}");
	client_assert_answer(&a, 200, "; fwd=bypass", "{a}");
	client_assert_answer(&b, 200, "; fwd=bypass", "{b}");
	client_leave(&a);
	client_leave(&b);
	client_ask(&a, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&a, 200, "; hit", "{}");
	client_leave(&a);
	ck_assert_uint_eq(kit.flow.figures.bypassed, 2);
	kit_clear(&kit);
}
END_TEST

START_TEST(conditions_on_unknown_paths_are_redmines)
{
	static const char *const fields[] = {"Range: bytes=0-1\r\n", "If-Match: \"1\"\r\n",
	        "If-Unmodified-Since: Sat, 01 Aug 2026 09:00:00 GMT\r\n"};
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		client_ask(&client, &kit, "GET", "/unknown", fields[i]);
		ck_assert_uint_eq(kit_job(&kit, i)->fields.count, 2); /* it and Via */
		kit_answer(&kit, i, "206 Partial Content\r\nCache-Control: max-age=60\r\n", "ab");
		client_assert_answer(&client, 206, i == 0 ? "; fwd=uri-miss" : "; fwd=bypass", "ab");
		client_leave(&client);
	}
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("flow_directives", request_directives, only_if_cached, no_store, cookie_bypasses,
        conditions_on_unknown_paths_are_redmines)
