#include "engine/base.h"

#include "../unit.h"

#include "../support/ask.h"
#include "../support/wait.h"

#include <errno.h>

START_TEST(first_in_first_out)
{
	struct job_queue q;
	struct ask asks[3];
	bool over;

	job_queue_init(&q, 3);
	ck_assert_ptr_null(job_queue_try(&q, &over));
	ck_assert(!over);
	for (size_t i = 0; i < 3; i++) {
		ask_init(&asks[i], "GET", "/");
		ck_assert_int_eq(job_queue_put(&q, &asks[i].job), 0);
	}
	ck_assert_int_eq(q.size, 3);
	ck_assert_int_eq(job_queue_put(&q, &asks[0].job), -ENOBUFS);
	ck_assert_ptr_eq(job_queue_take(&q), &asks[0].job);
	ck_assert_ptr_eq(job_queue_try(&q, &over), &asks[1].job);
	ck_assert_int_eq(job_queue_put(&q, &asks[0].job), 0); /* there is room again */
	ck_assert_ptr_eq(job_queue_take(&q), &asks[2].job);
	ck_assert_ptr_eq(job_queue_take(&q), &asks[0].job);
	ck_assert_ptr_null(asks[0].job.next);
	job_queue_release(&q);
	for (size_t i = 0; i < 3; i++)
		ask_release(&asks[i]);
}
END_TEST

START_TEST(closed)
{
	struct job_queue q;
	struct ask a, late;
	bool over;

	job_queue_init(&q, 3);
	ask_init(&a, "GET", "/");
	ask_init(&late, "GET", "/");
	ck_assert_int_eq(job_queue_put(&q, &a.job), 0);
	job_queue_close(&q);
	job_queue_close(&q);
	ck_assert_int_eq(job_queue_put(&q, &late.job), -ESHUTDOWN);
	ck_assert_ptr_eq(job_queue_take(&q), &a.job); /* what waits is still given out */
	ck_assert_ptr_null(job_queue_take(&q));
	ck_assert_ptr_null(job_queue_try(&q, &over));
	ck_assert(over);
	job_queue_release(&q);
	ask_release(&a);
	ask_release(&late);
}
END_TEST

START_TEST(refuses_all)
{
	struct job_queue q;
	struct ask asks[3];

	job_queue_init(&q, 3);
	job_queue_refuse_all(&q, "nothing");
	for (size_t i = 0; i < 3; i++) {
		ask_init(&asks[i], "GET", "/");
		ck_assert_int_eq(job_queue_put(&q, &asks[i].job), 0);
	}
	job_queue_refuse_all(&q, "over");
	for (size_t i = 0; i < 3; i++) {
		ask_assert_outcome(&asks[i], JOB_REFUSED);
		ck_assert_str_eq(asks[i].result.text, "over");
		ask_release(&asks[i]);
	}
	ck_assert_int_eq(q.size, 0);
	job_queue_release(&q);
}
END_TEST

struct taker {
	struct job_queue *q;
	atomic_int *taken;
	pthread_t thread;
};

static void *take_all(void *arg)
{
	struct taker *taker = arg;
	struct job *job;

	while ((job = job_queue_take(taker->q))) {
		atomic_fetch_add(taker->taken, 1);
		job_end(job, JOB_DONE, "");
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct job_queue q;
	struct taker takers[4];
	struct ask *asks = calloc(2000, sizeof(*asks));
	atomic_int taken = 0;

	job_queue_init(&q, 2000);
	for (size_t i = 0; i < 4; i++) {
		takers[i] = (struct taker){.q = &q, .taken = &taken};
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
	}
	for (size_t i = 0; i < 2000; i++) {
		ask_init(&asks[i], "GET", "/");
		ck_assert_int_eq(job_queue_put(&q, &asks[i].job), 0);
	}
	job_queue_close(&q); /* wakes those who wait; what is in the queue is given out first */
	for (size_t i = 0; i < 4; i++)
		pthread_join(takers[i].thread, NULL);
	ck_assert_int_eq(taken, 2000);
	for (size_t i = 0; i < 2000; i++) {
		ask_wait(&asks[i]);
		ask_release(&asks[i]);
	}
	free(asks);
	job_queue_release(&q);
}
END_TEST

/* What a thread puts that comes back for it is left to it; one that does not live by the queue may do something else first. */
START_TEST(whose_it_is)
{
	struct job_queue q;
	struct taker taker = {.q = &q, .taken = &(atomic_int){0}};
	struct ask asks[2];

	job_queue_init(&q, 2);
	ck_assert_int_eq(pthread_create(&taker.thread, NULL, take_all, &taker), 0);
	UNTIL(!job_queue_lacks_hands(&q));
	ask_init(&asks[0], "GET", "/");
	ask_init(&asks[1], "GET", "/");
	job_queue_returning(true);
	ck_assert_int_eq(job_queue_put(&q, &asks[0].job), 0);
	job_queue_returning(false);
	ask_wait(&asks[0]);
	UNTIL(atomic_load(&q.asleep) == 1);
	job_queue_own(&q);
	job_queue_returning(true);
	ck_assert_int_eq(job_queue_put(&q, &asks[1].job), 0);
	job_queue_returning(false);
	ck_assert_int_eq(atomic_load(&q.asleep), 1);
	ck_assert_ptr_eq(job_queue_take(&q), &asks[1].job);
	job_end(&asks[1].job, JOB_DONE, "");
	job_queue_own(NULL);
	job_queue_close(&q);
	pthread_join(taker.thread, NULL);
	job_queue_release(&q);
	ask_release(&asks[0]);
	ask_release(&asks[1]);
}
END_TEST

UNIT_MAIN("queue", first_in_first_out, closed, refuses_all, many_threads, whose_it_is)
