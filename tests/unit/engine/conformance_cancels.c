/* Every job that is cancelled, or with which the engine stops, ends in exactly one done(). */
#include "conformance_acts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 64

START_TEST(cancel_while_queued)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask running[MANY], a;

	acts_make(&bed, _i, &gates, NULL);
	acts_occupy(&bed, &gates, running, (size_t)bed.kind->workers);
	ask_init(&a, "POST", "/hello");
	engine_submit(bed.engine, &a.job);
	job_cancel(&a.job);
	job_cancel(&a.job);
	gate_open(&gates.go);
	ask_assert_outcome(&a, JOB_CANCELLED);
	ck_assert(!a.result.maybe_sent);
	ck_assert_uint_eq(http_origin_count_of(bed.http, "POST", "/hello"), 0);
	ask_release(&a);
	for (int i = 0; i < bed.kind->workers; i++) {
		ask_wait(&running[i]);
		ask_release(&running[i]);
	}
	bed_clear(&bed);
}
END_TEST

/* A listener whose backlog is full: the kernel drops what wants to connect, so that connecting lasts. */
static int full_listener(char *url, size_t room, int *filling, size_t count)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	for (size_t i = 0; i < count; i++) {
		filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(filling[i], (struct sockaddr *)&name, sizeof(name)) == 0)
			continue; /* loopback connects at once while there is room */
	}
	snprintf(url, room, "http://127.0.0.1:%d", ntohs(name.sin_port));
	return fd;
}

START_TEST(cancel_and_time_limit_while_connecting)
{
	struct bed bed;
	struct ask a, b;
	char url[64];
	int filling[8];
	int fd = full_listener(url, sizeof(url), filling, ARRAY_SIZE(filling));
	struct engine_figures figures;

	acts_make(&bed, _i, NULL, &(struct bed_options){.url = url});
	ask_init(&a, "GET", "/hello");
	engine_submit(bed.engine, &a.job);
	UNTIL((engine_get_figures(bed.engine, &figures), figures.busy == 1));
	job_cancel(&a.job);
	ask_assert_outcome(&a, JOB_CANCELLED);
	ck_assert(!a.result.maybe_sent);
	ask_release(&a);
	ask_init(&b, "POST", "/hello");
	b.job.connect_timeout_ms = 50;
	bed_ask(&bed, &b);
	ask_assert_outcome(&b, JOB_TIMEOUT);
	ck_assert(!b.result.maybe_sent);
	ask_release(&b);
	bed_clear(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(filling); i++)
		close(filling[i]);
	close(fd);
}
END_TEST

static void cancel_at(struct bed *bed, struct gates *gates, const char *path, int heads)
{
	struct ask a;

	gate_shut(&gates->came);
	ask_init(&a, "GET", path);
	engine_submit(bed->engine, &a.job);
	gate_wait(&gates->came);
	if (heads > 0)
		gate_wait(&a.headed);
	job_cancel(&a.job);
	ask_assert_outcome(&a, JOB_CANCELLED);
	ck_assert_int_eq(atomic_load(&a.heads), heads);
	ck_assert(a.result.maybe_sent);
	ask_release(&a);
}

START_TEST(cancel_under_way)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;

	acts_make(&bed, _i, &gates, NULL);
	cancel_at(&bed, &gates, "/wait", 0);
	cancel_at(&bed, &gates, "/half-head", 0);
	cancel_at(&bed, &gates, "/half-body", 1);
	gate_open(&gates.go);
	bed_clear(&bed);
}
END_TEST

START_TEST(cancel_while_held)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask down, up;

	acts_make(&bed, _i, &gates, NULL);
	ask_init(&down, "GET", "/hello");
	down.body_credit_step = 1;
	engine_submit(bed.engine, &down.job);
	UNTIL(atomic_load(&down.body_held));
	job_cancel(&down.job);
	ask_assert_outcome(&down, JOB_CANCELLED);
	ask_release(&down);

	ask_init(&up, "POST", "/echo");
	ask_set_body(&up, "body", 4, false);
	up.upload_credit_step = 1;
	engine_submit(bed.engine, &up.job);
	UNTIL(atomic_load(&up.upload_held));
	job_cancel(&up.job);
	ask_assert_outcome(&up, JOB_CANCELLED);
	ask_release(&up);
	bed_clear(&bed);
}
END_TEST

/* Cancelled and woken from other threads at whatever moment. */
static void *pester(void *arg)
{
	struct ask *a = arg;

	for (int i = 0; i < 20; i++)
		job_wake(&a->job);
	job_cancel(&a->job);
	job_wake(&a->job);
	return NULL;
}

START_TEST(cancel_at_any_moment)
{
	struct bed bed;

	acts_make(&bed, _i, NULL, NULL);
	for (int round = 0; round < 200; round++) {
		struct ask a;
		pthread_t thread;

		ask_init(&a, "GET", "/hello");
		if (round % 2)
			engine_submit(bed.engine, &a.job);
		ck_assert_int_eq(pthread_create(&thread, NULL, pester, &a), 0);
		if (round % 2 == 0)
			engine_submit(bed.engine, &a.job);
		ask_wait(&a);
		pthread_join(thread, NULL);
		ck_assert(a.result.outcome == JOB_DONE || a.result.outcome == JOB_CANCELLED);
		job_wake(&a.job);
		job_cancel(&a.job); /* after its end: nothing */
		ck_assert_int_eq(atomic_load(&a.dones), 1);
		ask_release(&a);
	}
	bed_clear(&bed);
}
END_TEST

START_TEST(shutdown_with_drain)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask running[MANY], waiting[3], late;

	acts_make(&bed, _i, &gates, NULL);
	acts_occupy(&bed, &gates, running, (size_t)bed.kind->workers);
	for (size_t i = 0; i < 3; i++) {
		ask_init(&waiting[i], "GET", "/hello");
		engine_submit(bed.engine, &waiting[i].job);
	}
	engine_close(bed.engine);
	ask_init(&late, "GET", "/hello");
	engine_submit(bed.engine, &late.job);
	ask_assert_outcome(&late, JOB_REFUSED);
	gate_open(&gates.go);
	engine_stop(bed.engine, true);
	bed.stopped = true;
	for (int i = 0; i < bed.kind->workers; i++) {
		ask_assert_done(&running[i], 200, "late");
		ask_release(&running[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		ask_wait(&waiting[i]);
		ck_assert(waiting[i].result.outcome == JOB_DONE || waiting[i].result.outcome == JOB_REFUSED);
		ask_release(&waiting[i]);
	}
	ask_release(&late);
	bed_clear(&bed);
}
END_TEST

START_TEST(shutdown_without_drain)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask running[MANY], waiting[3];

	acts_make(&bed, _i, &gates, NULL);
	acts_occupy(&bed, &gates, running, (size_t)bed.kind->workers);
	for (size_t i = 0; i < 3; i++) {
		ask_init(&waiting[i], "POST", "/hello");
		engine_submit(bed.engine, &waiting[i].job);
	}
	engine_stop(bed.engine, false);
	bed.stopped = true;
	for (int i = 0; i < bed.kind->workers; i++) {
		ck_assert_int_eq(atomic_load(&running[i].dones), 1); /* before it returns */
		ask_assert_outcome(&running[i], JOB_CANCELLED);
		ck_assert(running[i].result.maybe_sent);
		ask_release(&running[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(atomic_load(&waiting[i].dones), 1);
		ask_wait(&waiting[i]);
		ck_assert(waiting[i].result.outcome == JOB_REFUSED || waiting[i].result.outcome == JOB_CANCELLED);
		ck_assert(!waiting[i].result.maybe_sent);
		ask_release(&waiting[i]);
	}
	ck_assert_uint_eq(http_origin_count_of(bed.http, "POST", "/hello"), 0);
	gate_open(&gates.go);
	bed_clear(&bed);
}
END_TEST

/* The engine stops while others still submit. */
START_TEST(shutdown_under_fire)
{
	struct submitter *submitters = calloc(4, sizeof(*submitters));
	struct bed bed;

	acts_make(&bed, _i, NULL, NULL);
	for (size_t i = 0; i < 4; i++)
		submitter_start(&submitters[i], &bed);
	gate_wait(&submitters[0].asks[0].done);
	engine_stop(bed.engine, false);
	bed.stopped = true;
	for (size_t i = 0; i < 4; i++)
		submitter_end(&submitters[i], -1);
	free(submitters);
	bed_clear(&bed);
}
END_TEST

void add_cancels(add_test *add)
{
	add(cancel_while_queued);
	add(cancel_and_time_limit_while_connecting);
	add(cancel_under_way);
	add(cancel_while_held);
	add(cancel_at_any_moment);
	add(shutdown_with_drain);
	add(shutdown_without_drain);
	add(shutdown_under_fire);
}
