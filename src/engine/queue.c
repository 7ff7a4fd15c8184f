#include "engine/base.h"

#include <errno.h>

struct job_queue_sleeper {
	pthread_cond_t wake;
	bool woken;
	struct job_queue_sleeper *next;
};

/* The queue that this thread lives by, and whether it is about to take from it. */
static _Thread_local const struct job_queue *own_queue;
static _Thread_local bool returning;

void job_queue_init(struct job_queue *q, int limit)
{
	*q = (struct job_queue){.limit = limit};
	pthread_mutex_init(&q->lock, NULL);
}

void job_queue_release(struct job_queue *q)
{
	ASSERT(q->size == 0);
	pthread_mutex_destroy(&q->lock);
}

void job_queue_own(const struct job_queue *q)
{
	own_queue = q;
}

void job_queue_returning(bool on)
{
	returning = on;
}

static bool is_own(const struct job_queue *q)
{
	return returning && own_queue == q;
}

bool job_queue_lacks_hands(const struct job_queue *q)
{
	return atomic_load(&q->asleep) == 0 && !is_own(q);
}

/* Under the lock. */
static void wake_one(struct job_queue *q)
{
	struct job_queue_sleeper *sleeper = q->sleepers;

	if (!sleeper)
		return;
	q->sleepers = sleeper->next;
	atomic_fetch_sub(&q->asleep, 1);
	sleeper->woken = true;
	pthread_cond_signal(&sleeper->wake);
}

/* Under the lock, which it gives back meanwhile. */
static void sleep_until_woken(struct job_queue *q)
{
	struct job_queue_sleeper self = {.wake = PTHREAD_COND_INITIALIZER, .next = q->sleepers};

	q->sleepers = &self;
	atomic_fetch_add(&q->asleep, 1);
	while (!self.woken)
		pthread_cond_wait(&self.wake, &q->lock);
	pthread_cond_destroy(&self.wake);
}

int job_queue_put(struct job_queue *q, struct job *job)
{
	int r = 0;

	pthread_mutex_lock(&q->lock);
	if (q->closed) {
		r = -ESHUTDOWN;
	} else if (q->size >= q->limit) {
		r = -ENOBUFS;
	} else {
		job->next = NULL;
		if (q->last)
			q->last->next = job;
		else
			q->first = job;
		q->last = job;
		q->size++;
		if (is_own(q))
			returning = false;
		else
			wake_one(q);
	}
	pthread_mutex_unlock(&q->lock);
	return r;
}

static struct job *take_first(struct job_queue *q)
{
	struct job *job = q->first;

	if (job) {
		q->first = job->next;
		if (!q->first)
			q->last = NULL;
		job->next = NULL;
		q->size--;
	}
	return job;
}

struct job *job_queue_try(struct job_queue *q, bool *ret_over)
{
	struct job *job;

	pthread_mutex_lock(&q->lock);
	job = take_first(q);
	*ret_over = !job && q->closed;
	pthread_mutex_unlock(&q->lock);
	return job;
}

struct job *job_queue_take(struct job_queue *q)
{
	struct job *job;

	pthread_mutex_lock(&q->lock);
	while (!q->first && !q->closed)
		sleep_until_woken(q);
	job = take_first(q);
	pthread_mutex_unlock(&q->lock);
	return job;
}

void job_queue_close(struct job_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	while (q->sleepers)
		wake_one(q);
	pthread_mutex_unlock(&q->lock);
}

void job_queue_refuse_all(struct job_queue *q, const char *text)
{
	for (;;) {
		struct job *job;

		pthread_mutex_lock(&q->lock);
		job = take_first(q);
		pthread_mutex_unlock(&q->lock);
		if (!job)
			return;
		job_end(job, JOB_REFUSED, text);
	}
}
