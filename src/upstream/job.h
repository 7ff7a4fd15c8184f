/*
 * One piece of work for an engine: a request on its way to Redmine and what
 * becomes of the answer. Whoever makes a job owns it and its memory until
 * done() was called, which happens exactly once whatever else happens.
 *
 * The answer is told by calls on whichever thread the engine works on, in this
 * order: interim() a few times, head() at most once, body() any number of times, done() once.
 */
#ifndef UPSTREAM_JOB_H
#define UPSTREAM_JOB_H

#include "base/fields.h"
#include "base/pipe.h"
#include "upstream/route.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct job;

/* Not now: the transfer pauses until job_wake(). */
#define JOB_HOLD PIPE_HOLD

enum job_outcome {
	JOB_DONE,      /* the whole answer came */
	JOB_CUT,       /* a head came, the body did not come whole */
	JOB_NOT_SENT,  /* Redmine could not be reached: it has not seen the request */
	JOB_NO_ANSWER, /* the connection ended before a head came: Redmine may have acted */
	JOB_TIMEOUT,   /* the time limit passed; see maybe_sent */
	JOB_REFUSED,   /* the engine did not take it: its queue is full or it is stopping */
	JOB_CANCELLED, /* job_cancel(), or a callback of its client gave up before the head */
};

/* How soon a job runs where not all can at once. */
enum job_rank {
	JOB_LOOK,        /* a look of the watcher's: what is served to everybody hangs on it; few and small ones only */
	JOB_INTERACTIVE, /* somebody waits for it; what a job has that nobody gave another */
	JOB_READ_AHEAD,  /* somebody will probably ask for it next */
	JOB_BACKGROUND,  /* nobody waits for it */
};
#define JOB_RANKS 4

struct job_result {
	enum job_outcome outcome;
	bool maybe_sent;     /* a byte of the request may have reached Redmine */
	int64_t upstream_us; /* from the start of the exchange to its end */
	char text[200];      /* for the log: what went wrong, "" when nothing did */
};

/* The head of Redmine's final answer, or of an interim one. */
struct job_head {
	unsigned status;
	const char *reason;    /* "" when there was none */
	struct fields *fields; /* as they came, hop-by-hop ones included; the callee may change them */
	bool framed;           /* its end can be told from a broken connection (RFC 9112 section 8) */
};

struct job_client {
	/*
	 * An interim answer (RFC 9110 section 15.2), but for 100 and 101; see job_is_interim(). head: borrowed for the call.
	 * NULL: nobody wants to know.
	 */
	void (*interim)(struct job *job, const struct job_head *head);
	/* The final head. head: borrowed for the call. Negative: give up. */
	int (*head)(struct job *job, const struct job_head *head);
	/* Bytes of the body: 0 taken, JOB_HOLD nothing taken (told again after job_wake), negative: give up. */
	int (*body)(struct job *job, const char *data, size_t size);
	/* Bytes of the request's body into room: their number, 0 at the end, JOB_HOLD, negative: give up. Only with has_body. */
	ssize_t (*upload)(struct job *job, char *room, size_t size);
	/* The end. The job is the owner's again when this is called. */
	void (*done)(struct job *job, const struct job_result *result);
};

/* Who lets a job wait before it comes to an engine. Both may be called on any thread. */
struct job_keeper {
	/* Takes it out of where it waits. False: it does not wait any more. */
	bool (*withdraw)(struct job *job);
	/* Looks at its rank again. */
	void (*hasten)(struct job *job);
};

struct job {
	unsigned magic;
#define JOB_MAGIC 0x70b0b0b1
	const struct job_client *client;
	void *owner;

	/* The request; set by the owner, read by the engine until done(). From here to the lock it is copied as it lies. */
	const char *method;
	const char *target;   /* raw bytes as they are sent, sub-URI included */
	struct fields fields; /* end-to-end, no Host, no Content-Length */
	bool has_body;
	int64_t body_size;  /* bytes, -1: chunked */
	bool safe;          /* may be sent again on a new connection if a kept one turns out dead */
	bool undo_coding;   /* undo gzip and deflate, also where Redmine was not asked for them */
	bool accept_gzip;   /* with undo_coding: ask for gzip */
	int64_t timeout_ms; /* longest time without a byte from Redmine while it is its turn */
	int64_t connect_timeout_ms;
	const struct route *route; /* NULL: as the session's settings say */
	uint64_t share; /* who asks: jobs of equal shares wait behind each other, those of others beside them */
	_Atomic(enum job_rank) rank; /* before whom it runs */

	/* The engine's. */
	pthread_mutex_t lock;          /* guards the next two */
	void (*poke)(struct job *job); /* under lock: makes whoever works on it look at it again; NULL: nobody does */
	void *worker;                  /* theirs */
	struct job *next, *previous;   /* in a queue */
	atomic_bool cancelled;
	int64_t queued_us; /* clock_monotonic_us() at submission */
	unsigned status;   /* of the head that was told, 0: none yet */

	/* Whoever let it wait before it came to an engine, and counts those that run. */
	_Atomic(const struct job_keeper *) keeper;                       /* NULL: it does not wait there */
	enum job_rank placed;                                            /* its rank as it was counted */
	void (*ended)(struct job *job, const struct job_result *result); /* just before done(); NULL: nobody counts */
	void *place;                                                     /* theirs */
};

/* Makes the job usable; all of the request part is the caller's to fill. */
void job_init(struct job *job, const struct job_client *client, void *owner);
/* All of the request part of another job, whose fields it takes away from there; method and target are borrowed as there. */
void job_take_request(struct job *job, struct job *from);
/* Frees what job_init and fields hold. Not while an engine has it. */
void job_release(struct job *job);

/* What was held may go on. Any thread, any time between job_init and job_release; without need it does nothing. */
void job_wake(struct job *job);

/*
 * The owner no longer wants it: done() follows, with JOB_CANCELLED unless it was over already. Of a job that waits for its
 * turn it comes before this returns, on this thread. Any thread, with no lock held that done() takes.
 */
void job_cancel(struct job *job);

/*
 * Somebody wants it sooner: while it waits it has that rank from now on, if that is higher than its own. It is handed out
 * when something else ends, or at engines_nudge(). Any thread, also with a lock held.
 */
void job_hasten(struct job *job, enum job_rank rank);

/* Tell the job's client; for whoever runs it, who calls these and not the client. As job_client has it. */
void job_tell_interim(struct job *job, const struct job_head *head);
int job_tell_head(struct job *job, const struct job_head *head);
void job_tell_done(struct job *job, const struct job_result *result);

/* Interim answers of one exchange that are told at most, and bytes of the fields of one; what is beyond is left out. */
#define JOB_INTERIMS     16
#define JOB_INTERIM_SIZE 4096

/*
 * True for the status of an answer that goes before the final one and is passed on: 1xx, but not 100, which each hop says
 * for itself (RFC 9110 section 10.1.1), nor 101, which ends HTTP.
 */
static inline bool job_is_interim(unsigned status)
{
	return status > 101 && status < 200;
}

/* Ends a job that never reached a session. For engines. */
void job_end(struct job *job, enum job_outcome outcome, const char *text);

#endif
