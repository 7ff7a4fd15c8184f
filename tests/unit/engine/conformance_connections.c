/* Connections are kept for reads, never used twice for writes, and nothing grows. */
#include "conformance.h"

#include <string.h>

#define JOBS_OF_THE_LONG_RUN 10000

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, "200 OK", "hello");
}

/* The first request of a connection is answered; a later one is read and the connection reset. */
static void act_answer_once(struct http_visit *v)
{
	http_read_body(v);
	if (v->seen->number == 1)
		http_answer(v, "200 OK", "first");
	else
		http_reset(v);
}

static void act_answer_and_close(struct http_visit *v)
{
	http_answer(v, "200 OK", "hello"); /* without saying so before */
	http_close(v);
}

static const struct http_route routes[] = {
        {NULL, "/hello", act_hello},
        {NULL, "/once", act_answer_once},
        {NULL, "/close", act_answer_and_close},
};

struct crowd {
	struct gate came, go;
};

static void act_crowd(struct http_visit *v)
{
	struct crowd *crowd = v->arg;

	gate_open(&crowd->came);
	gate_wait(&crowd->go);
	http_answer(v, "200 OK", "crowd");
}

static const struct http_route crowd_routes[] = {{NULL, "/", act_crowd}};

static void make(struct bed *bed, int index, int workers)
{
	bed_make(bed, index, routes, ARRAY_SIZE(routes), NULL, &(struct bed_options){.workers = workers});
}

static void ask_one(struct bed *bed, const char *method, const char *path, const char *body)
{
	struct ask a;

	ask_init(&a, method, path);
	if (strcmp(method, "POST") == 0)
		ask_set_body(&a, "x", 1, false);
	bed_ask(bed, &a);
	ask_assert_done(&a, 200, body);
	ask_release(&a);
}

START_TEST(reads_share_a_connection)
{
	struct bed bed;

	make(&bed, _i, 1);
	for (int i = 0; i < 50; i++)
		ask_one(&bed, "GET", "/hello", "hello");
	ck_assert_uint_eq(http_origin_connection_count(bed.http), 1);
	bed_clear(&bed);
}
END_TEST

START_TEST(each_write_has_a_new_connection)
{
	struct bed bed;
	struct http_seen seen;

	make(&bed, _i, 1);
	ask_one(&bed, "GET", "/hello", "hello");
	for (int i = 0; i < 5; i++) {
		ask_one(&bed, "POST", "/hello", "hello");
		http_origin_seen(bed.http, http_origin_request_count(bed.http) - 1, &seen);
		ck_assert_uint_eq(seen.number, 1);
		http_seen_release(&seen);
	}
	ask_one(&bed, "GET", "/hello", "hello");
	ck_assert_uint_eq(http_origin_connection_count(bed.http), 6);
	bed_clear(&bed);
}
END_TEST

/* Redmine closes a kept connection at the moment at which it is used: the read is asked again, on a new one. */
START_TEST(read_on_a_dead_connection)
{
	struct bed bed;

	make(&bed, _i, 1);
	ask_one(&bed, "GET", "/once", "first");
	ask_one(&bed, "GET", "/once", "first");
	ck_assert_uint_eq(http_origin_count_of(bed.http, "GET", "/once"), 3);
	ck_assert_uint_eq(http_origin_connection_count(bed.http), 2);
	bed_clear(&bed);
}
END_TEST

START_TEST(write_is_never_sent_twice)
{
	struct bed bed;

	make(&bed, _i, 1);
	for (int i = 0; i < 3; i++) {
		ask_one(&bed, "GET", "/once", "first");
		ask_one(&bed, "POST", "/once", "first");
	}
	ck_assert_uint_eq(http_origin_count_of(bed.http, "POST", "/once"), 3);
	bed_clear(&bed);
}
END_TEST

START_TEST(connections_that_redmine_closed)
{
	struct bed bed;

	make(&bed, _i, 1);
	for (int i = 0; i < 20; i++) {
		ask_one(&bed, "GET", "/close", "hello");
		ask_one(&bed, "GET", "/hello", "hello");
		http_origin_hang_up(bed.http);
		ask_one(&bed, "POST", "/hello", "hello");
		UNTIL(http_origin_open_count(bed.http) <= 1);
	}
	bed_clear(&bed);
}
END_TEST

START_TEST(stopping_closes_all)
{
	struct bed bed;

	make(&bed, _i, 0);
	for (int i = 0; i < 20; i++)
		ask_one(&bed, i % 2 ? "POST" : "GET", "/hello", "hello");
	UNTIL(http_origin_open_count(bed.http) <= (unsigned)bed.kind->workers * 4);
	engine_stop(bed.engine, true);
	bed.stopped = true;
	UNTIL(http_origin_open_count(bed.http) == 0);
	bed_clear(&bed);
}
END_TEST

/* In bulks, so that the queue and every worker have their share. */
static void run_many(struct bed *bed, unsigned count)
{
	struct ask asks[100];
	struct job *jobs[ARRAY_SIZE(asks)];

	for (unsigned at = 0; at < count; at += ARRAY_SIZE(asks)) {
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
			bool write = i % 50 == 49;

			ask_init(&asks[i], write ? "POST" : "GET", i % 25 == 24 ? "/nothing" : "/hello");
			if (write)
				ask_set_body(&asks[i], "0123456789", 10, i / 50 % 2);
			ask_add_field(&asks[i], "X-Redmine-API-Key", "0123456789");
			jobs[i] = &asks[i].job;
		}
		engine_submit_bulk(bed->engine, jobs, ARRAY_SIZE(asks));
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
			ask_assert_outcome(&asks[i], JOB_DONE);
			ask_release(&asks[i]);
		}
	}
}

START_TEST(nothing_grows)
{
	struct bed bed;
	size_t memory, descriptors, threads;

	make(&bed, _i, 0);
	http_origin_record(bed.http, false);
	run_many(&bed, 2000); /* spare handles, buffers and connections are there after this */
	memory = usage_memory();
	descriptors = usage_descriptors();
	threads = usage_threads();
	run_many(&bed, JOBS_OF_THE_LONG_RUN);
	ck_assert_uint_le(usage_descriptors(), descriptors + 16);
	ck_assert_uint_le(usage_threads(), threads + 16);
	ck_assert_msg(usage_memory() < memory + 1024 * 1024, "%zu bytes more", usage_memory() - memory);
	bed_clear(&bed);
}
END_TEST

/* All at a time: the origin answers nobody before everybody is there. */
START_TEST(all_at_a_time)
{
	struct crowd crowd = {.came = GATE_INIT, .go = GATE_INIT};
	struct ask *asks = NULL;
	struct engine_figures figures;
	struct bed bed;
	int count = engine_kinds[_i].crowd > 0 ? engine_kinds[_i].crowd : engine_kinds[_i].workers;

	bed_make(&bed, _i, crowd_routes, ARRAY_SIZE(crowd_routes), &crowd, &(struct bed_options){.workers = count});
	http_origin_record(bed.http, false);
	asks = calloc((size_t)count, sizeof(*asks));
	for (int i = 0; i < count; i++) {
		ask_init(&asks[i], "GET", "/");
		engine_submit(bed.engine, &asks[i].job);
	}
	gate_wait_times(&crowd.came, (unsigned)count);
	engine_get_figures(bed.engine, &figures);
	ck_assert_int_eq(figures.busy, count);
	ck_assert_uint_eq(http_origin_connection_count(bed.http), (size_t)count);
	gate_open(&crowd.go);
	for (int i = 0; i < count; i++) {
		ask_assert_done(&asks[i], 200, "crowd");
		ask_release(&asks[i]);
	}
	free(asks);
	bed_clear(&bed);
}
END_TEST

void add_connections(add_test *add)
{
	add(reads_share_a_connection);
	add(each_write_has_a_new_connection);
	add(read_on_a_dead_connection);
	add(write_is_never_sent_twice);
	add(connections_that_redmine_closed);
	add(stopping_closes_all);
	add(nothing_grows);
	add(all_at_a_time);
}
