/* How an answer's head is read, and when an exchange has waited too long. */
#include "upstream/exchange.h"

#include "../unit.h"

#include "../support/ask.h"
#include "../support/origin.h"

#include <string.h>

#define LONG_REASON                                                                                                    \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"         \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"         \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

struct heading {
	const char *method, *raw;
	enum job_outcome outcome;
	unsigned status;
	const char *reason, *fields, *body;
	bool framed;
};

static const struct heading headings[] = {
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", JOB_DONE, 200, "OK", "Content-Length: 2\r\n", "hi",
                true},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", JOB_DONE, 200, "OK", "Content-Length: 2\r\n", "hi", true},
        {"GET", "HTTP/1.1 200 OK\r\nX-A : 1\r\n: 2\r\nX-B:\t \r\nX-C:3\t\r\nContent-Length: 0\r\n\r\n", JOB_DONE, 200,
                "OK", "X-A: 1\r\nX-B: \r\nX-C: 3\r\nContent-Length: 0\r\n", "", true},
        /* Without a length it ends with the connection: nobody knows whether that was all. */
        {"GET", "HTTP/1.1 200 OK\r\n\r\nhi", JOB_DONE, 200, "OK", "", "hi", false},
        {"GET", "HTTP/1.0 200 OK\r\n\r\nhi", JOB_DONE, 200, "OK", "", "hi", false},
        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", JOB_DONE, 200, "OK", "Content-Length: 2\r\n", "hi",
                true},
        {"HEAD", "HTTP/1.1 200 OK\r\n\r\n", JOB_DONE, 200, "OK", "", "", true},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", JOB_DONE, 204, "No Content", "", "", true},
        {"GET", "HTTP/1.1 304 Not Modified\r\n\r\n", JOB_DONE, 304, "Not Modified", "", "", true},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", JOB_DONE, 200, "OK",
                "Transfer-Encoding: chunked\r\n", "hi", true},
        {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", JOB_DONE, 200, "", "Content-Length: 0\r\n", "", true},
        {"GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", JOB_DONE, 200, "", "Content-Length: 0\r\n", "", true},
        {"GET", "HTTP/1.1 404    Nothing  here \r\nContent-Length: 0\r\n\r\n", JOB_DONE, 404, "Nothing  here ",
                "Content-Length: 0\r\n", "", true},
        {"GET", "HTTP/1.1 200 " LONG_REASON "\r\nContent-Length: 0\r\n\r\n", JOB_DONE, 200, "", "Content-Length: 0\r\n",
                "", true},
        {"GET", "HTTP/1.1 999 \xc3\xa4\r\nContent-Length: 0\r\n\r\n", JOB_DONE, 999, "\xc3\xa4",
                "Content-Length: 0\r\n", "", true},
        {"GET",
                "HTTP/1.1 102 Processing\r\nX-A: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-B: 2\r\n"
                "Content-Length: 0\r\n\r\n",
                JOB_DONE, 200, "OK", "X-B: 2\r\nContent-Length: 0\r\n", "", true},
        /* Trailers (RFC 9110 section 6.5) may not be merged into the fields. */
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSet-Cookie: a=1\r\n\r\n", JOB_DONE, 200,
                "OK", "Transfer-Encoding: chunked\r\n", "", true},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", JOB_CUT, 200, "OK", "Content-Length: 5\r\n", "hi",
                true},
        {"GET", "", JOB_NO_ANSWER, 0, NULL, NULL, "", false},
        {"GET", "hello, this is not HTTP at all", JOB_NO_ANSWER, 0, NULL, NULL, "", false},
        {"GET", "HTTP/1.1 200 OK\r\nX-A: 1\r\n", JOB_NO_ANSWER, 0, NULL, NULL, "", false},
        {"GET", "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n", JOB_NO_ANSWER, 0, NULL, NULL, "", false},
};

static void act_raw(struct http_visit *v)
{
	const struct heading *heading = atomic_load((const struct heading *_Atomic *)v->arg);

	http_send_text(v, heading->raw);
	http_close(v);
}

static const struct http_route routes[] = {{NULL, NULL, act_raw}};

static void assert_heading(struct session *session, const struct heading *h)
{
	CLEANUP(buf_release) struct buf fields = BUF_INIT(4096);
	struct ask a;

	ask_init(&a, h->method, "/");
	session_perform(session, &a.job);
	ask_wait(&a);
	ck_assert_msg(
	        a.result.outcome == h->outcome, "%s: %s (%s)", h->raw, outcome_word(a.result.outcome), a.result.text);
	ck_assert_msg(strcmp(buf_text(&a.body), h->body) == 0, "%s: %s", h->raw, buf_text(&a.body));
	ck_assert_msg(atomic_load(&a.heads) == (h->reason != NULL), "%s", h->raw);
	if (h->reason) {
		ck_assert_uint_eq(a.status, h->status);
		ck_assert_str_eq(a.reason, h->reason);
		ck_assert_int_eq(fields_print(&a.fields, &fields), 0);
		ck_assert_str_eq(buf_text(&fields), h->fields);
		ck_assert_msg(a.framed == h->framed, "%s", h->raw);
	}
	ask_release(&a);
}

START_TEST(reads_heads)
{
	const struct heading *_Atomic now;
	struct http_origin *http = http_origin_new(routes, ARRAY_SIZE(routes), (void *)&now);
	struct origin origin;
	struct session_settings settings = {.origin = &origin, .verify = true, .connections = 1};
	struct session *session;

	http_origin_start(http);
	ck_assert_int_eq(origin_init(&origin, http_origin_url(http), NULL), 0);
	session = session_new(&settings, NULL);
	ck_assert_ptr_nonnull(session);
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++) {
		atomic_store(&now, &headings[i]);
		assert_heading(session, &headings[i]);
	}
	session_free(session);
	http_origin_stop(http);
	origin_release(&origin);
}
END_TEST

START_TEST(is_overdue_only_while_it_is_redmines_turn)
{
	struct job job = {.timeout_ms = 1000};
	struct exchange e = {.magic = EXCHANGE_MAGIC, .job = &job, .progress_us = 5000000};

	ck_assert(!exchange_overdue(&e, 5000000));
	ck_assert(!exchange_overdue(&e, 6000000));
	ck_assert(exchange_overdue(&e, 6000001));
	e.body_held = true;
	ck_assert(!exchange_overdue(&e, 60000000));
	e.body_held = false;
	e.upload_held = true;
	ck_assert(!exchange_overdue(&e, 60000000));
	e.upload_held = false;
	ck_assert(exchange_overdue(&e, 60000000));
}
END_TEST

UNIT_MAIN("exchange", reads_heads, is_overdue_only_while_it_is_redmines_turn)
