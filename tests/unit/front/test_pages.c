#include "front/pages.h"

#include "kit.h"

#include <json-c/json.h>

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, KIT_JSON, "{}");
}

static const struct http_route routes[] = {{NULL, NULL, act_hello}};

START_TEST(own_paths)
{
	static const char *const own[] = {"/-", "/-/", "/-/healthy", "/-/x?y", "/-//"};
	static const char *const others[] = {"/", "/-x", "/-?x", "/issues", "//-/healthy", "/x/-/healthy", ""};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		ck_assert_msg(pages_own(own[i]), "%s", own[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!pages_own(others[i]), "%s", others[i]);
}
END_TEST

static void assert_page(struct kit *kit, const char *method, const char *target, unsigned status, const char *body)
{
	struct wire_answer answer;

	kit_ask(kit, method, target, NULL, &answer);
	ck_assert_msg(answer.status == status, "%s %s: %u", method, target, answer.status);
	ck_assert_str_eq(fields_get(&answer.fields, "Cache-Control"), "no-store");
	if (body)
		ck_assert_str_eq(buf_text(&answer.body), body);
	wire_answer_release(&answer);
}

START_TEST(healthy_and_ready)
{
	struct kit kit;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	assert_page(&kit, "GET", "/-/healthy", 200, "ok\n");
	assert_page(&kit, "GET", "/-/healthy?x=1", 200, "ok\n");
	assert_page(&kit, "HEAD", "/-/healthy", 200, "");
	kit_ask(&kit, "HEAD", "/-/healthy", NULL, &answer);
	ck_assert_str_eq(fields_get(&answer.fields, "Content-Length"), "3");
	wire_answer_release(&answer);
	assert_page(&kit, "GET", "/-/status", 200, NULL);
	kit_ask(&kit, "GET", "/-/status", NULL, &answer);
	ck_assert_str_eq(fields_get(&answer.fields, "Content-Type"), "text/html; charset=utf-8");
	ck_assert_ptr_nonnull(strstr(buf_text(&answer.body), "<script>"));
	ck_assert_ptr_nonnull(strstr(fields_get(&answer.fields, "Content-Security-Policy"), "default-src 'none'"));
	wire_answer_release(&answer);
	assert_page(&kit, "GET", "/-/ready", 200, "{\n  \"status\":\"ready\"\n}");
	ck_assert_uint_eq(http_origin_request_count(kit.http), 0);
	kit_clear(&kit);
}
END_TEST

START_TEST(what_there_is_not)
{
	struct kit kit;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	assert_page(&kit, "GET", "/-", 404, NULL);
	assert_page(&kit, "GET", "/-/", 404, NULL);
	assert_page(&kit, "GET", "/-/healthyx", 404, NULL);
	assert_page(&kit, "GET", "/-/nothing", 404, NULL);
	assert_page(&kit, "DELETE", "/-/healthy", 405, NULL);
	kit_ask(&kit, "PUT", "/-/ready", NULL, &answer);
	ck_assert_str_eq(fields_get(&answer.fields, "Allow"), "GET, HEAD");
	wire_answer_release(&answer);
	kit_ask(&kit, "POST", "/-/ready", "Content-Length: 0\r\n", &answer);
	ck_assert_uint_eq(answer.status, 405);
	wire_answer_release(&answer);
	ck_assert_uint_eq(http_origin_request_count(kit.http), 0); /* nothing of it is Redmine's */
	kit_clear(&kit);
}
END_TEST

static int64_t number(struct json_object *status, const char *section, const char *name)
{
	struct json_object *part, *value;

	ck_assert_msg(json_object_object_get_ex(status, section, &part), "%s", section);
	ck_assert_msg(json_object_object_get_ex(part, name, &value), "%s.%s", section, name);
	return json_object_get_int64(value);
}

START_TEST(status_counts)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;
	struct json_object *status;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	wire_open(&wire, &kit);
	for (int i = 0; i < 5; i++) { /* a miss, a hit, three that were ready */
		wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer);
		wire_answer_release(&answer);
	}
	wire_ask(&wire, &kit, "POST", "/issues.json", "Content-Length: 0\r\n", &answer);
	wire_answer_release(&answer);
	wire_ask(&wire, &kit, "GET", "/issues.json", "Cookie: a=1\r\n", &answer);
	wire_answer_release(&answer);
	wire_ask(&wire, &kit, "GET", "/-/status.json", NULL, &answer);
	ck_assert_str_eq(fields_get(&answer.fields, "Content-Type"), "application/json; charset=utf-8");
	status = json_tokener_parse(answer.body.data);
	ck_assert_ptr_nonnull(status);
	ck_assert_int_eq(number(status, "requests", "answered"), 7);
	ck_assert_int_eq(number(status, "requests", "hits"), 4);
	ck_assert_int_eq(number(status, "requests", "misses"), 1);
	ck_assert_int_eq(number(status, "requests", "writes"), 1);
	ck_assert_int_eq(number(status, "requests", "bypassed"), 1);
	ck_assert_int_eq(number(status, "requests", "upstream"), 3);
	ck_assert_int_eq(number(status, "requests", "connections"), 1);
	ck_assert_int_eq(number(status, "requests", "connections_refused"), 0);
	ck_assert_int_eq(number(status, "requests", "body_bytes"), 14);
	ck_assert_int_eq(number(status, "engine", "workers"), 4);
	ck_assert_int_ge(number(status, "cache", "memory_bytes"), 0);
	json_object_put(status);
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

/* The door's rules hold for these, too. */
START_TEST(hosts_are_checked)
{
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	ck_assert_uint_eq(kit_raw(&kit, "GET /-/healthy HTTP/1.1\r\nHost: evil.test\r\n\r\n"), 421);
	ck_assert_uint_eq(kit_raw(&kit, "GET /-/status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("pages", own_paths, healthy_and_ready, what_there_is_not, status_counts, hosts_are_checked)
