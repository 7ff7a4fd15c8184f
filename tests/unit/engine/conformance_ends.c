/* Every job that is submitted ends in exactly one done(), whatever happens. */
#include "conformance.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 64

struct gates {
	struct gate came, go;
};

static void act_hello(struct http_visit *v)
{
	http_answer(v, "200 OK", "hello");
}

/* Says that the request came, answers when it may. */
static void act_wait(struct http_visit *v)
{
	struct gates *gates = v->arg;

	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_answer(v, "200 OK", "late");
}

static void act_half_head(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Le");
	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_close(v);
}

static void act_half_body(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_close(v);
}

static void act_reset(struct http_visit *v)
{
	http_reset(v);
}

static void act_close(struct http_visit *v)
{
	http_close(v);
}

static void act_reset_in_head(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Le");
	http_close(v);
}

static void act_truncate(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	http_close(v);
}

static void act_reset_in_body(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	gate_wait(&gates->go);
	http_reset(v);
}

static void act_truncate_chunks(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n5\r\nfu");
	http_close(v);
}

static void act_no_last_chunk(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n");
	http_close(v);
}

static void act_not_http(struct http_visit *v)
{
	http_send_text(v, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
	http_close(v);
}

static void act_only_interim(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 100 Continue\r\n\r\n");
	http_close(v);
}

static const struct http_route routes[] = {
        {NULL, "/hello", act_hello},
        {NULL, "/wait", act_wait},
        {NULL, "/half-head", act_half_head},
        {NULL, "/half-body", act_half_body},
        {NULL, "/reset", act_reset},
        {NULL, "/close", act_close},
        {NULL, "/reset-in-head", act_reset_in_head},
        {NULL, "/truncate", act_truncate},
        {NULL, "/reset-in-body", act_reset_in_body},
        {NULL, "/truncate-chunks", act_truncate_chunks},
        {NULL, "/no-last-chunk", act_no_last_chunk},
        {NULL, "/not-http", act_not_http},
        {NULL, "/only-interim", act_only_interim},
        {NULL, "/echo", http_echo},
};

static void make(struct bed *bed, int index, struct gates *gates, const struct bed_options *options)
{
	bed_make(bed, index, routes, ARRAY_SIZE(routes), gates, options);
}

/* Runs workers' worth of jobs that wait at the origin, so that what follows has to queue. One by one: the queue may be short. */
static void occupy(struct bed *bed, struct gates *gates, struct ask *asks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ask_init(&asks[i], "GET", "/wait");
		engine_submit(bed->engine, &asks[i].job);
		gate_wait_times(&gates->came, (unsigned)i + 1);
	}
}

START_TEST(success)
{
	struct bed bed;
	struct ask a;

	make(&bed, _i, NULL, NULL);
	ask_init(&a, "GET", "/hello");
	bed_ask(&bed, &a);
	ask_assert_done(&a, 200, "hello");
	ck_assert_str_eq(a.reason, "OK");
	ck_assert(a.framed);
	ck_assert(a.result.maybe_sent);
	ck_assert_int_ge(a.result.upstream_us, 0);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(refuses_what_the_queue_has_no_room_for)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask running[MANY], waiting[3], refused[2];
	struct job *both[] = {&refused[0].job, &refused[1].job};
	struct engine_figures figures;
	size_t workers;

	make(&bed, _i, &gates, &(struct bed_options){.queue = 3});
	workers = (size_t)bed.kind->workers;
	occupy(&bed, &gates, running, workers);
	for (size_t i = 0; i < 3; i++) {
		ask_init(&waiting[i], "GET", "/hello");
		engine_submit(bed.engine, &waiting[i].job);
	}
	ask_init(&refused[0], "GET", "/hello");
	ask_init(&refused[1], "POST", "/hello");
	engine_submit_bulk(bed.engine, both, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(atomic_load(&refused[i].dones), 1); /* at once */
		ask_assert_outcome(&refused[i], JOB_REFUSED);
		ck_assert(!refused[i].result.maybe_sent);
		ck_assert_str_eq(refused[i].result.text, "the queue is full");
		ask_release(&refused[i]);
	}
	engine_get_figures(bed.engine, &figures);
	ck_assert_int_eq(figures.queued, 3);
	ck_assert_int_eq(figures.queue_limit, 3);
	ck_assert_int_eq(figures.busy, (int)workers);
	ck_assert_uint_eq(figures.refused, 2);
	gate_open(&gates.go);
	for (size_t i = 0; i < workers; i++) {
		ask_assert_done(&running[i], 200, "late");
		ask_release(&running[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		ask_assert_done(&waiting[i], 200, "hello");
		ask_release(&waiting[i]);
	}
	UNTIL((engine_get_figures(bed.engine, &figures), figures.done == workers + 3));
	bed_clear(&bed);
}
END_TEST

static void ends_in_time(struct bed *bed, const char *path, enum job_outcome outcome)
{
	struct ask a;

	ask_init(&a, "GET", path);
	a.job.timeout_ms = 100;
	bed_ask(bed, &a);
	ask_assert_outcome(&a, outcome);
	ck_assert(a.result.maybe_sent);
	ck_assert_msg(strstr(a.result.text, "100 ms"), "%s", a.result.text);
	ask_release(&a);
}

START_TEST(time_limit)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;

	make(&bed, _i, &gates, NULL);
	ends_in_time(&bed, "/wait", JOB_TIMEOUT);
	ends_in_time(&bed, "/half-head", JOB_TIMEOUT);
	ends_in_time(&bed, "/half-body", JOB_CUT);
	gate_open(&gates.go);
	bed_clear(&bed);
}
END_TEST

START_TEST(cancel_while_queued)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask running[MANY], a;

	make(&bed, _i, &gates, NULL);
	occupy(&bed, &gates, running, (size_t)bed.kind->workers);
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

	make(&bed, _i, NULL, &(struct bed_options){.url = url});
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

	make(&bed, _i, &gates, NULL);
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

	make(&bed, _i, &gates, NULL);
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

	make(&bed, _i, NULL, NULL);
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

	make(&bed, _i, &gates, NULL);
	occupy(&bed, &gates, running, (size_t)bed.kind->workers);
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

	make(&bed, _i, &gates, NULL);
	occupy(&bed, &gates, running, (size_t)bed.kind->workers);
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

struct submitter {
	struct bed *bed;
	struct ask asks[50];
	pthread_t thread;
};

static void *submit_all(void *arg)
{
	struct submitter *s = arg;

	for (size_t i = 0; i < ARRAY_SIZE(s->asks); i++)
		engine_submit(s->bed->engine, &s->asks[i].job);
	return NULL;
}

/* The engine stops while others still submit. */
START_TEST(shutdown_under_fire)
{
	struct bed bed;
	struct submitter *submitters = calloc(4, sizeof(*submitters));

	make(&bed, _i, NULL, NULL);
	for (size_t i = 0; i < 4; i++) {
		submitters[i].bed = &bed;
		for (size_t j = 0; j < ARRAY_SIZE(submitters[i].asks); j++)
			ask_init(&submitters[i].asks[j], "GET", "/hello");
		ck_assert_int_eq(pthread_create(&submitters[i].thread, NULL, submit_all, &submitters[i]), 0);
	}
	gate_wait(&submitters[0].asks[0].done);
	engine_stop(bed.engine, false);
	bed.stopped = true;
	for (size_t i = 0; i < 4; i++) {
		pthread_join(submitters[i].thread, NULL);
		for (size_t j = 0; j < ARRAY_SIZE(submitters[i].asks); j++) {
			ask_wait(&submitters[i].asks[j]);
			ask_release(&submitters[i].asks[j]);
		}
	}
	free(submitters);
	bed_clear(&bed);
}
END_TEST

START_TEST(connection_refused)
{
	struct bed bed;
	struct ask a;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, not listening: nobody else gets the port */
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(name.sin_port));
	make(&bed, _i, NULL, &(struct bed_options){.url = url});
	ask_init(&a, "POST", "/hello");
	ask_set_body(&a, "body", 4, false);
	bed_ask(&bed, &a);
	ask_assert_outcome(&a, JOB_NOT_SENT);
	ck_assert(!a.result.maybe_sent);
	ck_assert_str_ne(a.result.text, "");
	ask_release(&a);
	bed_clear(&bed);
	close(fd);
}
END_TEST

static void breaks(struct bed *bed, const char *path, enum job_outcome outcome)
{
	static const char *const methods[] = {"GET", "POST"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct ask a;

		ask_init(&a, methods[i], path);
		engine_submit(bed->engine, &a.job);
		ask_assert_outcome(&a, outcome);
		ck_assert(a.result.maybe_sent);
		ck_assert_int_eq(atomic_load(&a.heads), outcome == JOB_CUT);
		ck_assert_str_ne(a.result.text, "");
		ck_assert_uint_eq(http_origin_count_of(bed->http, methods[i], path), 1);
		ask_release(&a);
	}
}

START_TEST(broken_answers)
{
	struct bed bed;

	make(&bed, _i, NULL, NULL);
	breaks(&bed, "/reset", JOB_NO_ANSWER);
	breaks(&bed, "/close", JOB_NO_ANSWER);
	breaks(&bed, "/reset-in-head", JOB_NO_ANSWER);
	breaks(&bed, "/not-http", JOB_NO_ANSWER);
	breaks(&bed, "/only-interim", JOB_NO_ANSWER);
	breaks(&bed, "/truncate", JOB_CUT);
	breaks(&bed, "/truncate-chunks", JOB_CUT);
	breaks(&bed, "/no-last-chunk", JOB_CUT);
	bed_clear(&bed);
}
END_TEST

START_TEST(reset_in_body)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask a;

	make(&bed, _i, &gates, NULL);
	ask_init(&a, "GET", "/reset-in-body");
	engine_submit(bed.engine, &a.job);
	gate_wait(&a.headed);
	gate_open(&gates.go);
	ask_assert_outcome(&a, JOB_CUT);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(gives_up_when_told)
{
	struct bed bed;
	struct ask head, body, upload;

	make(&bed, _i, NULL, NULL);
	ask_init(&head, "GET", "/hello");
	head.head_result = -ENOMEM;
	bed_ask(&bed, &head);
	ask_assert_outcome(&head, JOB_CUT);
	ck_assert_str_eq(head.result.text, "given up on this side");
	ck_assert_uint_eq(head.body.size, 0);
	ask_release(&head);

	ask_init(&body, "GET", "/hello");
	body.body_result = -EPIPE;
	bed_ask(&bed, &body);
	ask_assert_outcome(&body, JOB_CUT);
	ck_assert_str_eq(body.result.text, "given up on this side");
	ask_release(&body);

	ask_init(&upload, "POST", "/echo");
	ask_set_body(&upload, "body", 4, false);
	upload.upload_result = -ECONNRESET;
	bed_ask(&bed, &upload);
	ask_assert_outcome(&upload, JOB_CANCELLED);
	ck_assert_str_eq(upload.result.text, "given up on this side");
	ask_release(&upload);
	bed_clear(&bed);
}
END_TEST

START_TEST(bulk_keeps_its_order)
{
	struct bed bed;
	struct ask *asks = calloc(MANY, sizeof(*asks));
	struct job *jobs[MANY];
	char targets[MANY][32];
	atomic_uint next = 0;

	make(&bed, _i, NULL, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(targets[i], sizeof(targets[i]), "/echo?%u", i);
		ask_init(&asks[i], "GET", targets[i]);
		asks[i].order_next = &next;
		jobs[i] = &asks[i].job;
	}
	engine_submit_bulk(bed.engine, jobs, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		char line[64];

		snprintf(line, sizeof(line), "GET /echo?%u HTTP/1.1\r\n", i);
		ask_assert_outcome(&asks[i], JOB_DONE);
		ck_assert_msg(strncmp(buf_text(&asks[i].body), line, strlen(line)) == 0, "%s", buf_text(&asks[i].body));
		if (bed.kind->single)
			ck_assert_uint_eq(asks[i].order, i);
		ask_release(&asks[i]);
	}
	free(asks);
	bed_clear(&bed);
}
END_TEST

START_TEST(many_submitters)
{
	struct bed bed;
	struct submitter *submitters = calloc(8, sizeof(*submitters));

	make(&bed, _i, NULL, NULL);
	for (size_t i = 0; i < 8; i++) {
		submitters[i].bed = &bed;
		for (size_t j = 0; j < ARRAY_SIZE(submitters[i].asks); j++)
			ask_init(&submitters[i].asks[j], "GET", "/hello");
		ck_assert_int_eq(pthread_create(&submitters[i].thread, NULL, submit_all, &submitters[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(submitters[i].thread, NULL);
		for (size_t j = 0; j < ARRAY_SIZE(submitters[i].asks); j++) {
			ask_assert_done(&submitters[i].asks[j], 200, "hello");
			ask_release(&submitters[i].asks[j]);
		}
	}
	free(submitters);
	bed_clear(&bed);
}
END_TEST

void add_ends(add_test *add)
{
	add(success);
	add(refuses_what_the_queue_has_no_room_for);
	add(time_limit);
	add(cancel_while_queued);
	add(cancel_and_time_limit_while_connecting);
	add(cancel_under_way);
	add(cancel_while_held);
	add(cancel_at_any_moment);
	add(shutdown_with_drain);
	add(shutdown_without_drain);
	add(shutdown_under_fire);
	add(connection_refused);
	add(broken_answers);
	add(reset_in_body);
	add(gives_up_when_told);
	add(bulk_keeps_its_order);
	add(many_submitters);
}
