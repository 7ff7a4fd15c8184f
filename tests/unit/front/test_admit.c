/* What is let in, and what is refused at the door: raw bytes to a real listener. */
#include "kit.h"

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, "200 OK", "hello");
}

static const struct http_route routes[] = {{NULL, "/hello", act_hello}, {NULL, NULL, http_echo}};

#define HOST "Host: localhost\r\n"

/* status 0: the connection ends without an answer. seen: requests that reach Redmine. */
static const struct {
	const char *why, *bytes;
	unsigned status;
	unsigned seen;
} heads[] = {
        {"plain", "GET /hello HTTP/1.1\r\n" HOST "\r\n", 200, 1},
        {"HTTP/1.0 without Host", "GET /hello HTTP/1.0\r\n\r\n", 200, 1},
        {"HTTP/1.1 without Host (RFC 9112 3.2)", "GET /hello HTTP/1.1\r\n\r\n", 400, 0},
        {"Host twice", "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", 400, 0},
        {"Host of another", "GET /hello HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421, 0},
        {"Host that only looks like one", "GET /hello HTTP/1.1\r\nHost: localhost.evil.test\r\n\r\n", 421, 0},
        {"Host with user information", "GET /hello HTTP/1.1\r\nHost: localhost@evil.test\r\n\r\n", 421, 0},
        /* RFC 9112 section 3.2.2 */
        {"absolute-form", "GET http://localhost/hello HTTP/1.1\r\nHost: ignored.test\r\n\r\n", 200, 1},
        {"absolute-form of another", "GET http://evil.test/hello HTTP/1.1\r\n" HOST "\r\n", 421, 0},
        {"absolute-form with user information", "GET http://a:b@localhost/hello HTTP/1.1\r\n" HOST "\r\n", 421, 0},
        {"absolute-form without a host", "GET http:///hello HTTP/1.1\r\n" HOST "\r\n", 421, 0},
        {"another scheme is a bad target", "GET ftp://localhost/hello HTTP/1.1\r\n" HOST "\r\n", 400, 0},
        {"no slash", "GET hello HTTP/1.1\r\n" HOST "\r\n", 400, 0},
        {"a fragment", "GET /hello#x HTTP/1.1\r\n" HOST "\r\n", 400, 0},
        {"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 400, 0},
        {"a GET with a body", "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 400, 0},
        {"a GET with a chunked body",
                "GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, 0},
        {"a GET with an empty body", "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, 1},
        /* RFC 9112 section 6.3: attempts to smuggle a second request */
        {"both lengths",
                "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                0},
        {"both, the other way round",
                "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400,
                0},
        {"two lengths", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400, 0},
        {"two equal lengths", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                400, 0},
        {"a list of lengths", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello", 400, 0},
        {"a sign", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello", 400, 0},
        {"below zero", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\nhello", 400, 0},
        {"hexadecimal", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello", 400, 0},
        {"no number", "POST /hello HTTP/1.1\r\n" HOST "Content-Length: five\r\n\r\nhello", 400, 0},
        {"nothing", "POST /hello HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nhello", 400, 0},
        {"too large for a number",
                "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\nhello", 413, 0},
        {"another coding", "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 501, 0},
        {"two codings", "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, 0},
        {"chunked twice",
                "POST /hello HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                501, 0},
        {"chunked, misspelt", "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, 0},
        {"identity", "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501, 0},
        {"chunked in capitals",
                "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, 1},
        {"white space before the colon", "POST /hello HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello", 400, 0},
        {"a field without a name is left out", "GET /hello HTTP/1.1\r\n" HOST ": x\r\n\r\n", 200, 1},
        {"a field without a colon", "GET /hello HTTP/1.1\r\n" HOST "nothing\r\n\r\n", 400, 0},
        {"a name that is no token", "GET /hello HTTP/1.1\r\n" HOST "X(A): 1\r\n\r\n", 400, 0},
        /* RFC 9112 section 5.2; libmicrohttpd makes a field Authorizationabc of it */
        {"a value of two lines", "GET /hello HTTP/1.1\r\n" HOST "Authorization: Basic\r\n abc\r\n\r\n", 400, 0},
        {"... of which the first is empty",
                "GET /hello HTTP/1.1\r\n" HOST "X-Redmine-API-Key:\r\n\tabc\r\nAccept: */*\r\n\r\n", 400, 0},
        {"... of which the second is", "GET /hello HTTP/1.1\r\n" HOST "X-A: b\r\n \r\nX-B: c\r\n\r\n", 400, 0},
        {"... and three", "GET /hello HTTP/1.1\r\nX-A: b\r\n c\r\n d\r\n" HOST "\r\n", 400, 0},
        {"the first of all", "GET /hello HTTP/1.1\r\n " HOST HOST "\r\n", 400, 0},
        {"lines that end without a carriage return", "GET /hello HTTP/1.1\nX-A: b\nX-B:\nHost: localhost\n\n", 200, 1},
        {"... but for the last", "GET /hello HTTP/1.1\nX-A: b\n" HOST "X-B: c\n\r\n", 200, 1},
        {"something beyond the version", "GET /hello HTTP/1.1 x\r\n" HOST "\r\n", 400, 0},
        {"a version there is not", "GET /hello HTTP/3.7\r\n" HOST "\r\n", 505, 0},
};

START_TEST(heads_at_the_door)
{
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		size_t before = http_origin_request_count(kit.http);
		unsigned status = kit_raw(&kit, heads[i].bytes);

		ck_assert_msg(status == heads[i].status, "%s: %u, not %u", heads[i].why, status, heads[i].status);
		ck_assert_msg(http_origin_request_count(kit.http) - before == heads[i].seen, "%s: %zu reached Redmine",
		        heads[i].why, http_origin_request_count(kit.http) - before);
	}
	kit_clear(&kit);
}
END_TEST

/* RFC 9110 section 5.5: neither passed on nor cut there. */
START_TEST(a_nul_in_a_value)
{
	static const struct {
		const char *bytes;
		size_t size;
	} wrong[] = {
#define HEAD(fields) {"GET /hello HTTP/1.1\r\n" fields "\r\n", sizeof("GET /hello HTTP/1.1\r\n" fields "\r\n") - 1}
	        HEAD(HOST "X-A: b\0c\r\nX-B: d\r\n"),
	        HEAD("X-A: b\0c\r\n" HOST),
	        HEAD(HOST "X-A: b\0c\r\n"),
	        HEAD(HOST "X-A: \0c\n"),
#undef HEAD
	};
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct wire_answer answer = {0};
		struct wire wire;

		wire_open(&wire, &kit);
		wire_send(&wire, wrong[i].bytes, wrong[i].size);
		ck_assert(wire_read(&wire, "GET", &answer));
		ck_assert_uint_eq(answer.status, 400);
		wire_answer_release(&answer);
		wire_close(&wire);
	}
	ck_assert_uint_eq(http_origin_request_count(kit.http), 0);
	kit_clear(&kit);
}
END_TEST

/* The head was on its way when the body turned out to be none: Redmine must not take it for whole. */
START_TEST(broken_chunks_never_look_whole)
{
	static const char *const bodies[] = {
	        "xyz\r\n", "5\r\nhel", "5\r\nhelloX", "5\r\nhello\r\n", "-5\r\nhello\r\n0\r\n\r\n"};
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct wire wire;
		struct http_seen seen;

		wire_open(&wire, &kit);
		wire_send_text(&wire, "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
		UNTIL(http_origin_request_count(kit.http) == i + 1); /* Redmine has the head */
		wire_send_text(&wire, bodies[i]);
		wire_close(&wire);
		UNTIL(http_origin_open_count(kit.http) == 0);
		http_origin_seen(kit.http, i, &seen);
		ck_assert_msg(!seen.whole, "%s", bodies[i]);
		http_seen_release(&seen);
	}
	kit_clear(&kit);
}
END_TEST

/* What stands behind a refused body may not be taken for another request. */
START_TEST(nothing_follows_a_refused_body)
{
	static const char smuggled[] = "GET /smuggled HTTP/1.1\r\n" HOST "\r\n";
	static const char *const beginnings[] = {
	        "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	        "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 38\r\n\r\n",
	        "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n",
	        "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n",
	        "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
	        "GET /hello HTTP/1.1\r\n" HOST "X A: 1\r\n\r\n",
	};
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		struct wire wire;
		struct wire_answer answer = {0};

		wire_open(&wire, &kit);
		wire_send_text(&wire, beginnings[i]);
		wire_send_text(&wire, smuggled);
		if (wire_read(&wire, "POST", &answer))
			ck_assert_msg(answer.status >= 400, "%s: %u", beginnings[i], answer.status);
		wire_answer_release(&answer);
		/* libmicrohttpd 0.9.75 says the heads of some of its own errors twice; nothing else may follow. */
		while (!wire_at_end(&wire)) {
			ck_assert_msg(!strstr(wire.in.data, " 200 "), "%s: goes on: %s", beginnings[i], wire.in.data);
			buf_clear(&wire.in);
		}
		wire_close(&wire);
	}
	ck_assert_uint_eq(http_origin_count_of(kit.http, "GET", "/smuggled"), 0);
	kit_clear(&kit);
}
END_TEST

START_TEST(raw_bytes_reach_redmine)
{
	static const char target[] = "/a/../b//%7e%2E?x[]=%5B&y=a+b;c&q=\"<>{}|\\^`'";
	struct kit kit;
	struct wire_answer answer;
	struct http_seen seen;
	char line[200];

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	kit_ask(&kit, "DELETE", target, "X-A: \r\nx-b:  1\r\nX-A: 2\r\nX-Latin: \xe9\r\n", &answer);
	ck_assert_uint_eq(answer.status, 200);
	http_origin_seen(kit.http, 0, &seen);
	snprintf(line, sizeof(line), "DELETE %s HTTP/1.1\r\nHost: %s\r\n", target, kit.origin.authority);
	ck_assert_msg(strncmp(seen.head.data, line, strlen(line)) == 0, "%s", seen.head.data);
	ck_assert_msg(
	        strstr(seen.head.data, "\r\nX-A:\r\nx-b: 1\r\nX-A: 2\r\nX-Latin: \xe9\r\n"), "%s", seen.head.data);
	http_seen_release(&seen);
	wire_answer_release(&answer);
	kit_clear(&kit);
}
END_TEST

/* Every method there is, and some that there are not. */
START_TEST(any_method)
{
	static const char *const methods[] = {
	        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X-Y"};
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct wire_answer answer;

		kit_ask(&kit, methods[i], "/hello", NULL, &answer);
		ck_assert_msg(answer.status == 200, "%s: %u", methods[i], answer.status);
		ck_assert_uint_eq(http_origin_count_of(kit.http, methods[i], "/hello"), 1);
		wire_answer_release(&answer);
	}
	kit_clear(&kit);
}
END_TEST

static const char *const small[] = {"listen.body_limit=1000", "listen.header_limit=8K", NULL};

START_TEST(limits)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;
	char *large = malloc(20001), request[200];

	kit_make(&kit, routes, ARRAY_SIZE(routes), small);
	memset(large, 'x', 20000);
	large[20000] = '\0';
	/* Said to be too large: refused before it comes. */
	ck_assert_uint_eq(kit_raw(&kit, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n"), 413);
	ck_assert_uint_eq(kit_raw(&kit, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 999999999999\r\n\r\n"), 413);
	ck_assert_uint_eq(http_origin_request_count(kit.http), 0);
	/* Turns out to be too large. */
	wire_open(&wire, &kit);
	wire_send_text(&wire, "POST /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		snprintf(request, sizeof(request), "%x\r\n", 500);
		wire_send_text(&wire, request);
		wire_send(&wire, large, 500);
		wire_send_text(&wire, "\r\n");
	}
	wire_send_text(&wire, "0\r\n\r\n");
	ck_assert(wire_read(&wire, "POST", &answer));
	ck_assert_uint_eq(answer.status, 413);
	wire_answer_release(&answer);
	wire_close(&wire);
	/* Just right. */
	wire_open(&wire, &kit);
	wire_send_text(&wire, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
	wire_send(&wire, large, 1000);
	ck_assert(wire_read(&wire, "POST", &answer));
	ck_assert_uint_eq(answer.status, 200);
	wire_answer_release(&answer);
	wire_close(&wire);
	/* A head that does not fit. */
	wire_open(&wire, &kit);
	wire_send_text(&wire, "GET /hello HTTP/1.1\r\n" HOST "X-Large: ");
	wire_send(&wire, large, 20000);
	wire_send_text(&wire, "\r\n\r\n");
	ck_assert(wire_read(&wire, "GET", &answer));
	ck_assert_uint_eq(answer.status, 431);
	wire_answer_release(&answer);
	wire_close(&wire);
	free(large);
	kit_clear(&kit);
}
END_TEST

/* Who comes over the Unix socket has no address: no name is foreign to it, but it must be a name. */
START_TEST(unix_clients)
{
	static const struct {
		const char *host;
		unsigned status;
	} hosts[] = {
	        {"Host: anything.test\r\n", 200},
	        {"Host: localhost\r\n", 200},
	        {"Host: \r\n", 200}, /* RFC 9112 section 3.2: empty where there is no authority */
	        {"Host: a\"b\r\n", 400},
	        {"Host: a b\r\n", 400},
	};
	struct kit kit;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct wire wire;
		struct wire_answer answer;

		wire_open_unix(&wire, &kit);
		wire_send_text(&wire, "GET /hello.json HTTP/1.1\r\n");
		wire_send_text(&wire, hosts[i].host);
		wire_send_text(&wire, "\r\n");
		ck_assert(wire_read(&wire, "GET", &answer));
		ck_assert_msg(answer.status == hosts[i].status, "%s: %u", hosts[i].host, answer.status);
		wire_answer_release(&answer);
		wire_close(&wire);
	}
	kit_clear(&kit);
}
END_TEST

static const char *const trusting[] = {"listen.trust_forwarded=yes", "listen.allowed_hosts=public.example.org", NULL};

static void act_link(struct http_visit *v)
{
	http_printf(
	        v, "HTTP/1.1 302 Found\r\nLocation: %s/there\r\nContent-Length: 0\r\n\r\n", http_origin_url(v->origin));
}

static const struct http_route linked[] = {{NULL, NULL, act_link}};

static void assert_location(struct kit *kit, const char *fields, const char *expected)
{
	struct wire_answer answer;

	kit_ask(kit, "POST", "/x", fields, &answer);
	ck_assert_uint_eq(answer.status, 302);
	ck_assert_str_eq(fields_get(&answer.fields, "Location"), expected);
	wire_answer_release(&answer);
}

START_TEST(forwarded_by_a_web_server)
{
	struct kit kit;
	char own[64];
	struct wire_answer answer;

	kit_make(&kit, linked, ARRAY_SIZE(linked), NULL);
	snprintf(own, sizeof(own), "http://%s/there", kit.authority);
	assert_location(&kit, NULL, own);
	assert_location(
	        &kit, "X-Forwarded-Host: public.example.org\r\nX-Forwarded-Proto: https\r\n", own); /* from anybody */
	kit_reload(&kit, trusting);
	UNTIL(({
		kit_ask(&kit, "POST", "/x", "X-Forwarded-Host: public.example.org\r\n", &answer);
		bool there = strstr(fields_get(&answer.fields, "Location"), "public") != NULL;
		wire_answer_release(&answer);
		there;
	}));
	assert_location(&kit, NULL, own);
	assert_location(&kit, "X-Forwarded-Host: public.example.org\r\nX-Forwarded-Proto: https\r\n",
	        "https://public.example.org/there");
	assert_location(&kit, "X-Forwarded-Host: evil.test, public.example.org\r\nX-Forwarded-Proto: http, HTTPS\r\n",
	        "https://public.example.org/there"); /* the last, as Redmine reads it */
	kit_ask(&kit, "POST", "/x", "X-Forwarded-Host: public.example.org, evil.test\r\n", &answer);
	ck_assert_uint_eq(answer.status, 421);
	wire_answer_release(&answer);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("admit", heads_at_the_door, a_nul_in_a_value, broken_chunks_never_look_whole, nothing_follows_a_refused_body,
        raw_bytes_reach_redmine, any_method, limits, unix_clients, forwarded_by_a_web_server)
