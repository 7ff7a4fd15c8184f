/*
 * What fetch.c, which asks, and fetch_answer.c, which takes the answer, share
 * of one fetch. Inside the flow only.
 */
#ifndef FLOW_FETCH_INSIDE_H
#define FLOW_FETCH_INSIDE_H

#include "flow/fetch.h"
#include "flow/policy.h"
#include "redmine/links.h"

enum fetch_mode {
	FETCH_COLLECT, /* the body gathers in memory */
	FETCH_STREAM,  /* the body goes through the pipe */
	FETCH_COUNT,   /* only its length is wanted: HEAD asked as GET */
};

struct fetch {
	unsigned magic;
#define FETCH_MAGIC 0xfe7c4000
	atomic_uint refs;
	struct job job;
	char *target;
	struct flow *flow;
	struct request *r;     /* whose request is sent; one reference */
	struct flight *flight; /* NULL: for r only, or landed already */
	bool write, headed, told;
	bool stopped;       /* the breaker did not let it go */
	bool impatient;     /* its time is short because an old answer could be served instead */
	bool probe;         /* the breaker waits for how it goes */
	bool breaker_told;  /* ... and knows */
	int retry_after;    /* of stopped: seconds */
	int64_t started_us; /* monotonic */
	enum fetch_mode mode;

	unsigned status;
	char *reason;
	struct fields fields; /* end-to-end */
	struct fields own;    /* of a flight's answer: the leader's alone */
	bool framed;
	int64_t length;   /* as Redmine said it, -1: it did not */
	int64_t delay_ms; /* from the request's leaving to the head */
	struct policy_keep keep;
	struct tag_notes notes; /* of the flight, or of a HEAD */

	struct buf body;
	uint64_t counted;
	struct links *links; /* NULL: as they are */
	struct pipe pipe;
};

/* Gives one reference back. Any thread. */
void fetch_unref(struct fetch *f);

/* fetch.c: the body as its one client reads it; the owner is the fetch. */
extern const struct stream_ops fetch_stream;

/* fetch_breaker.c: whether Redmine is asked now; false: f->stopped and f->retry_after say it is not. */
bool fetch_admit(struct fetch *f);
/* fetch_breaker.c: how it went, as far as is known; the first time that something is counts. */
void fetch_tell_breaker(struct fetch *f, enum breaker_news news);
/* fetch_breaker.c: what the end of the job says about Redmine. */
enum breaker_news fetch_news(const struct fetch *f, const struct job_result *result);
/* fetch_breaker.c: Redmine's status is an error instead of which an old answer may be served (RFC 5861 section 4). */
bool fetch_is_failure(unsigned status);

/* fetch_answer.c: the job's callbacks. */
extern const struct job_client fetch_client;

/* fetch_interim.c: job_client.interim. */
void fetch_interim(struct job *job, const struct job_head *head);

/* fetch_land.c: everybody who waits for the flight gets the entry, or the error when it is NULL. */
void fetch_land(struct fetch *f, struct entry *entry, bool stored, bool validated, const struct job_result *result);
/* fetch_land.c: the flight's fetch is over: keeps what may be kept, then lands. */
void fetch_finish_for_flight(struct fetch *f, const struct job_result *result);
/* fetch_land.c: what an answer to HEAD says of the stored answer to GET: that it is another now, or its fields (RFC 9111 4.3.5). */
void fetch_update_by_head(struct fetch *f);
/* fetch_answer.c: how r comes by this answer, for Cache-Status. */
void fetch_set_cache_status(const struct fetch *f, struct request *r);
/* fetch_answer.c: r has its answer; that of a write is delivered once the store has noted what it spoils, too. */
void fetch_deliver(struct fetch *f, struct request *r);

#endif
