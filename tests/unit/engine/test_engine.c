/* Making, naming and counting engines; what they do with jobs is in conformance.c. */
#include "engine/base.h"

#include "../unit.h"

#include "../support/ask.h"
#include "../support/usage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Nobody is there; nothing of these tests gets that far. */
static const struct origin origin = {.url = (char *)"http://127.0.0.1:1",
        .base = (char *)"http://127.0.0.1:1",
        .authority = (char *)"127.0.0.1:1",
        .path = (char *)""};

static struct engine *make(const char *name, int workers)
{
	struct engine_settings settings = {
	        .session = {.origin = &origin, .verify = true, .connections = 2}, .workers = workers, .queue = 5};
	struct fail fail = {0};
	struct engine *engine = engine_new(name, &settings, &fail);

	ck_assert_msg(engine != NULL, "%s", fail.text);
	return engine;
}

static const char *const names[] = {"sync", "thread", "process", "async"};

START_TEST(names_are_known)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct engine *engine;

		ck_assert(engine_known(names[i]));
		ck_assert_msg(strstr(engine_names(), names[i]), "%s", engine_names());
		engine = make(names[i], 1);
		ck_assert_str_eq(engine_name(engine), names[i]);
		engine_free(engine); /* never started */
	}
	ck_assert(!engine_known(""));
	ck_assert(!engine_known("Sync"));
	ck_assert(!engine_known("thread, process"));
	engine_free(NULL);
}
END_TEST

START_TEST(unknown_name)
{
	struct engine_settings settings = {.queue = 1};
	struct fail fail = {0};

	ck_assert_ptr_null(engine_new("turbo", &settings, &fail));
	ck_assert_int_eq(fail.code, -ENOENT);
	ck_assert_ptr_nonnull(strstr(fail.text, "\"turbo\""));
	ck_assert_ptr_nonnull(strstr(fail.text, engine_names()));
}
END_TEST

static int workers_of(const char *name, int workers)
{
	struct engine *engine = make(name, workers);
	struct engine_figures figures;

	engine_get_figures(engine, &figures);
	ck_assert_int_eq(figures.busy + figures.queued, 0);
	ck_assert_uint_eq(figures.done + figures.refused + figures.deaths, 0);
	ck_assert_int_eq(figures.queue_limit, 5);
	engine_free(engine);
	return figures.workers;
}

START_TEST(as_many_workers_as_asked_for)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long automatic = cores * 4 < 8 ? 8 : cores * 4 > 64 ? 64 : cores * 4;

	ck_assert_int_eq(workers_of("sync", 1), 1);
	ck_assert_int_eq(workers_of("sync", 16), 1); /* one at a time, whatever is asked for */
	ck_assert_int_eq(workers_of("sync", 0), 1);
	ck_assert_int_eq(workers_of("thread", 7), 7);
	ck_assert_int_eq(workers_of("thread", 100000), 1024);
	ck_assert_int_eq(workers_of("thread", 0), automatic);
	ck_assert_int_eq(workers_of("process", 3), 3);
	ck_assert_int_eq(workers_of("process", 0), automatic);
	ck_assert_int_eq(workers_of("async", 300), 300);
	ck_assert_int_ge(workers_of("async", 0), 8);
}
END_TEST

START_TEST(starting_and_stopping_leaves_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t descriptors = 0, threads = 0;

		for (int round = 0; round < 5; round++) {
			struct engine *engine = make(names[i], 3);
			struct fail fail = {0};

			ck_assert_msg(engine_start(engine, &fail) == 0, "%s: %s", names[i], fail.text);
			engine_stop(engine, round % 2);
			engine_stop(engine, false); /* once more does no harm */
			engine_free(engine);
			if (round == 0) { /* a sanitizer has a thread of its own from the first on */
				descriptors = usage_descriptors();
				threads = usage_threads();
			}
		}
		ck_assert_msg(usage_descriptors() == descriptors, "%s", names[i]);
		UNTIL(usage_threads() == threads);
	}
}
END_TEST

/* An engine may have base's verbs replaced: construct_request and request are called for each job, in this order. */
static atomic_int constructed, requested;

static void construct(struct engine *engine, struct job *job)
{
	ck_assert_int_eq(fields_set(&job->fields, "X-Constructed", "1"), 0);
	atomic_fetch_add(&constructed, 1);
}

static void answer_itself(struct engine *engine, struct session *session, struct job *job)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct job_head head = {.status = 203, .reason = "", .fields = &fields, .framed = true};
	struct job_result result = {.outcome = JOB_DONE};

	ck_assert_str_eq(fields_get(&job->fields, "X-Constructed"), "1");
	atomic_fetch_add(&requested, 1);
	job_tell_head(job, &head);
	job->client->body(job, "own", 3);
	job_tell_done(job, &result);
}

START_TEST(verbs_can_be_replaced)
{
	struct engine_ops ops = engine_thread;
	struct engine *engine = make("thread", 2);
	struct fail fail = {0};
	struct ask asks[10];

	ops.construct_request = construct;
	ops.request = answer_itself;
	engine->ops = &ops;
	ck_assert_int_eq(engine_start(engine, &fail), 0);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		ask_init(&asks[i], "GET", "/");
		engine_submit(engine, &asks[i].job);
		ask_assert_done(&asks[i], 203, "own");
		ask_release(&asks[i]);
	}
	ck_assert_int_eq(constructed, 10);
	ck_assert_int_eq(requested, 10);
	engine_stop(engine, true);
	engine_free(engine);
}
END_TEST

static struct session *no_session(struct engine *engine, struct fail *fail)
{
	fail_set(fail, -EMFILE, "no descriptors left");
	return NULL;
}

START_TEST(start_that_fails)
{
	struct engine_ops ops = engine_thread;
	struct engine *engine = make("thread", 2);
	struct fail fail = {0};
	struct ask a;

	ops.create_session = no_session;
	engine->ops = &ops;
	ck_assert_int_eq(engine_start(engine, &fail), -EMFILE);
	ck_assert_str_eq(fail.text, "no descriptors left");
	ask_init(&a, "GET", "/");
	engine_submit(engine, &a.job);
	ask_assert_outcome(&a, JOB_REFUSED);
	ask_release(&a);
	engine_free(engine);
}
END_TEST

UNIT_MAIN("engine", names_are_known, unknown_name, as_many_workers_as_asked_for, starting_and_stopping_leaves_nothing,
        verbs_can_be_replaced, start_that_fails)
