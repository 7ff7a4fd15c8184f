/*
 * What errand.c, one errand, and errand_lane.c, their order, share. Inside the
 * flow only.
 */
#ifndef FLOW_ERRAND_INSIDE_H
#define FLOW_ERRAND_INSIDE_H

#include "flow/errand.h"
#include "flow/flow.h"

#include <pthread.h>

#define ERRAND_BUCKETS 256

struct errand {
	unsigned magic;
#define ERRAND_MAGIC 0xe44a4d00
	atomic_uint refs;
	struct errands *errands;
	char id[ERRAND_ID_SIZE];
	uint8_t identity[DIGEST_SIZE];
	struct request *r; /* what is done; NULL once it is */
	struct errand_lane *lane;
	int64_t keep_ms; /* how long the outcome is told */

	/* Guarded by the lock of errands. */
	enum errand_state state;
	size_t bytes;                  /* that it counts for */
	int64_t done_ms;               /* wall clock */
	struct errand *next;           /* in its bucket */
	struct errand *later, *sooner; /* among the done ones, in the order of their end */

	/* Set before the state is ERRAND_DONE, then left alone. */
	unsigned status;
	char *reason;
	struct fields fields;
	struct blob *body;
};

/* What stands in a lane: an errand, or a client's write that waits for its turn. */
struct errand_turn {
	struct errand *errand; /* one reference; NULL: a write */
	struct request *write; /* one reference; NULL: an errand */
	int64_t until_us;      /* of a write: when it has waited long enough, monotonic */
	struct errand_turn *next;
};

/* The errands of one identity, and who is under way. Gone when empty. */
struct errand_lane {
	uint8_t identity[DIGEST_SIZE];
	struct errand_turn *first, *last;
	bool busy;                /* one is under way */
	bool driven;              /* a thread is in errand_lane_drive() */
	struct errand_lane *next; /* in its bucket */
};

struct errands {
	unsigned magic;
#define ERRANDS_MAGIC 0xe44a4d05
	pthread_mutex_t lock;
	pthread_cond_t idle; /* nothing waits or runs any more */
	bool closed;         /* none is accepted */
	bool ended;          /* none is begun */
	bool cleared;        /* no write is put into a lane any more: nobody would take it out */
	size_t waiting, running, outcomes, bytes;
	uint64_t accepted, done, refused;
	struct errand *buckets[ERRAND_BUCKETS]; /* by ID */
	struct errand *oldest, *newest;         /* of the done ones */
	struct errand_lane *lanes[ERRAND_BUCKETS];
};

/* errand.c: sends it on its way. The lane is busy until errand_lane_finish(). Not under the lock. */
void errand_run(struct errand *errand);

/* errand_lane.c; all under the lock. */

/* The lane of that identity, or NULL. */
struct errand_lane *errand_lane_find(struct errands *errands, const uint8_t *identity);
/* Puts a turn at the end of the identity's lane, which is made if need be. Takes over the turn. NULL: out of memory, the turn is still the caller's. */
struct errand_lane *errand_lane_add(struct errands *errands, const uint8_t *identity, struct errand_turn *turn);
/* Begins what may begin and refuses writes that have waited too long, giving up the lock meanwhile; an empty lane is gone afterwards. */
void errand_lane_drive(struct errands *errands, struct errand_lane *lane);
/* What was under way is over. */
void errand_lane_finish(struct errands *errands, struct errand_lane *lane);
/* Takes every turn out of every lane: their list. Lanes where nothing is under way are gone. */
struct errand_turn *errand_lanes_clear(struct errands *errands);

#endif
