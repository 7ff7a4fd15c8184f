/* What Redmine is sent, and what is told of its answer, byte by byte. */
#include "conformance.h"

#include <string.h>

static const char gzipped[] = /* "hello, gzip\n", gzip -9n */
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\x48\xaf\xca\x2c\xe0\x02\x00\x86\x1f\x82"
        "\xa4\x0c\x00\x00\x00";

static void act_interim(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Early: 1\r\n\r\n"
	                  "HTTP/1.1 102\r\n\r\n");
	http_answer(v, "201 Created\r\nX-Late: 1", "made");
}

static void act_no_content(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 204 No Content\r\nCache-Control: no-cache\r\n\r\n");
}

/* A 304 may say the length of the body that it does not have (RFC 9110 section 8.6). */
static void act_not_modified(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 304 Not Modified\r\nETag: W/\"1\"\r\nContent-Length: 500\r\n\r\n");
}

static void act_head(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nX-A: 1\r\n\r\n");
}

static void act_chunked(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n\r\n"
	                  "5\r\nhello\r\n1;extension=1\r\n,\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n");
}

static void act_unframed(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
	http_close(v);
}

static void act_fields(struct http_visit *v)
{
	http_send_text(v,
	        "HTTP/1.1 200 OK\r\n"
	        "X-B: 2\r\nX-A: 1\r\nx-b: \r\nX-Empty:\r\nSet-Cookie: a=1, b\r\nSet-Cookie: c=2\r\n"
	        "X-Space:   in  side \t \r\nX-Latin: caf\xe9\r\nX-Colon: a:b: c\r\nContent-Length: 0\r\n\r\n");
}

static void act_reason(struct http_visit *v)
{
	const char *which = strchr(v->seen->target, '?') + 1;

	if (strcmp(which, "none") == 0)
		http_answer(v, "299", "x");
	else if (strcmp(which, "blank") == 0)
		http_answer(v, "299 ", "x");
	else if (strcmp(which, "own") == 0)
		http_answer(v, "422 Unprocessable  Entity: caf\xc3\xa9 (really)", "x");
}

static void act_drip(struct http_visit *v)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nX-Slow: yes\r\nContent-Length: 5\r\n\r\nhello";

	for (size_t i = 0; i < strlen(answer); i++)
		http_send(v, &answer[i], 1);
}

static void act_large_head(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
	for (int i = 0; i < 200; i++)
		http_printf(v, "X-Field-%d: %0200d\r\n", i, i);
	http_send_text(v, "\r\n");
}

static void act_gzip(struct http_visit *v)
{
	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\nX-A: 1\r\n\r\n",
	        sizeof(gzipped) - 1);
	http_send(v, gzipped, sizeof(gzipped) - 1);
}

/* Says no before it has read what is sent, as a front server does that takes no such body. */
static void act_early_no(struct http_visit *v)
{
	http_answer(v, "413 Content Too Large\r\nConnection: close", "no");
	http_read_body(v);
	http_close(v);
}

static const struct http_route routes[] = {
        {NULL, "/interim", act_interim},
        {NULL, "/no-content", act_no_content},
        {NULL, "/not-modified", act_not_modified},
        {"HEAD", "/head", act_head},
        {NULL, "/chunked", act_chunked},
        {NULL, "/unframed", act_unframed},
        {NULL, "/fields", act_fields},
        {NULL, "/reason", act_reason},
        {NULL, "/drip", act_drip},
        {NULL, "/large-head", act_large_head},
        {NULL, "/gzip", act_gzip},
        {NULL, "/early-no", act_early_no},
        {NULL, NULL, http_echo},
};

static void make(struct bed *bed, int index)
{
	bed_make(bed, index, routes, ARRAY_SIZE(routes), NULL, NULL);
}

/* What the origin got must be exactly this; "HOST" stands for its address. */
static void assert_sent(struct bed *bed, struct ask *a, const char *line, const char *rest)
{
	CLEANUP(buf_release) struct buf expected = BUF_INIT(1024 * 1024);
	struct http_seen seen;
	size_t index = http_origin_request_count(bed->http);

	bed_ask(bed, a);
	ask_assert_outcome(a, JOB_DONE);
	ck_assert_int_eq(buf_printf(&expected, "%s\r\nHost: %s\r\n%s\r\n", line, bed->origin.authority, rest), 0);
	http_origin_seen(bed->http, index, &seen);
	ck_assert_str_eq(buf_text(&seen.head), buf_text(&expected));
	http_seen_release(&seen);
	ask_release(a);
}

START_TEST(adds_nothing)
{
	static const char *const methods[] = {"GET", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "PROPFIND"};
	struct bed bed;
	char line[64];

	make(&bed, _i);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct ask a;

		ask_init(&a, methods[i], "/");
		snprintf(line, sizeof(line), "%s / HTTP/1.1", methods[i]);
		assert_sent(&bed, &a, line, "");
	}
	bed_clear(&bed);
}
END_TEST

START_TEST(raw_targets)
{
	static const char *const targets[] = {
	        "/a/../b/./c//d",
	        "/%7euser/%2e%2E/%zz/%",
	        "/issues.json?f[]=a&op[a]=%3E%3D&v[a][]=1+2%202&x=\"<>\\^`{|}'",
	        "/?",
	        "/a?b?c=/../",
	        "//two//slashes/",
	        "/caf\xc3\xa9/\xff",
	        "/a;b=c,d:@!$&'()*+",
	        "/http://example.org/",
	        "*",
	};
	struct bed bed;
	char line[256];

	make(&bed, _i);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct ask a;

		ask_init(&a, "GET", targets[i]);
		snprintf(line, sizeof(line), "GET %s HTTP/1.1", targets[i]);
		assert_sent(&bed, &a, line, "");
	}
	bed_clear(&bed);
}
END_TEST

START_TEST(long_target)
{
	struct bed bed;
	struct ask a;
	char *target = malloc(60001), *line = malloc(60032);

	make(&bed, _i);
	memset(target, 'x', 60000);
	target[0] = '/';
	target[60000] = '\0';
	ask_init(&a, "GET", target);
	sprintf(line, "GET %s HTTP/1.1", target);
	assert_sent(&bed, &a, line, "");
	free(target);
	free(line);
	bed_clear(&bed);
}
END_TEST

START_TEST(fields_in_order_with_duplicates_and_empty_values)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	ask_init(&a, "GET", "/x");
	ask_add_field(&a, "X-Redmine-API-Key", "0123456789abcdef0123456789abcdef01234567");
	ask_add_field(&a, "Authorization", "Basic dXNlcjpwYXNz");
	ask_add_field(&a, "X-B", "2");
	ask_add_field(&a, "X-A", "1");
	ask_add_field(&a, "x-b", "");
	ask_add_field(&a, "X-B", "2");
	ask_add_field(&a, "Accept", "");
	ask_add_field(&a, "accept-language", "de, en;q=0.5");
	ask_add_field(&a, "User-Agent", "curl;/ 1:2;");
	ask_add_field(&a, "Cookie", "a=1; b=\"2\"");
	ask_add_field(&a, "X-Redmine-Switch-User", "j\xc3\xbcrgen \xff");
	ask_add_field(&a, "If-None-Match", "W/\"1\", \"2\"");
	assert_sent(&bed, &a, "GET /x HTTP/1.1",
	        "X-Redmine-API-Key: 0123456789abcdef0123456789abcdef01234567\r\n"
	        "Authorization: Basic dXNlcjpwYXNz\r\n"
	        "X-B: 2\r\nX-A: 1\r\nx-b:\r\nX-B: 2\r\nAccept:\r\naccept-language: de, en;q=0.5\r\n"
	        "User-Agent: curl;/ 1:2;\r\nCookie: a=1; b=\"2\"\r\n"
	        "X-Redmine-Switch-User: j\xc3\xbcrgen \xff\r\nIf-None-Match: W/\"1\", \"2\"\r\n");
	bed_clear(&bed);
}
END_TEST

START_TEST(asks_for_gzip_and_undoes_it)
{
	struct bed bed;
	struct ask plain, a;

	make(&bed, _i);
	ask_init(&plain, "GET", "/gzip"); /* not asked for: stays as it is */
	ask_add_field(&plain, "Accept-Encoding", "gzip");
	bed_ask(&bed, &plain);
	ask_assert_outcome(&plain, JOB_DONE);
	ck_assert_uint_eq(plain.body.size, sizeof(gzipped) - 1);
	ck_assert_int_eq(memcmp(plain.body.data, gzipped, sizeof(gzipped) - 1), 0);
	ck_assert_str_eq(fields_get(&plain.fields, "Content-Encoding"), "gzip");
	ask_release(&plain);

	ask_init(&a, "GET", "/gzip");
	a.job.undo_coding = true;
	a.job.accept_gzip = true;
	bed_ask(&bed, &a);
	ask_assert_done(&a, 200, "hello, gzip\n");
	ck_assert_ptr_null(fields_get(&a.fields, "Content-Encoding"));
	ck_assert_ptr_null(fields_get(&a.fields, "Content-Length"));
	ck_assert_str_eq(fields_get(&a.fields, "X-A"), "1");
	ck_assert(a.framed);
	ask_release(&a);

	ask_init(&a, "GET", "/x");
	a.job.undo_coding = true;
	a.job.accept_gzip = true;
	assert_sent(&bed, &a, "GET /x HTTP/1.1", "Accept-Encoding: gzip\r\n");
	bed_clear(&bed);
}
END_TEST

static void uploads(struct bed *bed, const char *data, size_t size, bool chunked, const char *rest)
{
	CLEANUP(buf_release) struct buf expected = BUF_INIT(1024 * 1024);
	struct http_seen seen;
	struct ask a;

	ask_init(&a, "PUT", "/x");
	ask_add_field(&a, "Content-Type", "application/json");
	ask_set_body(&a, data, size, chunked);
	bed_ask(bed, &a);
	ask_assert_outcome(&a, JOB_DONE);
	ck_assert_int_eq(buf_printf(&expected, "PUT /x HTTP/1.1\r\nHost: %s\r\n", bed->origin.authority), 0);
	ck_assert_int_eq(buf_add_text(&expected, rest), 0);
	http_origin_seen(bed->http, http_origin_request_count(bed->http) - 1, &seen);
	ck_assert_str_eq(buf_text(&seen.head), buf_text(&expected));
	ck_assert_uint_eq(seen.body.size, size);
	ck_assert_int_eq(memcmp(buf_text(&seen.body), data, size), 0);
	ck_assert(seen.whole);
	http_seen_release(&seen);
	ask_release(&a);
}

START_TEST(bodies)
{
	char *large = malloc(300000);
	struct bed bed;

	make(&bed, _i);
	for (size_t i = 0; i < 300000; i++)
		large[i] = (char)(i * 7919 >> 3);
	uploads(&bed, "{\"a\":1}", 7, false, "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n");
	uploads(&bed, "\0\r\n\xff", 4, false, "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n");
	uploads(&bed, "", 0, false, "Content-Type: application/json\r\nContent-Length: 0\r\n\r\n");
	uploads(&bed, large, 300000, false, "Content-Type: application/json\r\nContent-Length: 300000\r\n\r\n");
	uploads(&bed, "{\"a\":1}", 7, true, "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n");
	uploads(&bed, "", 0, true, "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n");
	uploads(&bed, large, 300000, true, "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n");
	free(large);
	bed_clear(&bed);
}
END_TEST

START_TEST(answer_before_the_body_was_sent)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	ask_init(&a, "POST", "/early-no");
	ask_set_body(&a, NULL, 0, false);
	a.upload_zeros = 8 * 1024 * 1024;
	a.job.body_size = 8 * 1024 * 1024;
	bed_ask(&bed, &a);
	ask_assert_done(&a, 413, "no");
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

static void get(struct bed *bed, struct ask *a, const char *method, const char *target)
{
	ask_init(a, method, target);
	bed_ask(bed, a);
	ask_assert_outcome(a, JOB_DONE);
}

START_TEST(interim_heads_are_told_before)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	get(&bed, &a, "GET", "/interim");
	ask_assert_done(&a, 201, "made");
	ck_assert_str_eq(buf_text(&a.interims), "103 Early Hints\r\nLink: </a>\r\nX-Early: 1\r\n102 \r\n");
	ck_assert_str_eq(a.reason, "Created");
	ck_assert_ptr_null(fields_get(&a.fields, "X-Early"));
	ck_assert_ptr_null(fields_get(&a.fields, "Link"));
	ck_assert_str_eq(fields_get(&a.fields, "X-Late"), "1");
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

/* Nothing is waited for, and the connection is good for the next. */
START_TEST(answers_without_a_body)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	get(&bed, &a, "GET", "/no-content");
	ask_assert_done(&a, 204, "");
	ck_assert(a.framed);
	ask_release(&a);
	get(&bed, &a, "GET", "/not-modified");
	ask_assert_done(&a, 304, "");
	ck_assert(a.framed);
	ck_assert_str_eq(fields_get(&a.fields, "Content-Length"), "500");
	ck_assert_str_eq(fields_get(&a.fields, "ETag"), "W/\"1\"");
	ask_release(&a);
	get(&bed, &a, "HEAD", "/head");
	ask_assert_done(&a, 200, "");
	ck_assert(a.framed);
	ck_assert_str_eq(fields_get(&a.fields, "Content-Length"), "12345");
	ask_release(&a);
	get(&bed, &a, "GET", "/drip");
	ask_assert_done(&a, 200, "hello");
	ask_release(&a);
	if (bed.kind->single)
		ck_assert_uint_eq(http_origin_connection_count(bed.http), 1);
	bed_clear(&bed);
}
END_TEST

START_TEST(framing)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	get(&bed, &a, "GET", "/chunked");
	ask_assert_done(&a, 200, "hello, world");
	ck_assert(a.framed);
	ck_assert_ptr_null(fields_get(&a.fields, "X-Trailer"));
	ask_release(&a);
	get(&bed, &a, "GET", "/unframed");
	ask_assert_done(&a, 200, "until the end");
	ck_assert(!a.framed);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(answer_fields_in_order)
{
	CLEANUP(buf_release) struct buf block = BUF_INIT(4096);
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	get(&bed, &a, "GET", "/fields");
	ck_assert_int_eq(fields_print(&a.fields, &block), 0);
	ck_assert_str_eq(buf_text(&block),
	        "X-B: 2\r\nX-A: 1\r\nx-b: \r\nX-Empty: \r\nSet-Cookie: a=1, b\r\nSet-Cookie: c=2\r\n"
	        "X-Space: in  side\r\nX-Latin: caf\xe9\r\nX-Colon: a:b: c\r\nContent-Length: 0\r\n");
	ask_release(&a);
	get(&bed, &a, "GET", "/large-head");
	ck_assert_uint_eq(a.fields.count, 201);
	ck_assert_uint_eq(strlen(fields_get(&a.fields, "X-Field-199")), 200);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(reason_phrases)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i);
	get(&bed, &a, "GET", "/reason?none");
	ask_assert_done(&a, 299, "x");
	ck_assert_str_eq(a.reason, "");
	ask_release(&a);
	get(&bed, &a, "GET", "/reason?blank");
	ck_assert_str_eq(a.reason, "");
	ask_release(&a);
	get(&bed, &a, "GET", "/reason?own");
	ask_assert_done(&a, 422, "x");
	ck_assert_str_eq(a.reason, "Unprocessable  Entity: caf\xc3\xa9 (really)");
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

void add_bytes(add_test *add)
{
	add(adds_nothing);
	add(raw_targets);
	add(long_target);
	add(fields_in_order_with_duplicates_and_empty_values);
	add(asks_for_gzip_and_undoes_it);
	add(bodies);
	add(answer_before_the_body_was_sent);
	add(interim_heads_are_told_before);
	add(answers_without_a_body);
	add(framing);
	add(answer_fields_in_order);
	add(reason_phrases);
}
