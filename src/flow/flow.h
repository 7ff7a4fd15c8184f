/*
 * The request's journey: identify, classify, look up, then deliver what is
 * stored, or ask Redmine, alone or together with others who ask the same.
 * The steps are a table in flow.c; each names the next.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "cache/cache.h"
#include "engine/engines.h"
#include "flow/asked.h"
#include "flow/breaker.h"
#include "flow/errand.h"
#include "flow/flight.h"
#include "flow/request.h"
#include "upstream/origin.h"

/* Counted since the start; any thread adds, any reads. */
struct flow_figures {
	atomic_ullong requests, hits, misses, revalidated, collapsed, bypassed, writes, errors, upstream;
	atomic_ullong stale; /* answers past their lifetime; those that were not asked for count among the hits, too */
	atomic_ullong inner, inner_hits,
	        inner_errors; /* the daemon's own requests; not in those above, but for upstream */
};

enum collector_says {
	COLLECTOR_PASSES, /* an ordinary request */
	COLLECTOR_JOINS,  /* it is joined: r->joins and its own key are set */
	COLLECTOR_REFUSES /* r has its answer */
};

/* Who joins lists (the room collect/, which lies above this one). Any thread; must not block. */
struct flow_collector {
	/* Asked of each read of an API format, classified, with its key. */
	enum collector_says (*classify)(void *arg, struct request *r);
	/* Nothing fit to serve is stored: makes the answer of r, which is parked. flow_resume(r, STEP_DELIVER) ends it. */
	void (*join)(void *arg, struct request *r);
	/* A request was set going, and may be over already; by the thread that called flow_start(). */
	void (*saw)(void *arg, const struct request *r);
	/* A request with a walk has its answer. Any thread. */
	void (*over)(void *arg, const struct request *r);
	void *arg;
};

/* Inner requests under way (flow/inner.h). */
struct inners {
	pthread_mutex_t lock;
	pthread_cond_t none;
	unsigned active;
	bool closed;
};

struct changes;
struct lookout;
struct credentials;

struct flow {
	struct cache *cache;                    /* borrowed */
	struct engines *engines;                /* borrowed */
	const struct origin *origin;            /* borrowed */
	const struct digest_secret *secret;     /* borrowed */
	struct flights *flights;                /* owned */
	struct credentials *credentials;        /* owned */
	const struct flow_collector *collector; /* borrowed; NULL: none. Set before the first request */
	struct errands *errands;                /* owned */
	struct changes *changes;                /* owned */
	struct lookout *lookout;                /* borrowed; NULL: none. Set before the first request */
	struct inners inners;
	struct flow_figures figures;
	struct asked asked;
	struct breaker breaker;
};

/* Fills all but what it owns, which it makes. 0 or -ENOMEM. */
int flow_init(struct flow *flow, struct cache *cache, struct engines *engines, const struct origin *origin,
        const struct digest_secret *secret);
/* After the engines have stopped. */
void flow_release(struct flow *flow);

/*
 * Sets a request going. True: its answer is there. False: it was parked
 * (front->park) and front->ready will say so. A request with a body is not parked: the front goes on
 * writing r->upload until its end and then waits for ready. The front's thread.
 */
bool flow_start(struct flow *flow, struct request *r);

/*
 * Takes the target apart, puts the session in force that r names, and finds out who asks: the first part of the
 * journey, for pages that have to know. False: r is answered: 400, 403, 414, 503. Any thread.
 */
bool flow_identify(struct flow *flow, struct request *r);

/* The steps at which others hand a parked request back; for fetch.c and the callbacks of the cache. */
enum flow_step {
	STEP_CLASSIFY,
	STEP_LOOKUP,
	STEP_FOUND,
	STEP_VOUCH,
	STEP_JOIN,
	STEP_PASS,
	STEP_WRITE,
	STEP_ERRAND,
	STEP_DELIVER,
};

/* Goes on with a parked request. Any thread. */
void flow_resume(struct request *r, enum flow_step step);

/* What the answer to r, a read, depends on, as of now. */
void flow_note_read(const struct request *r, struct tag_notes *ret);

#endif
