/*
 * Jobs that wait for one engine, each behind those of the same asker and beside
 * those of others: whose turn it is goes round. Inside the engines only; pure but for
 * memory, the caller keeps threads apart.
 */
#ifndef ENGINE_WAITING_H
#define ENGINE_WAITING_H

#include "upstream/job.h"

#define WAITING_BUCKETS 64

/* The jobs of one asker and one rank. */
struct waiting_share {
	uint64_t id;
	enum job_rank rank;
	struct job *first, *last;   /* linked by next and previous */
	struct waiting_share *next; /* whose turn comes after; or in the list of spares */
	struct waiting_share *bucket_next;
};

struct waiting {
	struct {
		struct waiting_share *first, *last; /* in the order of their turns; may be without jobs */
		int size;                           /* jobs */
	} ranks[JOB_RANKS];
	int size;                                       /* jobs in all */
	struct waiting_share *buckets[WAITING_BUCKETS]; /* by id and rank */
	struct waiting_share *spares;
};

/* Nobody waits. */
void waiting_init(struct waiting *w);
/* Frees the memory; no job may wait. */
void waiting_release(struct waiting *w);

/* Puts a job behind those of its share and rank. 0 or -ENOMEM. Memory is taken for a share, not for a job, and kept. */
int waiting_put(struct waiting *w, struct job *job) MUST_CHECK;
/* The next of that rank, taken out; NULL: none. Each share that waits has its turn before one has a second. */
struct job *waiting_take(struct waiting *w, enum job_rank rank);
/* Takes out one that waits. */
void waiting_remove(struct waiting *w, struct job *job);

#endif
