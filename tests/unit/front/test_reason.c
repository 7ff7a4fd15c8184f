#include "front/reason.h"

#include "kit.h"

#include <microhttpd.h>

START_TEST(usual_phrases)
{
	ck_assert_str_eq(reason_usual(200), "OK");
	ck_assert_str_eq(reason_usual(204), "No Content");
	ck_assert_str_eq(reason_usual(304), "Not Modified");
	ck_assert_str_eq(reason_usual(404), "Not Found");
	ck_assert_str_eq(reason_usual(422), "Unprocessable Entity");
	ck_assert_str_eq(reason_usual(503), "Service Unavailable");
	ck_assert_str_eq(reason_usual(299), "");
	ck_assert_str_eq(reason_usual(0), "");
	ck_assert_str_eq(reason_usual(999), "");
}
END_TEST

/* As libmicrohttpd asks: first the length, then the phrase. */
static void assert_gives(unsigned status, const char *expected)
{
	ck_assert_uint_eq(MHD_get_reason_phrase_len_for(status), strlen(expected));
	ck_assert_str_eq(MHD_get_reason_phrase_for(status), expected);
}

START_TEST(used_once_for_its_status)
{
	reason_set(200, "Fine", NULL);
	assert_gives(404, "Not Found"); /* another's */
	assert_gives(200, "Fine");
	assert_gives(200, "OK");
	reason_set(299, "First", NULL);
	reason_set(299, "Second", NULL);
	assert_gives(299, "Second");
	reason_set(200, NULL, NULL);
	assert_gives(200, "OK");
	reason_set(200, "", NULL);
	assert_gives(200, "OK");
	reason_set(299, NULL, NULL);
	assert_gives(299, "");
}
END_TEST

START_TEST(fields_besides)
{
	CLEANUP(fields_release) struct fields refused = FIELDS_INIT;

	ck_assert_int_eq(fields_add(&refused, "X-Empty", ""), 0);
	ck_assert_int_eq(fields_add(&refused, "X-Other", "1"), 0);
	reason_set(200, NULL, &refused);
	assert_gives(200, "OK\r\nX-Empty: \r\nX-Other: 1");
}
END_TEST

START_TEST(too_long_is_left_out)
{
	CLEANUP(fields_release) struct fields refused = FIELDS_INIT;
	char value[4097];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	reason_set(200, value, NULL);
	assert_gives(200, "OK");
	ck_assert_int_eq(fields_add(&refused, "X", value), 0);
	reason_set(201, "Made", &refused);
	assert_gives(201, "Created");
	value[4095 - strlen("Made") - strlen("\r\nX: ")] = '\0';
	fields_release(&refused);
	ck_assert_int_eq(fields_add(&refused, "X", value), 0);
	reason_set(201, "Made", &refused);
	ck_assert_uint_eq(MHD_get_reason_phrase_len_for(201), 4095);
}
END_TEST

static void *ask_elsewhere(void *arg)
{
	assert_gives(299, "");
	return NULL;
}

START_TEST(each_thread_has_its_own)
{
	pthread_t thread;

	reason_set(299, "Mine", NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
	assert_gives(299, "Mine");
}
END_TEST

static void act_phrase(struct http_visit *v)
{
	const char *which = strchr(v->seen->target, '?') + 1;

	http_read_body(v);
	if (strcmp(which, "own") == 0)
		http_answer(v, "200 All Is Well (caf\xc3\xa9)\r\nX-Empty: \r\nX-A: 1", "body");
	else if (strcmp(which, "none") == 0)
		http_answer(v, "299", "body");
	else if (strcmp(which, "stored") == 0)
		http_answer(v, "200 Kept\r\nContent-Type: application/json\r\nX-Empty:\r\nETag: \"1\"", "{}");
	else
		http_answer(v, "404 Nothing", "");
}

static const struct http_route routes[] = {{NULL, NULL, act_phrase}};

static void assert_head_begins(struct wire *wire, struct kit *kit, const char *method, const char *target,
        const char *fields, const char *begin)
{
	struct wire_answer answer;

	wire_ask(wire, kit, method, target, fields, &answer);
	ck_assert_msg(
	        strncmp(answer.head.data, begin, strlen(begin)) == 0, "%s %s: %s", method, target, answer.head.data);
	ck_assert(answer.whole);
	wire_answer_release(&answer);
}

START_TEST(reaches_the_wire)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	wire_open(&wire, &kit);
	for (int i = 0; i < 3; i++) {
		assert_head_begins(&wire, &kit, "POST", "/x?own", "Content-Length: 0\r\n",
		        "HTTP/1.1 200 All Is Well (caf\xc3\xa9)\r\n");
		assert_head_begins(&wire, &kit, "GET", "/x?none", NULL, "HTTP/1.1 299 ");
		assert_head_begins(&wire, &kit, "GET", "/x?missing", NULL, "HTTP/1.1 404 Nothing\r\n");
		assert_head_begins(&wire, &kit, "GET", "/issues.json?stored", NULL,
		        "HTTP/1.1 200 Kept\r\n"); /* a miss, then hits */
		assert_head_begins(&wire, &kit, "HEAD", "/issues.json?stored", NULL, "HTTP/1.1 200 Kept\r\n");
		assert_head_begins(&wire, &kit, "GET", "/issues.json?stored", "If-None-Match: \"1\"\r\n",
		        "HTTP/1.1 304 Not Modified\r\n");
		assert_head_begins(&wire, &kit, "GET", "/-/healthy", NULL, "HTTP/1.1 200 OK\r\n");
	}
	wire_ask(&wire, &kit, "GET", "/issues.json?stored", NULL, &answer);
	ck_assert_str_eq(fields_get(&answer.fields, "X-Empty"), ""); /* which libmicrohttpd would not send */
	wire_answer_release(&answer);
	wire_ask(&wire, &kit, "POST", "/x?own", "Content-Length: 0\r\n", &answer);
	ck_assert_str_eq(fields_get(&answer.fields, "X-Empty"), "");
	ck_assert_str_eq(fields_get(&answer.fields, "X-A"), "1");
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("reason", usual_phrases, used_once_for_its_status, fields_besides, too_long_is_left_out,
        each_thread_has_its_own, reaches_the_wire)
