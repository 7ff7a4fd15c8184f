#include "engine/waiting.h"

#include <errno.h>
#include <stdlib.h>

void waiting_init(struct waiting *w)
{
	*w = (struct waiting){0};
}

void waiting_release(struct waiting *w)
{
	ASSERT(w->size == 0);
	for (int rank = 0; rank < JOB_RANKS; rank++)
		while (w->ranks[rank].first) {
			struct waiting_share *share = w->ranks[rank].first;

			w->ranks[rank].first = share->next;
			free(share);
		}
	while (w->spares) {
		struct waiting_share *share = w->spares;

		w->spares = share->next;
		free(share);
	}
}

/* The share is a digest already. */
static struct waiting_share **bucket_of(struct waiting *w, uint64_t id, enum job_rank rank)
{
	return &w->buckets[(id + rank) % WAITING_BUCKETS];
}

static struct waiting_share *find(struct waiting *w, const struct job *job)
{
	struct waiting_share *share = *bucket_of(w, job->share, job->placed);

	while (share && (share->id != job->share || share->rank != job->placed))
		share = share->bucket_next;
	return share;
}

/* Its turn is the last. */
static void queue_up(struct waiting *w, struct waiting_share *share)
{
	share->next = NULL;
	if (w->ranks[share->rank].last)
		w->ranks[share->rank].last->next = share;
	else
		w->ranks[share->rank].first = share;
	w->ranks[share->rank].last = share;
}

static struct waiting_share *open_share(struct waiting *w, const struct job *job)
{
	struct waiting_share **bucket = bucket_of(w, job->share, job->placed);
	struct waiting_share *share = w->spares ? w->spares : malloc(sizeof(*share));

	if (!share)
		return NULL;
	if (w->spares)
		w->spares = share->next;
	*share = (struct waiting_share){.id = job->share, .rank = job->placed, .bucket_next = *bucket};
	*bucket = share;
	queue_up(w, share);
	return share;
}

/* It is out of the turns already. */
static void close_share(struct waiting *w, struct waiting_share *share)
{
	struct waiting_share **at = bucket_of(w, share->id, share->rank);

	while (*at != share)
		at = &(*at)->bucket_next;
	*at = share->bucket_next;
	share->next = w->spares;
	w->spares = share;
}

int waiting_put(struct waiting *w, struct job *job)
{
	struct waiting_share *share = find(w, job);

	if (!share)
		share = open_share(w, job);
	if (!share)
		return -ENOMEM;
	job->next = NULL;
	job->previous = share->last;
	if (share->last)
		share->last->next = job;
	else
		share->first = job;
	share->last = job;
	w->ranks[job->placed].size++;
	w->size++;
	return 0;
}

static void unlink_job(struct waiting *w, struct waiting_share *share, struct job *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else
		share->first = job->next;
	if (job->next)
		job->next->previous = job->previous;
	else
		share->last = job->previous;
	job->next = job->previous = NULL;
	w->ranks[job->placed].size--;
	w->size--;
}

struct job *waiting_take(struct waiting *w, enum job_rank rank)
{
	struct waiting_share *share;

	while ((share = w->ranks[rank].first)) {
		struct job *job = share->first;

		w->ranks[rank].first = share->next;
		if (!share->next)
			w->ranks[rank].last = NULL;
		if (job)
			unlink_job(w, share, job);
		if (share->first)
			queue_up(w, share);
		else
			close_share(w, share);
		if (job)
			return job;
	}
	return NULL;
}

void waiting_remove(struct waiting *w, struct job *job)
{
	struct waiting_share *share = find(w, job);

	ASSERT(share);
	unlink_job(w, share, job); /* without jobs it is closed when its turn comes */
}
