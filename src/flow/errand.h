/*
 * Errands: requests that were answered 202 at once ("Prefer: respond-async",
 * RFC 7240 section 4.1) and are done without their client. What came of one is
 * told to whoever asks with the same identity, for a while.
 *
 * Those of one identity are done one after the other, in the order in which they came, and a write of that identity
 * which waits for its answer comes after those before it. They are in memory only: SIGTERM waits for them, kill -9
 * does not.
 */
#ifndef FLOW_ERRAND_H
#define FLOW_ERRAND_H

#include "flow/request.h"

#define ERRAND_ID_SIZE 33 /* 32 hexadecimal digits and the NUL */
#define ERRAND_PLACE   "/-/requests/"

struct errands;
struct flow;

enum errand_state { ERRAND_WAITING, ERRAND_RUNNING, ERRAND_DONE };

/* What came of it; borrowed until errand_unref(). Beside the state all is zero before ERRAND_DONE. */
struct errand_outcome {
	enum errand_state state;
	unsigned status;
	const char *reason; /* NULL: the usual one */
	const struct fields *fields;
	const struct blob *body;
};

struct errands_figures {
	uint64_t accepted, done, refused;           /* since the start */
	uint64_t waiting, running, outcomes, bytes; /* now */
};

struct errand;

/* NULL: out of memory. */
struct errands *errands_new(void);

/*
 * The daemon ends: what still waits is not done, which is logged, writes that were held go on to be refused, and this
 * returns when nothing runs. After the engines have stopped, before the cache is freed. One thread, may block.
 */
void errands_close(struct errands *errands);
/* After errands_close, or before anything was accepted. NULL is allowed. */
void errands_free(struct errands *errands);

/* True when the request is to be made an errand of: it prefers that, and its body is here whole and not too large. */
bool errand_is_wanted(const struct request *r);

/*
 * Makes an errand of a classified request, whose body is read from it, and answers it: 202 with Location, or 503 with
 * Retry-After: too many wait, no memory, or the daemon ends. Any thread; the errand may be done before this returns.
 */
void errand_accept(struct request *r);

/*
 * A parked write comes after the errands of its identity that came before it. True: it was put there, and goes on
 * with STEP_WRITE when its turn comes; or is answered 503 when one before it ends and it has waited as long as Redmine
 * may take to answer. False: nothing is before it. Any thread.
 */
bool errand_hold(struct request *r);

/* A write that was held has its answer: what came after it may go on. Without need it does nothing. */
void errand_let_go(struct request *r);

/* Waits until none waits or runs, at most limit_ms; from now on none is accepted, and after it none begun. True: none is left. */
bool errands_drain(struct errands *errands, int64_t limit_ms);

/* The errand of that ID if it is this identity's, with one reference; else NULL. Any thread. */
struct errand *errand_find(struct errands *errands, const char *id, const struct identity *identity);
void errand_unref(struct errand *errand); /* NULL is allowed */
void errand_get_outcome(struct errand *errand, struct errand_outcome *ret);

/* Any thread; takes the lock for a moment. */
void errands_get_figures(struct errands *errands, struct errands_figures *ret);

#endif
