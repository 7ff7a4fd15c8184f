/* From an answer to bytes: what libmicrohttpd is handed, and what is on the wire. */
#include "flow/forward.h"
#include "front/reply.h"

#include "kit.h"

#define NOW_MS     INT64_C(1785578400000)
#define LINK(base) "{\"content_url\":\"" base "/a\"}"

struct bed {
	struct conf *conf;
	struct origin origin;
	struct request *r;
	struct entry *entry;
};

static void make(
        struct bed *bed, const char *method, const char *target, const char *request_fields, const char *fields)
{
	bed->conf = kit_conf(NULL);
	ck_assert_int_eq(origin_init(&bed->origin, "http://redmine.test", NULL), 0);
	bed->r = request_new(NULL, NULL, bed->conf, method, target);
	ck_assert_int_eq(fields_parse(&bed->r->fields, request_fields, strlen(request_fields)), 0);
	ck_assert_int_eq(target_parse(&bed->r->target, bed->r->raw_target), 0);
	directives_read(&bed->r->directives, &bed->r->fields);
	bed->r->base = strdup("http://localhost:7336");
	bed->entry = entry_new();
	bed->entry->status = 200;
	bed->entry->reason = strdup("Fine");
	bed->entry->resource = strdup("");
	bed->entry->target = strdup(target);
	bed->entry->body = blob_new(strdup(LINK("http://redmine.test")), strlen(LINK("http://redmine.test")));
	bed->entry->flags = ENTRY_LINKS;
	bed->entry->born_ms = NOW_MS;
	bed->entry->age_ms = 5000;
	bed->entry->fresh_until_ms = bed->entry->stale_until_ms = NOW_MS + 30000;
	ck_assert_int_eq(fields_parse(&bed->entry->fields, fields, strlen(fields)), 0);
	request_answer_entry(bed->r, bed->entry);
	bed->r->answer.cache.hit = true;
}

static void clear(struct bed *bed)
{
	entry_unref(bed->entry);
	request_unref(bed->r);
	origin_release(&bed->origin);
	conf_unref(bed->conf);
}

static enum MHD_Result print_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	ck_assert_int_eq(buf_printf(arg, "%s: %s\r\n", name, value), 0);
	return MHD_YES;
}

static void assert_fields(const struct reply *reply, const char *expected)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(100000);

	MHD_get_response_headers(reply->response, print_field, &text);
	ck_assert_str_eq(buf_text(&text), expected);
}

START_TEST(entry_with_age_and_status)
{
	struct bed bed;
	struct blob *body;
	struct reply reply;

	make(&bed, "GET", "/a.json", "",
	        "X-B: 1\r\nETag: \"1\"\r\nX-Empty: \r\nx-b: 2\r\nLocation: http://redmine.test/1\r\n");
	body = forward_body(bed.r, &bed.origin);
	ck_assert_uint_eq(body->size, strlen(LINK("http://localhost:7336")));
	ck_assert_int_eq(memcmp(body->data, LINK("http://localhost:7336"), body->size), 0);
	ck_assert_int_eq(reply_from_entry(&reply, bed.r, &bed.origin, body, NOW_MS + 12999), 0);
	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.reason, "Fine");
	ck_assert_uint_eq(reply.body_size, body->size);
	assert_fields(&reply, "X-B: 1\r\nETag: \"1\"\r\nx-b: 2\r\nLocation: http://localhost:7336/1\r\nAge: 17\r\n"
	                      "Via: 1.1 redmine-cached\r\nCache-Status: redmine-cached; hit; ttl=18\r\n"
	                      "Server-Timing: cache;desc=hit\r\n");
	ck_assert_str_eq(fields_get(&reply.refused, "X-Empty"), ""); /* which libmicrohttpd does not take */
	blob_unref(body);
	reply_release(&reply);
	reply_release(&reply);
	clear(&bed);
}
END_TEST

START_TEST(entry_that_was_fetched_just_now)
{
	struct bed bed;
	struct reply reply;

	make(&bed, "GET", "/a.json", "", "");
	bed.r->answer.cache = (struct cache_status){.forward = FORWARD_URI_MISS, .stored = true};
	ck_assert_int_eq(fields_add(&bed.r->answer.fields, "Set-Cookie", "a=1"), 0); /* this client's alone */
	ck_assert_int_eq(reply_from_entry(&reply, bed.r, &bed.origin, bed.entry->body, NOW_MS), 0);
	assert_fields(&reply,
	        "Set-Cookie: a=1\r\nAge: 5\r\nVia: 1.1 redmine-cached\r\n"
	        "Cache-Status: redmine-cached; fwd=uri-miss; stored\r\nServer-Timing: cache;desc=miss\r\n");
	reply_release(&reply);
	clear(&bed);
}
END_TEST

/* In milliseconds with one digit behind the point, rounded. */
START_TEST(time_of_redmine)
{
	static const struct {
		int64_t us;
		const char *text;
	} times[] = {{0, "0.0"}, {49, "0.0"}, {50, "0.1"}, {949, "0.9"}, {950, "1.0"}, {1234567, "1234.6"}};
	struct reply reply;
	struct bed bed;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		char expected[64];

		make(&bed, "GET", "/a.json", "", "");
		bed.r->answer.upstream_us = times[i].us;
		ck_assert_int_eq(reply_from_entry(&reply, bed.r, &bed.origin, bed.entry->body, NOW_MS), 0);
		snprintf(expected, sizeof(expected), "cache;desc=hit, upstream;dur=%s", times[i].text);
		ck_assert_str_eq(MHD_get_response_header(reply.response, "Server-Timing"), expected);
		reply_release(&reply);
		clear(&bed);
	}
}
END_TEST

START_TEST(not_modified_says_nothing_of_the_body)
{
	struct bed bed;
	struct reply reply;

	make(&bed, "GET", "/a.json", "If-None-Match: \"1\"\r\n",
	        "Content-Type: application/json\r\nContent-Disposition: attachment\r\nETag: \"1\"\r\nCache-Control: private\r\n");
	ck_assert_uint_eq(bed.r->answer.status, 304);
	ck_assert_int_eq(reply_from_entry(&reply, bed.r, &bed.origin, bed.entry->body, NOW_MS), 0);
	ck_assert_uint_eq(reply.status, 304);
	ck_assert_ptr_null(reply.reason); /* the stored one is that of a 200 */
	ck_assert_uint_eq(reply.body_size, 0);
	assert_fields(&reply, "ETag: \"1\"\r\nCache-Control: private\r\nAge: 5\r\nVia: 1.1 redmine-cached\r\n"
	                      "Cache-Status: redmine-cached; hit; ttl=30\r\nServer-Timing: cache;desc=hit\r\n");
	reply_release(&reply);
	clear(&bed);
}
END_TEST

START_TEST(bodies_share_the_stored_bytes_where_they_can)
{
	struct bed bed;
	struct blob *body;

	make(&bed, "GET", "/a.json", "Cache-Control: no-transform\r\n", "Location: http://redmine.test/1\r\n");
	body = forward_body(bed.r, &bed.origin);
	ck_assert_ptr_eq(body, bed.entry->body);
	blob_unref(body);
	clear(&bed);
	make(&bed, "GET", "/a.json", "", "");
	bed.entry->flags = 0; /* no link in it */
	body = forward_body(bed.r, &bed.origin);
	ck_assert_ptr_eq(body, bed.entry->body);
	blob_unref(body);
	bed.entry->flags = ENTRY_LINKS;
	free(bed.r->base);
	bed.r->base = strdup("http://redmine.test"); /* they lead where they should */
	body = forward_body(bed.r, &bed.origin);
	ck_assert_ptr_eq(body, bed.entry->body);
	blob_unref(body);
	clear(&bed);
}
END_TEST

START_TEST(no_transform_leaves_locations)
{
	struct bed bed;
	struct reply reply;

	make(&bed, "HEAD", "/a.json", "Cache-Control: no-transform\r\n", "Location: http://redmine.test/1\r\n");
	ck_assert_int_eq(reply_from_entry(&reply, bed.r, &bed.origin, bed.entry->body, NOW_MS), 0);
	ck_assert_str_eq(MHD_get_response_header(reply.response, "Location"), "http://redmine.test/1");
	ck_assert_uint_eq(reply.body_size, 0);
	reply_release(&reply);
	clear(&bed);
}
END_TEST

/* Over the wire: what Redmine said, as it is framed for the client. */
static void act_answer(struct http_visit *v)
{
	const char *what = strchr(v->seen->target, '?') + 1;

	http_read_body(v);
	if (strcmp(what, "204") == 0)
		http_send_text(v, "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n");
	else if (strcmp(what, "304") == 0)
		http_send_text(v, "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
	else if (strcmp(what, "304-with-length") == 0)
		http_send_text(v, "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 500\r\n\r\n");
	else if (strcmp(what, "empty") == 0)
		http_answer(v, "404 Not Found\r\nContent-Type: application/json", "");
	else if (strcmp(what, "chunked") == 0)
		http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
	else if (strcmp(what, "length") == 0)
		http_answer(v, "200 OK", "hello");
	else if (strcmp(what, "unframed") == 0 && http_send_text(v, "HTTP/1.1 200 OK\r\n\r\nhello"))
		http_close(v);
	else if (strcmp(what, "hop-by-hop") == 0)
		http_answer(v,
		        "200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nX-End: 1",
		        "hello");
	else if (strcmp(what, "fields") == 0)
		http_answer(v,
		        "200 OK\r\nX-B: 1\r\nServer: x\r\nDate: Sat, 01 Aug 2026 09:00:00 GMT\r\nX-A: \r\nSet-Cookie: a=1\r\n"
		        "Set-Cookie: b=2\r\nx-b: caf\xe9",
		        "hello");
}

static const struct http_route routes[] = {{NULL, NULL, act_answer}};

static void ask(struct wire *wire, struct kit *kit, const char *method, const char *target, struct wire_answer *answer,
        const char *body)
{
	wire_ask(wire, kit, method, target, "Cookie: a=1\r\n", answer);
	ck_assert_msg(answer->whole, "%s %s", method, target);
	ck_assert_msg(strcmp(buf_text(&answer->body), body) == 0, "%s %s: %s", method, target, buf_text(&answer->body));
}

START_TEST(framing_on_one_connection)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	wire_open(&wire, &kit);
	ask(&wire, &kit, "GET", "/x?204", &answer, "");
	ck_assert_uint_eq(answer.status, 204);
	ck_assert_str_eq(fields_get(&answer.fields, "X-A"), "1");
	ck_assert_ptr_null(fields_get(&answer.fields, "Content-Length")); /* RFC 9110 section 8.6 */
	ck_assert_ptr_null(fields_get(&answer.fields, "Transfer-Encoding"));
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?empty", &answer, "");
	ck_assert_uint_eq(answer.status, 404);
	ck_assert_str_eq(fields_get(&answer.fields, "Content-Length"), "0");
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?304", &answer, "");
	ck_assert_uint_eq(answer.status, 304);
	ck_assert_ptr_null(fields_get(&answer.fields, "Transfer-Encoding"));
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?304-with-length", &answer, "");
	ck_assert_uint_eq(answer.status, 304);
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?length", &answer, "hello");
	ck_assert_str_eq(fields_get(&answer.fields, "Content-Length"), "5");
	wire_answer_release(&answer);
	ask(&wire, &kit, "HEAD", "/x?length", &answer, "");
	ck_assert_str_eq(fields_get(&answer.fields, "Content-Length"), "5");
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?chunked", &answer, "hello");
	ck_assert_str_eq(fields_get(&answer.fields, "Transfer-Encoding"), "chunked");
	ck_assert_ptr_null(fields_get(&answer.fields, "Content-Length"));
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?length", &answer, "hello"); /* the connection is still good */
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

/* Of a HEAD without a length nothing is known: none may be said, and no end of a body sent. */
START_TEST(head_without_a_length)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	wire_open(&wire, &kit);
	wire_send_text(&wire, "HEAD /x?chunked HTTP/1.1\r\nHost: localhost\r\nCookie: a=1\r\n\r\n");
	ck_assert(wire_read(&wire, "HEAD", &answer));
	ck_assert_uint_eq(answer.status, 200);
	ck_assert_ptr_null(fields_get(&answer.fields, "Content-Length"));
	if (!fields_has_token(&answer.fields, "Connection", "close")) {
		struct wire_answer next;

		wire_ask(&wire, &kit, "GET", "/-/healthy", NULL, &next);
		ck_assert_str_eq(buf_text(&next.body), "ok\n");
		wire_answer_release(&next);
	} else {
		ck_assert_msg(wire_at_end(&wire), "%s", buf_text(&wire.in));
	}
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

START_TEST(fields_on_the_wire)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	wire_open(&wire, &kit);
	ask(&wire, &kit, "GET", "/x?hop-by-hop", &answer, "hello");
	ck_assert_ptr_null(fields_get(&answer.fields, "X-Hop"));
	ck_assert_ptr_null(fields_get(&answer.fields, "Keep-Alive"));
	ck_assert_ptr_null(fields_get(&answer.fields, "Upgrade"));
	ck_assert_str_eq(fields_get(&answer.fields, "X-End"), "1");
	wire_answer_release(&answer);
	ask(&wire, &kit, "GET", "/x?fields", &answer, "hello");
	ck_assert_uint_eq(fields_count(&answer.fields, "X-B"), 2);
	ck_assert_str_eq(fields_get(&answer.fields, "X-B"), "1");
	ck_assert_ptr_nonnull(strstr(answer.head.data, "\r\nx-b: caf\xe9\r\n"));
	ck_assert_str_eq(fields_get(&answer.fields, "X-A"), "");
	ck_assert_uint_eq(fields_count(&answer.fields, "Set-Cookie"), 2);
	ck_assert_uint_eq(fields_count(&answer.fields, "Date"), 1);
	ck_assert_str_eq(fields_get(&answer.fields, "Date"), "Sat, 01 Aug 2026 09:00:00 GMT");
	ck_assert_str_eq(fields_get(&answer.fields, "Server"), "x");
	ck_assert_str_eq(fields_get(&answer.fields, "Via"), "1.1 redmine-cached");
	ck_assert_str_eq(fields_get(&answer.fields, "Cache-Status"), "redmine-cached; fwd=bypass");
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

START_TEST(body_that_ends_with_the_connection)
{
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	kit_make(&kit, routes, ARRAY_SIZE(routes), NULL);
	wire_open(&wire, &kit);
	ask(&wire, &kit, "GET", "/x?unframed", &answer, "hello");
	ck_assert_str_eq(fields_get(&answer.fields, "Transfer-Encoding"), "chunked");
	wire_answer_release(&answer);
	/* A client of HTTP/1.0 gets it as Redmine sent it. */
	wire_close(&wire);
	wire_open(&wire, &kit);
	wire_send_text(&wire, "GET /x?chunked HTTP/1.0\r\nCookie: a=1\r\n\r\n");
	ck_assert(wire_read(&wire, "GET", &answer));
	ck_assert_ptr_null(fields_get(&answer.fields, "Transfer-Encoding"));
	ck_assert_str_eq(buf_text(&answer.body), "hello");
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("reply", entry_with_age_and_status, entry_that_was_fetched_just_now, time_of_redmine,
        not_modified_says_nothing_of_the_body, bodies_share_the_stored_bytes_where_they_can,
        no_transform_leaves_locations, framing_on_one_connection, head_without_a_length, fields_on_the_wire,
        body_that_ends_with_the_connection)
