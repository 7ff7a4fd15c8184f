/* Clients together and clients that leave; answers that are ready for the next. */
#include "kit.h"

#define HOST "Host: localhost\r\n"

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, "200 OK", "hello");
}

static void act_wait(struct http_visit *v)
{
	struct kit *kit = v->arg;

	http_read_body(v);
	gate_open(&kit->came);
	gate_wait(&kit->go);
	http_answer(v, KIT_JSON, "{}");
}

static void act_large(struct http_visit *v)
{
	static const char block[65536];

	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64 * 65536);
	for (int i = 0; i < 64 && http_send(v, block, sizeof(block)); i++)
		continue;
}

static void act_large_later(struct http_visit *v)
{
	struct kit *kit = v->arg;

	gate_open(&kit->came);
	gate_wait(&kit->go);
	act_large(v);
}

static const struct http_route routes[] = {
        {NULL, "/hello", act_hello},
        {NULL, "/wait", act_wait},
        {NULL, "/issues.json", act_wait},
        {NULL, "/large", act_large},
        {NULL, "/large-later", act_large_later},
};

static void make(struct kit *kit, const char *const *settings)
{
	kit_make(kit, routes, ARRAY_SIZE(routes), settings);
}

static int active(struct kit *kit)
{
	struct front_figures figures;

	front_get_figures(kit->front, &figures);
	return (int)figures.connections;
}

/* Clients that go at every moment of a request harm nobody, and nothing of them is left. */
START_TEST(clients_that_leave)
{
	static const char *const beginnings[] = {
	        "",
	        "GET",
	        "GET /wait HTTP/1.1\r\nHost: local",
	        "GET /wait HTTP/1.1\r\n" HOST "\r\n",
	        "GET /issues.json HTTP/1.1\r\n" HOST "\r\n",
	        "GET /large HTTP/1.1\r\n" HOST "\r\n",
	        "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf ",
	        "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nsome",
	        "POST /wait HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
	        "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",
	};
	struct kit kit;
	struct wire_answer answer;

	make(&kit, NULL);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(beginnings); i++) {
		struct wire wire;

		wire_open(&wire, &kit);
		wire_send_text(&wire, beginnings[i / 2]);
		kit_ask(&kit, "GET", "/-/healthy", NULL, &answer);
		wire_answer_release(&answer);
		if (i % 2)
			wire_reset(&wire);
		else
			wire_close(&wire);
	}
	gate_open(&kit.go);
	UNTIL(active(&kit) == 0);
	kit_ask(&kit, "GET", "/issues.json", NULL, &answer);
	ck_assert_uint_eq(answer.status, 200);
	wire_answer_release(&answer);
	kit_clear(&kit);
}
END_TEST

/* More streams than workers whose clients left before they began: nobody reads them, so they must not wait for a reader. */
START_TEST(streams_that_nobody_reads)
{
	struct wire wires[8];
	struct kit kit;
	struct wire_answer answer;

	make(&kit, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(wires); i++) {
		wire_open(&wires[i], &kit);
		wire_send_text(&wires[i], "GET /large-later HTTP/1.1\r\n" HOST "Cookie: a=1\r\n\r\n");
	}
	gate_wait_times(&kit.came, 4); /* all workers */
	for (unsigned i = 0; i < ARRAY_SIZE(wires); i++)
		wire_reset(&wires[i]);
	gate_open(&kit.go);
	kit_ask(&kit, "GET", "/hello", NULL, &answer);
	ck_assert_str_eq(buf_text(&answer.body), "hello");
	wire_answer_release(&answer);
	UNTIL(active(&kit) == 0);
	kit_clear(&kit);
}
END_TEST

/* The one that caused the fetch leaves: the others get its answer. */
START_TEST(leader_that_leaves)
{
	struct wire leader, others[5];
	struct kit kit;

	make(&kit, NULL);
	wire_open(&leader, &kit);
	wire_send_text(&leader, "GET /issues.json HTTP/1.1\r\n" HOST "\r\n");
	gate_wait(&kit.came);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		wire_open(&others[i], &kit);
		wire_send_text(&others[i], "GET /issues.json HTTP/1.1\r\n" HOST "\r\n");
	}
	UNTIL(active(&kit) == 1 + ARRAY_SIZE(others));
	wire_reset(&leader);
	gate_open(&kit.go);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct wire_answer answer;

		ck_assert(wire_read(&others[i], "GET", &answer));
		ck_assert_uint_eq(answer.status, 200);
		wire_answer_release(&answer);
		wire_close(&others[i]);
	}
	ck_assert_uint_eq(http_origin_request_count(kit.http), 1);
	kit_clear(&kit);
}
END_TEST

#define HERD 500

/* Also 128, 256... at once, at which libmicrohttpd's own loop would hang. */
START_TEST(herd)
{
	struct wire *wires = calloc(HERD, sizeof(*wires));
	struct kit kit;
	unsigned collapsed = 0;

	make(&kit, NULL);
	for (size_t i = 0; i < HERD; i++) {
		wire_open(&wires[i], &kit);
		wire_send_text(&wires[i], "GET /issues.json HTTP/1.1\r\n" HOST "\r\n");
	}
	UNTIL(active(&kit) == HERD);
	gate_wait(&kit.came);
	gate_open(&kit.go);
	for (size_t i = 0; i < HERD; i++) {
		struct wire_answer answer;

		ck_assert(wire_read(&wires[i], "GET", &answer));
		ck_assert_uint_eq(answer.status, 200);
		ck_assert_str_eq(buf_text(&answer.body), "{}");
		collapsed += strstr(fields_get(&answer.fields, "Cache-Status"), "collapsed") != NULL;
		wire_answer_release(&answer);
		wire_close(&wires[i]);
	}
	ck_assert_uint_eq(http_origin_request_count(kit.http), 1);
	ck_assert_uint_gt(collapsed, 0);
	free(wires);
	kit_clear(&kit);
}
END_TEST

START_TEST(hits_are_prepared)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;
	struct front_figures figures;

	make(&kit, NULL);
	gate_open(&kit.go);
	wire_open(&wire, &kit);
	for (int i = 0; i < 10; i++) {
		wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer);
		ck_assert_str_eq(buf_text(&answer.body), "{}");
		ck_assert_msg(!strstr(fields_get(&answer.fields, "Cache-Status"), "hit") == (i == 0), "%s",
		        fields_get(&answer.fields, "Cache-Status"));
		wire_answer_release(&answer);
	}
	front_get_figures(kit.front, &figures);
	ck_assert_uint_eq(figures.prepared, 8);
	/* A write ends that at once. */
	wire_ask(&wire, &kit, "PUT", "/hello", "Content-Length: 0\r\n", &answer);
	wire_answer_release(&answer);
	wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer);
	ck_assert_ptr_nonnull(strstr(fields_get(&answer.fields, "Cache-Status"), "fwd=uri-miss"));
	wire_answer_release(&answer);
	/* Time, too. */
	wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer);
	wire_answer_release(&answer);
	clock_set_offset_ms(31000);
	wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer);
	ck_assert_ptr_nonnull(strstr(fields_get(&answer.fields, "Cache-Status"), "fwd=stale"));
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

static void act_link(struct http_visit *v)
{
	char body[100];

	snprintf(body, sizeof(body), "{\"content_url\":\"%s/a\"}", http_origin_url(v->origin));
	http_answer(v, KIT_JSON, body);
}

static const struct http_route linked[] = {{NULL, NULL, act_link}};

/* Two doors, the same bytes without a Host: each client's links lead to its own door. */
START_TEST(prepared_for_one_door)
{
	static const char request[] = "GET /attachments/1.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
	struct kit kit;
	struct wire tcp, local;
	struct wire_answer answer;
	char expected[100];

	kit_make(&kit, linked, ARRAY_SIZE(linked), (const char *const[]){"listen.threads=1", NULL});
	wire_open(&tcp, &kit);
	wire_open_unix(&local, &kit);
	snprintf(expected, sizeof(expected), "{\"content_url\":\"http://%s/a\"}", kit.authority);
	for (int i = 0; i < 3; i++) {
		wire_send_text(&tcp, request);
		ck_assert(wire_read(&tcp, "GET", &answer));
		ck_assert_str_eq(buf_text(&answer.body), expected);
		wire_answer_release(&answer);
		wire_send_text(&local, request);
		ck_assert(wire_read(&local, "GET", &answer));
		ck_assert_str_eq(buf_text(&answer.body), "{\"content_url\":\"http://localhost/a\"}");
		wire_answer_release(&answer);
	}
	wire_close(&tcp);
	wire_close(&local);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("visit_clients", clients_that_leave, streams_that_nobody_reads, leader_that_leaves, herd, hits_are_prepared,
        prepared_for_one_door)
