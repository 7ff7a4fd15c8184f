/* Requests of one connection after the other, and bodies both ways. */
#include "kit.h"

#include <sys/socket.h>

#define HOST  "Host: localhost\r\n"
#define LARGE (24 * 1024 * 1024)

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, "200 OK", "hello");
}

static void act_large(struct http_visit *v)
{
	static const char block[65536];
	struct kit *kit = v->arg;

	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
	for (size_t sent = 0; sent < LARGE && http_send(v, block, sizeof(block)); sent += sizeof(block))
		continue;
	gate_open(&kit->came);
}

static void act_cut(struct http_visit *v)
{
	static const char block[65536];
	struct kit *kit = v->arg;

	http_printf(v, "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
	        strstr(v->seen->target, "chunked") ? "Transfer-Encoding: chunked" : "Content-Length: 200000");
	if (strstr(v->seen->target, "chunked"))
		http_send_text(v, "10000\r\n");
	http_send(v, block, sizeof(block));
	gate_wait(&kit->go);
	http_close(v);
}

static void act_swallow(struct http_visit *v)
{
	char room[65536];
	unsigned long long all = 0;
	ssize_t n;
	char text[32];

	while ((n = http_read_some(v, room, sizeof(room))) > 0)
		all += (unsigned long long)n;
	snprintf(text, sizeof(text), "%llu", all);
	if (n == 0)
		http_answer(v, "201 Created", text);
}

/* Answers before it has read the body, and reads it then. */
static void act_early(struct http_visit *v)
{
	struct kit *kit = v->arg;

	http_answer(v, "413 Content Too Large\r\nConnection: close", "too large for Redmine");
	gate_open(&kit->came);
	http_close(v);
}

static const struct http_route routes[] = {
        {NULL, "/hello", act_hello},
        {NULL, "/large", act_large},
        {NULL, "/cut", act_cut},
        {NULL, "/cut-chunked", act_cut},
        {NULL, "/swallow", act_swallow},
        {NULL, "/early", act_early},
        {NULL, NULL, http_echo},
};

static void make(struct kit *kit, const char *const *settings)
{
	kit_make(kit, routes, ARRAY_SIZE(routes), settings);
}

START_TEST(many_on_one_connection)
{
	struct kit kit;
	struct wire wire;

	make(&kit, NULL);
	wire_open(&wire, &kit);
	for (int i = 0; i < 50; i++) {
		struct wire_answer answer;

		wire_ask(
		        &wire, &kit, i % 2 ? "POST" : "GET", "/hello", i % 2 ? "Content-Length: 0\r\n" : NULL, &answer);
		ck_assert_uint_eq(answer.status, 200);
		ck_assert_ptr_null(fields_get(&answer.fields, "Connection"));
		wire_answer_release(&answer);
	}
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

/* Sent before the answers of those before: answered in order. Writes stay in order, too. */
START_TEST(pipelined)
{
	struct kit kit;
	struct wire wire;
	struct http_seen seen;

	make(&kit, NULL);
	wire_open(&wire, &kit);
	for (int i = 0; i < 20; i++) {
		char request[128];

		snprintf(request, sizeof(request), "%s /x?%d HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
		        i % 2 ? "POST" : "PUT", i);
		wire_send_text(&wire, request);
	}
	for (int i = 0; i < 20; i++) {
		struct wire_answer answer;
		char line[32];

		snprintf(line, sizeof(line), "%s /x?%d ", i % 2 ? "POST" : "PUT", i);
		ck_assert(wire_read(&wire, "POST", &answer));
		ck_assert_msg(strncmp(buf_text(&answer.body), line, strlen(line)) == 0, "%s", buf_text(&answer.body));
		wire_answer_release(&answer);
		http_origin_seen(kit.http, (size_t)i, &seen);
		ck_assert_int_eq(strncmp(seen.head.data, line, strlen(line)), 0);
		http_seen_release(&seen);
	}
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

START_TEST(bodies)
{
	static const size_t sizes[] = {1, 1000, 65536, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024};
	char *block = malloc(3 * 1024 * 1024);
	struct kit kit;
	struct wire wire;

	make(&kit, NULL);
	for (size_t i = 0; i < 3 * 1024 * 1024; i++)
		block[i] = (char)(i * 2654435761u >> 13);
	wire_open(&wire, &kit);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i / 2];
		bool chunked = i % 2;
		struct wire_answer answer;
		struct http_seen seen;
		char head[200];

		snprintf(head, sizeof(head), "POST /hello HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n%s%zu\r\n%s",
		        chunked ? "Transfer-Encoding: chunked\r\nX-Size: " : "Content-Length: ", size,
		        chunked ? "\r\n" : "\r\n");
		wire_send_text(&wire, head);
		for (size_t at = 0; at < size;) {
			size_t part = size - at < 70000 ? size - at : 70000;

			snprintf(head, sizeof(head), "%zx\r\n", part);
			if (chunked)
				wire_send_text(&wire, head);
			wire_send(&wire, block + at, part);
			if (chunked)
				wire_send_text(&wire, "\r\n");
			at += part;
		}
		if (chunked)
			wire_send_text(&wire, "0\r\n\r\n");
		ck_assert(wire_read(&wire, "POST", &answer));
		ck_assert_uint_eq(answer.status, 200);
		wire_answer_release(&answer);
		http_origin_seen(kit.http, i, &seen);
		ck_assert(seen.whole);
		ck_assert_uint_eq(seen.body.size, size);
		ck_assert_int_eq(memcmp(seen.body.data, block, size), 0);
		ck_assert_ptr_null(strstr(seen.head.data, "Expect:"));
		ck_assert_msg(!strstr(seen.head.data, "Content-Length:") == chunked, "%s", seen.head.data);
		http_seen_release(&seen);
	}
	wire_close(&wire);
	free(block);
	kit_clear(&kit);
}
END_TEST

/* A slow client holds no worker: a short body is gathered before Redmine is asked, which sees nothing until then. */
START_TEST(short_bodies_are_gathered)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	make(&kit, NULL);
	wire_open(&wire, &kit);
	wire_send_text(&wire, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf ");
	kit_ask(&kit, "GET", "/-/status.json", NULL, &answer); /* another's request is served meanwhile */
	wire_answer_release(&answer);
	ck_assert_uint_eq(http_origin_request_count(kit.http), 0);
	wire_send_text(&wire, "whole");
	ck_assert(wire_read(&wire, "POST", &answer));
	ck_assert_uint_eq(answer.status, 200);
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

START_TEST(large_upload_in_constant_memory)
{
	static const char block[65536];
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;
	char expected[32];
	size_t before, most = 0;

	make(&kit, NULL);
	before = usage_memory();
	wire_open(&wire, &kit);
	wire_send_text(&wire, "POST /swallow HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t sent = 0; sent < LARGE; sent += sizeof(block)) {
		wire_send_text(&wire, "10000\r\n");
		ck_assert(wire_send(&wire, block, sizeof(block)));
		wire_send_text(&wire, "\r\n");
		most = usage_memory() > most ? usage_memory() : most;
	}
	wire_send_text(&wire, "0\r\n\r\n");
	ck_assert(wire_read(&wire, "POST", &answer));
	snprintf(expected, sizeof(expected), "%d", LARGE);
	ck_assert_str_eq(buf_text(&answer.body), expected);
	ck_assert_msg(most < before + 4 * 1024 * 1024, "%zu bytes more", most - before);
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

START_TEST(large_download_to_a_slow_client)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;
	size_t before, most = 0, all = 0;
	char *room = malloc(65536);
	int small = 65536;

	make(&kit, NULL);
	before = usage_memory();
	wire_open(&wire, &kit);
	setsockopt(wire.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	wire_send_text(&wire, "GET /large HTTP/1.1\r\n" HOST "\r\n");
	while (!memmem(wire.in.data ? wire.in.data : "", wire.in.size, "\r\n\r\n", 4)) {
		ssize_t n = wire_receive(&wire, room, 1);

		ck_assert_int_eq(n, 1);
		ck_assert_int_eq(buf_add(&wire.in, room, 1), 0);
	}
	/* While the client takes nothing other clients are served, and Redmine is held back. */
	kit_ask(&kit, "GET", "/hello", NULL, &answer);
	wire_answer_release(&answer);
	while (all < LARGE) {
		ssize_t n = wire_receive(&wire, room, 65536);

		ck_assert_int_gt(n, 0);
		all += (size_t)n;
		most = usage_memory() > most ? usage_memory() : most;
		if (all < LARGE / 4)
			ck_assert_uint_eq(gate_passed(&kit.came), 0);
	}
	ck_assert_uint_eq(all, LARGE);
	ck_assert_msg(most < before + 4 * 1024 * 1024, "%zu bytes more", most - before);
	free(room);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

/* Reads all there is; true when it ended with a reset. */
static bool read_to_the_end(struct wire *wire, struct buf *all)
{
	char room[16384];
	ssize_t n;

	while ((n = wire_receive(wire, room, sizeof(room))) > 0)
		ck_assert_int_eq(buf_add(all, room, (size_t)n), 0);
	return n < 0;
}

/* What Redmine cut short may not look whole to anybody. */
START_TEST(cut_short_looks_cut)
{
	static const struct {
		const char *request;
		bool only_reset_tells;
	} cases[] = {
	        {"GET /cut HTTP/1.1\r\n" HOST "\r\n", false},
	        {"GET /cut HTTP/1.0\r\n" HOST "\r\n", false},
	        {"GET /cut-chunked HTTP/1.1\r\n" HOST "\r\n", false},
	        {"GET /cut-chunked HTTP/1.0\r\n" HOST "\r\n", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_release) struct buf all = BUF_INIT(1 << 20);
		struct kit kit;
		struct wire wire;
		char byte;
		bool reset;

		make(&kit, NULL);
		wire_open(&wire, &kit);
		wire_send_text(&wire, cases[i].request);
		while (!strstr(buf_text(&all), "\r\n\r\n")) {
			ck_assert_int_eq(wire_receive(&wire, &byte, 1), 1);
			ck_assert_int_eq(buf_add_char(&all, byte), 0);
		}
		gate_open(&kit.go);
		reset = read_to_the_end(&wire, &all);
		ck_assert_uint_lt(all.size, 100000);
		ck_assert_msg(reset || !cases[i].only_reset_tells, "%s: looks whole", cases[i].request);
		if (strstr(all.data, "chunked"))
			ck_assert_msg(
			        !memmem(all.data, all.size, "0\r\n\r\n", 5), "%s: has a last chunk", cases[i].request);
		else if (!cases[i].only_reset_tells)
			ck_assert_ptr_nonnull(strstr(all.data, "Content-Length: 200000\r\n"));
		wire_close(&wire);
		kit_clear(&kit);
	}
}
END_TEST

START_TEST(redmine_answers_before_it_has_read_all)
{
	static const char block[65536];
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	make(&kit, NULL);
	wire_open(&wire, &kit);
	wire_send_text(&wire, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 8388608\r\n\r\n");
	for (int i = 0; i < 128 && wire_send(&wire, block, sizeof(block)); i++)
		continue;
	ck_assert(wire_read(&wire, "POST", &answer));
	ck_assert_msg(answer.status == 413 || answer.status == 502, "%u", answer.status);
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("visit", many_on_one_connection, pipelined, bodies, short_bodies_are_gathered,
        large_upload_in_constant_memory, large_download_to_a_slow_client, cut_short_looks_cut,
        redmine_answers_before_it_has_read_all)
