/* Many exchanges on one session, and what other threads do to it. */
#include "upstream/session.h"

#include "../unit.h"

#include "../support/ask.h"
#include "../support/origin.h"
#include "../support/usage.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MANY 100

struct bed {
	struct http_origin *http;
	struct origin origin;
	struct session *session;
	struct gate came, go;
};

static void act_hello(struct http_visit *v)
{
	http_answer(v, "200 OK", "hello");
}

static void act_wait(struct http_visit *v)
{
	struct bed *bed = v->arg;

	gate_open(&bed->came);
	gate_wait(&bed->go);
	http_answer(v, "200 OK", "late");
}

static void refuse(struct http_visit *v, const char *answer)
{
	struct bed *bed = v->arg;

	http_send_text(v, answer);
	http_reset(v);
	gate_open(&bed->came);
}

static void act_refuse(struct http_visit *v)
{
	refuse(v,
	        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nX-Why: size\r\nContent-Length: 5\r\n\r\nlarge");
}

static void act_refuse_in_part(struct http_visit *v)
{
	refuse(v, "HTTP/1.1 413 Too Large\r\nContent-Length: 50\r\n\r\nlarge");
}

static void act_break(struct http_visit *v)
{
	refuse(v, "HTTP/1.1 413 Too La");
}

static void act_head(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

static const struct http_route routes[] = {
        {"HEAD", NULL, act_head},
        {NULL, "/hello", act_hello},
        {NULL, "/wait", act_wait},
        {NULL, "/refuse", act_refuse},
        {NULL, "/refuse-in-part", act_refuse_in_part},
        {NULL, "/break", act_break},
        {NULL, NULL, http_echo},
};

static void make(struct bed *bed)
{
	struct session_settings settings = {.origin = &bed->origin, .verify = true, .connections = MANY};
	struct fail fail = {0};

	*bed = (struct bed){.came = GATE_INIT, .go = GATE_INIT};
	bed->http = http_origin_new(routes, ARRAY_SIZE(routes), bed);
	http_origin_start(bed->http);
	ck_assert_int_eq(origin_init(&bed->origin, http_origin_url(bed->http), &fail), 0);
	bed->session = session_new(&settings, &fail);
	ck_assert_msg(bed->session != NULL, "%s", fail.text);
}

static void clear(struct bed *bed)
{
	ck_assert_uint_eq(session_active(bed->session), 0);
	session_free(bed->session);
	http_origin_stop(bed->http);
	origin_release(&bed->origin);
}

static void run_all(struct bed *bed)
{
	while (session_active(bed->session) > 0)
		session_step(bed->session, -1);
}

START_TEST(runs_many_at_once)
{
	struct ask *asks = calloc(MANY, sizeof(*asks));
	struct bed bed;

	make(&bed);
	for (size_t i = 0; i < MANY; i++) {
		ask_init(&asks[i], "GET", "/wait");
		session_start(bed.session, &asks[i].job);
	}
	ck_assert_uint_eq(session_active(bed.session), MANY);
	while (gate_passed(&bed.came) < MANY) /* each on a connection of its own: none answers before all have come */
		session_step(bed.session, 10);
	gate_open(&bed.go);
	run_all(&bed);
	for (size_t i = 0; i < MANY; i++) {
		ask_assert_done(&asks[i], 200, "late");
		ask_release(&asks[i]);
	}
	ck_assert_uint_eq(http_origin_connection_count(bed.http), MANY);
	free(asks);
	clear(&bed);
}
END_TEST

/* An upload whose connection is reset while its next piece is being read: sending it fails. */
static void upload_to(struct bed *bed, struct ask *a, const char *target)
{
	ask_init(a, "POST", target);
	a->upload_zeros = 16 * 1024 * 1024;
	a->job.has_body = true;
	a->job.body_size = 16 * 1024 * 1024;
	a->upload_gate = &bed->came;
	session_perform(bed->session, &a->job);
	ask_wait(a);
	gate_shut(&bed->came);
}

START_TEST(answer_before_the_end_of_an_upload)
{
	struct bed bed;
	struct ask a;

	make(&bed);
	upload_to(&bed, &a, "/refuse");
	ask_assert_done(&a, 413, "large");
	ck_assert_str_eq(fields_get(&a.fields, "X-Why"), "size");
	ask_release(&a);
	upload_to(&bed, &a, "/refuse-in-part");
	ask_assert_outcome(&a, JOB_CUT);
	ck_assert_uint_eq(a.status, 413);
	ask_release(&a);
	upload_to(&bed, &a, "/break");
	ask_assert_outcome(&a, JOB_NO_ANSWER);
	ck_assert(a.result.maybe_sent);
	ask_release(&a);
	clear(&bed);
}
END_TEST

START_TEST(step_waits_no_longer_than_told)
{
	struct bed bed;

	make(&bed);
	session_step(bed.session, 0);
	session_step(bed.session, 1);
	session_interrupt(bed.session);
	session_interrupt(bed.session);
	session_step(bed.session, -1); /* ends because of the interrupt */
	clear(&bed);
}
END_TEST

START_TEST(cancel_ends_all_and_whatever_is_started_later)
{
	struct ask asks[10], late;
	struct bed bed;

	make(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		ask_init(&asks[i], "GET", "/wait");
		session_start(bed.session, &asks[i].job);
	}
	session_cancel(bed.session);
	run_all(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		ask_assert_outcome(&asks[i], JOB_CANCELLED);
		ask_release(&asks[i]);
	}
	ask_init(&late, "GET", "/hello");
	session_start(bed.session, &late.job);
	ask_assert_outcome(&late, JOB_CANCELLED);
	ck_assert(!late.result.maybe_sent);
	ask_release(&late);
	gate_open(&bed.go);
	clear(&bed);
}
END_TEST

/* Of many that were poked at once some end before they are looked at. */
START_TEST(poked_and_ended_in_one_step)
{
	struct ask asks[20];
	struct bed bed;

	make(&bed);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
			ask_init(&asks[i], "GET", "/hello");
			session_start(bed.session, &asks[i].job);
		}
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
			if (i % 3 == 0)
				job_cancel(&asks[i].job);
			job_wake(&asks[i].job);
		}
		if (round % 2)
			session_step(bed.session, -1);
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
			job_cancel(&asks[i].job);
		run_all(&bed);
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
			ask_wait(&asks[i]);
			ask_release(&asks[i]);
		}
	}
	clear(&bed);
}
END_TEST

static void drain_event(void *arg)
{
	eventfd_t count;

	ck_assert_int_eq(eventfd_read(*(int *)arg, &count), 0);
	*(int *)arg = -1;
}

START_TEST(watches_a_descriptor_besides)
{
	int fd = eventfd(0, EFD_CLOEXEC), seen = fd;
	struct ask a;
	struct bed bed;

	make(&bed);
	session_watch(bed.session, fd, drain_event, &seen);
	session_watch(bed.session, fd, drain_event, &seen);
	ask_init(&a, "GET", "/hello");
	session_perform(bed.session, &a.job);
	ask_assert_done(&a, 200, "hello");
	ask_release(&a);
	ck_assert_int_eq(seen, fd);
	ck_assert_int_eq(eventfd_write(fd, 1), 0);
	while (seen >= 0)
		session_step(bed.session, -1);
	session_watch(bed.session, -1, NULL, NULL);
	ck_assert_int_eq(eventfd_write(fd, 1), 0);
	session_step(bed.session, 0);
	close(fd);
	clear(&bed);
}
END_TEST

/* A field or target of any length goes out whole; one that cannot be sent refuses its own job only. */
START_TEST(goes_on_after_a_job_that_fails)
{
	struct origin nowhere;
	struct session_settings settings = {.origin = &nowhere, .verify = true, .connections = 1};
	struct session *session;
	struct ask a;

	ck_assert_int_eq(origin_init(&nowhere, "http://127.0.0.1:1", NULL), 0);
	session = session_new(&settings, NULL);
	for (int i = 0; i < 3; i++) {
		ask_init(&a, "GET", "/");
		session_perform(session, &a.job);
		ask_assert_outcome(&a, JOB_NOT_SENT);
		ask_release(&a);
	}
	session_free(session);
	origin_release(&nowhere);
}
END_TEST

/* What Redmine gets of a request: its head, then its body. */
static void get_as_sent(struct bed *bed, struct ask *a, struct buf *ret)
{
	session_perform(bed->session, &a->job);
	ask_wait(a);
	ask_assert_outcome(a, JOB_DONE);
	buf_clear(ret);
	ck_assert_int_eq(buf_add(ret, buf_text(&a->body), a->body.size), 0);
	ask_release(a);
}

/* Handles are used again as they are set up: nothing of one request may be in another, whatever kind went before. */
START_TEST(nothing_of_one_request_is_in_the_next)
{
	static const struct route route = {.verify = ROUTE_VERIFY_NO, .proxy = ""};
	CLEANUP(buf_release) struct buf first = BUF_INIT(4096), other = BUF_INIT(4096);
	struct bed bed;
	struct ask a;

	make(&bed);
	for (int before = 0; before < 6; before++) {
		if (before > 0) {
			ask_init(&a, before == 3 ? "HEAD" : before == 2 ? "POST" : "GET", "/elsewhere?secret=1");
			ask_add_field(&a, "X-Own", "secret");
			if (before == 2)
				ask_set_body(&a, "secret", 6, false);
			if (before == 4)
				a.job.route = &route;
			if (before == 5)
				a.body_result = -EIO; /* which ends it half-way */
			session_perform(bed.session, &a.job);
			ask_wait(&a);
			ask_assert_outcome(&a, before == 5 ? JOB_CUT : JOB_DONE);
			ask_release(&a);
		}
		ask_init(&a, "GET", "/echo");
		ask_add_field(&a, "X-Field", "1");
		get_as_sent(&bed, &a, before > 0 ? &other : &first);
		if (before > 0)
			ck_assert_str_eq(buf_text(&other), buf_text(&first));
	}
	ck_assert_uint_eq(http_origin_count_of(bed.http, "HEAD", "/elsewhere?secret=1"), 1);
	ck_assert_uint_eq(http_origin_count_of(bed.http, "POST", "/elsewhere?secret=1"), 1);
	ck_assert_uint_eq(http_origin_count_of(bed.http, "GET", "/elsewhere?secret=1"), 3);
	ck_assert_ptr_nonnull(strstr(buf_text(&first), "X-Field: 1\r\n"));
	ck_assert_ptr_null(strstr(buf_text(&first), "secret"));
	clear(&bed);
}
END_TEST

START_TEST(free_takes_null)
{
	session_free(NULL);
}
END_TEST

UNIT_MAIN("session", runs_many_at_once, answer_before_the_end_of_an_upload, step_waits_no_longer_than_told,
        cancel_ends_all_and_whatever_is_started_later, poked_and_ended_in_one_step, watches_a_descriptor_besides,
        goes_on_after_a_job_that_fails, nothing_of_one_request_is_in_the_next, free_takes_null)
