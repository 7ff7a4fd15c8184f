/*
 * What visit.c, visit_body.c and visit_answer.c share of one request. Inside the
 * front only.
 */
#ifndef FRONT_VISIT_INSIDE_H
#define FRONT_VISIT_INSIDE_H

#include "base/log.h"
#include "front/visit.h"

enum visit_state {
	VISIT_HEAD,   /* the handler was not called yet */
	VISIT_READ,   /* no body: to be served at the second call, since an answer at the first closes the connection */
	VISIT_GATHER, /* the body comes and is gathered */
	VISIT_UPLOAD, /* the body comes and goes on to Redmine as it comes */
	VISIT_DRAIN,  /* the body comes and is thrown away: the answer is an error */
	VISIT_WAIT,   /* the answer is awaited */
	VISIT_ANSWERED, /* the answer is queued */
};

/* What a request whose answer is awaited on other threads is known by. One reference is libmicrohttpd's, one the parked request's. */
struct visit {
	unsigned magic;
#define VISIT_MAGIC 0x71517000
	atomic_uint refs;
	struct loop *loop;
	struct guest *guest;
	struct MHD_Connection *connection;
	enum visit_state state;
	struct request *r; /* NULL until it is needed: a prepared answer does without */
	int64_t started_us;
	uint64_t received; /* bytes of the body */
	bool streaming;
	bool closes;    /* the connection ends with the answer */
	bool too_large; /* the body passed the limit while it came: what is left is thrown away, then 413 */

	bool takes_interims; /* by its version of HTTP */

	pthread_mutex_t lock; /* guards the next seven */
	bool suspended, wake_pending, ended;
	bool answered;
	struct buf interim; /* interim answers not yet written */
	unsigned interims;  /* that there were */
	bool told;          /* in the loop's list of those that have some */
	struct visit *next_told;

	struct log_request log;
	struct tally_request tally;
	char identity[8];
	char *shown;
	char target[];
};

/* Gives one reference back. Any thread. */
void visit_unref(struct visit *v);

/* Waits without blocking: the connection is suspended until visit_wake. False: a wake came already; look again. The handler's thread. */
bool visit_suspend(struct visit *v);

/* Ends the wait; without need it is remembered. arg: the visit. Any thread, while the visit lives. */
void visit_wake(void *arg);

/* Makes v->r from what the client sent. False: it has an answer already, an error or a page of our own, or is NULL: out of memory. */
bool visit_admit(struct visit *v, const char *method);

/* Sets v->r going, whose body is there if it brings one: as flow_start(). The handler's thread. */
bool visit_start(struct visit *v);

/* visit_body.c: the handler's calls for a request that brings a body: the first, those with bytes, the last. */
enum MHD_Result visit_begin_body(struct visit *v, const char *method);
enum MHD_Result visit_take_body(struct visit *v, const char *data, size_t *size);
enum MHD_Result visit_end_body(struct visit *v);

/* visit_answer.c: queues the answer of v->r; the same for one that was there at once, which is prepared if it can be; waits for it, then queues it. */
enum MHD_Result visit_deliver(struct visit *v);
enum MHD_Result visit_deliver_inline(struct visit *v);
enum MHD_Result visit_await(struct visit *v);
/* Queues what the event thread has ready for these bytes. False: nothing. */
bool visit_deliver_prepared(struct visit *v, const char *method, enum MHD_Result *ret);
/* Ends the connection so that the client sees that what it has got is not all. */
void visit_reset(const struct visit *v);

#endif
