#include "upstream/job.h"

#include "../unit.h"

#include "../support/ask.h"

#include <string.h>

/* Stands for whoever works on a job: counts how often it is to look again. */
struct worker {
	atomic_int pokes;
	bool gone;
};

static void poke(struct job *job)
{
	struct worker *worker = job->worker;

	ck_assert(!worker->gone);
	atomic_fetch_add(&worker->pokes, 1);
}

static void attach(struct job *job, struct worker *worker)
{
	pthread_mutex_lock(&job->lock);
	job->worker = worker;
	job->poke = worker ? poke : NULL;
	pthread_mutex_unlock(&job->lock);
}

START_TEST(wake_and_cancel_reach_whoever_works_on_it)
{
	struct worker worker = {0};
	struct ask a;

	ask_init(&a, "GET", "/");
	job_wake(&a.job); /* nobody yet */
	attach(&a.job, &worker);
	job_wake(&a.job);
	ck_assert_int_eq(worker.pokes, 1);
	ck_assert(!atomic_load(&a.job.cancelled));
	job_cancel(&a.job);
	ck_assert_int_eq(worker.pokes, 2);
	ck_assert(atomic_load(&a.job.cancelled));
	attach(&a.job, NULL);
	job_wake(&a.job);
	job_cancel(&a.job);
	ck_assert_int_eq(worker.pokes, 2);
	ask_release(&a);
}
END_TEST

START_TEST(end_tells_the_client_once)
{
	struct ask a;
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ask_init(&a, "GET", "/");
	job_end(&a.job, JOB_REFUSED, text);
	ask_assert_outcome(&a, JOB_REFUSED);
	ck_assert(!a.result.maybe_sent);
	ck_assert_uint_eq(strlen(a.result.text), sizeof(a.result.text) - 1);
	ask_release(&a);
}
END_TEST

static atomic_bool over;

static void *pester(void *arg)
{
	struct job *job = arg;

	while (!atomic_load(&over)) {
		job_wake(job);
		job_cancel(job);
	}
	return NULL;
}

/* After the worker took itself off, under the lock, it is not poked any more. */
START_TEST(nobody_is_poked_who_has_left)
{
	pthread_t threads[3];
	struct ask a;

	ask_init(&a, "GET", "/");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, pester, &a.job), 0);
	for (int round = 0; round < 2000; round++) {
		struct worker *worker = calloc(1, sizeof(*worker));

		attach(&a.job, worker);
		attach(&a.job, NULL);
		worker->gone = true;
		free(worker);
	}
	atomic_store(&over, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	ask_release(&a);
}
END_TEST

START_TEST(a_request_is_taken_over)
{
	static const struct route route = {.verify = ROUTE_VERIFY_NO};
	struct job copy;
	struct ask a;

	ask_init(&a, "PUT", "/x");
	ask_add_field(&a, "X-A", "1");
	ask_set_body(&a, "abc", 3, false);
	a.job.route = &route;
	a.job.share = 7;
	a.job.rank = JOB_BACKGROUND;
	job_init(&copy, NULL, NULL);
	job_take_request(&copy, &a.job);
	ck_assert_str_eq(copy.method, "PUT");
	ck_assert_str_eq(copy.target, "/x");
	ck_assert_str_eq(fields_get(&copy.fields, "X-A"), "1");
	ck_assert_uint_eq(a.job.fields.count, 0);
	ck_assert(copy.has_body);
	ck_assert_int_eq(copy.body_size, 3);
	ck_assert_int_eq(copy.timeout_ms, a.job.timeout_ms);
	ck_assert_ptr_eq(copy.route, &route);
	ck_assert_uint_eq(copy.share, 7);
	ck_assert_int_eq(copy.rank, JOB_BACKGROUND);
	job_release(&copy);
	ask_release(&a);
}
END_TEST

UNIT_MAIN("job", a_request_is_taken_over, wake_and_cancel_reach_whoever_works_on_it, end_tells_the_client_once,
        nobody_is_poked_who_has_left)
