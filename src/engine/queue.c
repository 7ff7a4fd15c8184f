#include "engine/base.h"

#include <errno.h>

void job_queue_init(struct job_queue *q, int limit)
{
	*q = (struct job_queue){.limit = limit};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
}

void job_queue_release(struct job_queue *q)
{
	ASSERT(q->size == 0);
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
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
		pthread_cond_signal(&q->filled);
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
		pthread_cond_wait(&q->filled, &q->lock);
	job = take_first(q);
	pthread_mutex_unlock(&q->lock);
	return job;
}

void job_queue_close(struct job_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
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
