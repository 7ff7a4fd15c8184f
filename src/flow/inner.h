/*
 * A request that the daemon makes of itself: it goes the way of a client's,
 * with the cache, with flights and engines, and without a front. For
 * read-ahead, joined lists, batches, warm-up, refreshing in the background.
 * Its answer is told whole, from memory. Counted apart from clients' requests.
 */
#ifndef FLOW_INNER_H
#define FLOW_INNER_H

#include "flow/flow.h"

struct inner;

/* What came of it; borrowed for the call that tells it. */
struct inner_answer {
	/*
	 * 0: there is an answer, perhaps an error page of the daemon's own (502, 503, 504: Redmine did not answer).
	 * -ECANCELED: inner_cancel(). -EFBIG: the body is longer than the limit, and was shared or stored. -ESHUTDOWN: the
	 * daemon ends. -ENOMEM. With these all below is zero.
	 */
	int error;
	unsigned status;
	const struct fields *fields; /* end-to-end */
	struct blob *body;           /* links led back; never NULL with an answer; kept by a blob_ref() */
	bool own;                    /* the answer is not Redmine's: a page of the daemon's own says what went wrong */
	const struct request *request; /* as the flow left it: its identity, resource, answer.cache... */
};

/*
 * Called exactly once: with the answer, or with what kept it from coming. On any thread, an event thread too, and
 * perhaps before inner_start() returns. Must not block; may call inner_start() for others.
 */
typedef void inner_told(void *arg, const struct inner_answer *answer);

struct inner_question {
	struct flow *flow;
	struct conf *conf;  /* the settings that hold; a reference is taken */
	const char *target; /* of a GET, as a client writes it; copied */
	const struct fields
	        *fields; /* as a client's: credentials, Accept-Language, Cache-Control...; copied; NULL: none */
	/* Of conf, in force without asking who may use it: its way to Redmine, its credential unless fields have one; NULL: none. */
	const struct conf_session *session;
	const char *authority; /* by which the client knows the daemon, for links; copied; NULL: "localhost" */
	bool secure;
	const struct request_door *door; /* where the client came in for whom it is asked; copied; NULL: for nobody */
	enum job_rank rank;              /* always to be set */
	enum request_refresh refresh;
	size_t limit; /* bytes of the body, at least 1; what is longer is -EFBIG, or cut off where it comes: a page of our own with status 502 */
	inner_told *told;
	void *arg;
};

/*
 * Asks. Returns a handle with one reference for inner_cancel(), or NULL: out of memory, told already (-ENOMEM). All of the
 * question is the caller's again on return. Any thread; never blocks.
 */
struct inner *inner_start(const struct inner_question *question);

/*
 * Not wanted any more: told() comes now, on this thread, with -ECANCELED, unless it came or is coming on another. What
 * Redmine was asked already goes on for others, and is stored. Any thread.
 */
void inner_cancel(struct inner *inner);

/*
 * The daemon ends: no further question is taken (-ESHUTDOWN). Returns when each that was is told: to be called after
 * the engines have stopped, before the cache is freed. One thread, may block.
 */
void inner_close(struct flow *flow);

/* Gives the handle back; the question goes on. NULL is allowed. Any thread. */
void inner_unref(struct inner *inner);

#endif
