/*
 * redmine-cached: engines of your own, as shared objects.
 *
 * An engine decides where and when questions to Redmine run; it neither caches
 * nor knows Redmine. The words are Python-Redmine's: an engine must have
 * create_session and process_bulk_request; construct_request, request,
 * bulk_request and process_response come with the base and may be replaced.
 *
 *   bulk_request ▸ process_bulk_request              on a thread of the daemon, never blocking
 *                  └▸ request ▸ construct_request ▸ process_response ▸ done     on the engine's threads
 *
 * A job is one question. Its answer is told in this order: the head at most
 * once, pieces of the body any number of times, done exactly once. A session
 * of the daemon does all of it: rc_session_perform(). An engine that answers
 * by itself calls rc_job_head(), rc_job_body() and rc_job_done().
 *
 * This header is self-contained C11 and C++11. An engine is a shared object
 * that defines rc_plugin, as doc/custom-engine.md explains from nothing:
 *
 *   [engine "mine"]
 *   path = mine.so
 *
 * Rules for all calls, unless one says otherwise:
 *   Threads  any thread of the engine; about one job, or on one session, one thread at a time. Never from
 *            init, and never after stop() has returned.
 *   Errors   0 or a positive number is success, a negative number an error: RC_HOLD, RC_GONE, or a negated
 *            errno. Nothing here ends the process.
 *   Memory   what is passed in is copied or only looked at during the call; what comes back belongs to the
 *            daemon and lives until the job's end.
 */
#ifndef REDMINE_CACHED_ENGINE_H
#define REDMINE_CACHED_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when something here changes its meaning or place. Members are added at the ends without a change. */
#define RC_ENGINE_ABI 1

/* Not now: try again after rc_job_wait(), or when the engine's poke() was called for the job. */
#define RC_HOLD (-1000)
/* The job is over or its answer no longer wanted: end it with rc_job_done(), if that was not done, and forget it. */
#define RC_GONE (-1001)

/* A name for a job, not an address. One that is over is recognised, so a late call does no harm. */
struct rc_job;
/* Kept connections to Redmine, as the daemon's settings describe them. */
struct rc_session;

/* How a job ended. */
enum rc_outcome {
	RC_DONE,      /* the whole answer was told */
	RC_CUT,       /* a head was told, the body not to its end */
	RC_NOT_SENT,  /* Redmine could not be reached: it has not seen the request */
	RC_NO_ANSWER, /* no head came: Redmine may have acted */
	RC_TIMEOUT,   /* the time limit passed */
	RC_REFUSED,   /* not taken: the queue is full, or the engine stops */
	RC_CANCELLED  /* no longer wanted */
};

enum rc_level { RC_ERROR, RC_WARN, RC_INFO, RC_DEBUG };

struct rc_field {
	const char *name, *value; /* NUL-terminated */
};

/* The head of an answer. */
struct rc_head {
	unsigned status;    /* 200 to 999 */
	const char *reason; /* "" for none */
	const struct rc_field *fields;
	size_t field_count;
	int framed; /* 0: its body ends with the connection, so nobody can tell whether it is whole */
};

/* What process_response gets to see of an answer that a session brings. */
enum rc_piece_kind {
	RC_PIECE_HEAD, /* before the daemon is told */
	RC_PIECE_BODY, /* after the daemon took it */
	RC_PIECE_END   /* before the daemon is told; comes for every job that a session ran */
};

struct rc_piece {
	enum rc_piece_kind kind;
	const struct rc_head *head; /* of RC_PIECE_HEAD */
	const void *data;           /* of RC_PIECE_BODY */
	size_t size;
	enum rc_outcome outcome; /* of RC_PIECE_END */
	const char *text;        /* ... and what went wrong, "" when nothing did */
};

struct rc_host;

/* An engine as the daemon made it of one [engine "NAME"]; every call gets it. Yours to change is own. */
struct rc_engine {
	const struct rc_host *host;
	void *own;           /* the plug-in's own state, NULL at first */
	const char *name;    /* NAME */
	const char *options; /* the setting's text, "" when there is none */
	const char *redmine; /* Redmine's base URL, as "https://redmine.example.org" */
	int workers; /* how many jobs may run at a time, at least 1; with `workers = auto` the most that may ever */
	int queue;   /* how many may wait, at least 1 */
};

/* What a shared object offers: it defines one of these, called rc_plugin. */
struct rc_engine_ops {
	uint32_t abi;    /* RC_ENGINE_ABI */
	uint32_t size;   /* sizeof(struct rc_engine_ops) */
	int workers_max; /* more are not asked of it; 0: no limit */

	/*
	 * What one worker needs to talk to Redmine: return rc_session_new(...). NULL with the reason in why: the engine
	 * does not start. Called by the base for each of its workers: one after the other at the start, and with
	 * `workers = auto`, when more are needed, on the new worker's own thread, several at a time. Engines with threads
	 * of their own call it themselves.
	 */
	struct rc_session *(*create_session)(struct rc_engine *engine, char *why, size_t why_size);
	/* Decides where these run; all are the engine's from now on. Threads of the daemon, several at a time; must not block. */
	void (*process_bulk_request)(struct rc_engine *engine, struct rc_job *const *jobs, size_t count);

	/* The rest may be NULL: the base does it. */

	/*
	 * Reads the options, makes the engine's own state. Once, before there is any other thread: it must start none, as
	 * the daemon may fork afterwards. release() may follow at once (--check-config). 0, or negative with why filled.
	 */
	int (*init)(struct rc_engine *engine, char *why, size_t why_size);
	/* Frees what init made. Not called when init failed. */
	void (*release)(struct rc_engine *engine);
	/*
	 * Starts the engine's threads. NULL: the base has threads that take from the queue, `workers` of them; with
	 * `workers = auto` few to begin with, more as Redmine sustains them. 0, or negative.
	 */
	int (*start)(struct rc_engine *engine, char *why, size_t why_size);
	/*
	 * Ends them, and returns when none is left. No job comes any more and rc_queue_take() gives NULL when nothing
	 * waits. drain not 0: what runs or waits is finished first; 0: it was cancelled and refused by the base already.
	 */
	void (*stop)(struct rc_engine *engine, int drain);
	/* The door for several at once. The base calls process_bulk_request with all. */
	void (*bulk_request)(struct rc_engine *engine, struct rc_job *const *jobs, size_t count);
	/* Runs one job to its end, on a worker of the base. The base calls rc_session_perform(). */
	void (*request)(struct rc_engine *engine, struct rc_session *session, struct rc_job *job);
	/* A last look at a request before a session sends it; rc_job_set_field() is for here. */
	void (*construct_request)(struct rc_engine *engine, struct rc_job *job);
	/* A look at an answer that a session brings. 0; negative: give up, the client gets nothing more. */
	int (*process_response)(struct rc_engine *engine, struct rc_job *job, const struct rc_piece *piece);
	/*
	 * A job was cancelled, or what was held may go on. Any thread of the daemon, with a lock held: note it, wake a
	 * thread of your own, and call nothing here but rc_session_interrupt() and what reads the job's request. Engines
	 * that use sessions or rc_job_wait() need none.
	 */
	void (*poke)(struct rc_engine *engine, struct rc_job *job);
};

#if defined(__GNUC__)
#define RC_EXPORT __attribute__((visibility("default")))
#else
#define RC_EXPORT
#endif

/* Yours to define: RC_EXPORT const struct rc_engine_ops rc_plugin = {RC_ENGINE_ABI, sizeof(rc_plugin), ...}; */
extern RC_EXPORT const struct rc_engine_ops rc_plugin;

/* The daemon's functions; called through the ones below. */
struct rc_host {
	uint32_t abi, size;
	const char *(*job_method)(struct rc_engine *, struct rc_job *);
	const char *(*job_target)(struct rc_engine *, struct rc_job *);
	int (*job_field)(struct rc_engine *, struct rc_job *, size_t, struct rc_field *);
	const char *(*job_field_value)(struct rc_engine *, struct rc_job *, const char *);
	int (*job_set_field)(struct rc_engine *, struct rc_job *, const char *, const char *);
	int (*job_has_body)(struct rc_engine *, struct rc_job *);
	int64_t (*job_body_size)(struct rc_engine *, struct rc_job *);
	int (*job_is_safe)(struct rc_engine *, struct rc_job *);
	int64_t (*job_timeout_ms)(struct rc_engine *, struct rc_job *);
	int64_t (*job_connect_timeout_ms)(struct rc_engine *, struct rc_job *);
	int (*job_shown_target)(struct rc_engine *, struct rc_job *, char *, size_t);
	int (*job_who)(struct rc_engine *, struct rc_job *, const unsigned char *, char *);
	void (*job_set_own)(struct rc_engine *, struct rc_job *, void *);
	void *(*job_own)(struct rc_engine *, struct rc_job *);
	int (*job_cancelled)(struct rc_engine *, struct rc_job *);
	int (*job_wait)(struct rc_engine *, struct rc_job *);
	ptrdiff_t (*job_upload)(struct rc_engine *, struct rc_job *, void *, size_t);
	int (*job_head)(struct rc_engine *, struct rc_job *, const struct rc_head *);
	int (*job_body)(struct rc_engine *, struct rc_job *, const void *, size_t);
	int (*job_done)(struct rc_engine *, struct rc_job *, enum rc_outcome, int, const char *);
	struct rc_session *(*session_new)(struct rc_engine *, int, char *, size_t);
	void (*session_free)(struct rc_engine *, struct rc_session *);
	int (*session_perform)(struct rc_engine *, struct rc_session *, struct rc_job *);
	int (*session_start)(struct rc_engine *, struct rc_session *, struct rc_job *);
	void (*session_step)(struct rc_engine *, struct rc_session *, int);
	size_t (*session_active)(struct rc_engine *, struct rc_session *);
	void (*session_interrupt)(struct rc_engine *, struct rc_session *);
	void (*queue_put)(struct rc_engine *, struct rc_job *);
	struct rc_job *(*queue_take)(struct rc_engine *);
	struct rc_job *(*queue_try)(struct rc_engine *, int *);
	int (*option)(struct rc_engine *, const char *, char *, size_t);
	int (*options_known)(struct rc_engine *, const char *, char *, size_t);
	void (*digest)(struct rc_engine *, const unsigned char *, const void *, size_t, char *);
	void (*log)(struct rc_engine *, enum rc_level, const char *);
};

/* A job's request. Of a job that is over: "", 0. */

static inline const char *rc_job_method(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_method(engine, job);
}

/* The bytes after the method, as they are sent: path and query. May hold a credential (?key=...): not for logs or files. */
static inline const char *rc_job_target(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_target(engine, job);
}

/* The field number `index`, from 0, in the order in which they are sent: 1; 0: there are no more. Some are credentials. */
static inline int rc_job_field(struct rc_engine *engine, struct rc_job *job, size_t index, struct rc_field *ret)
{
	return engine->host->job_field(engine, job, index, ret);
}

/* The first value of that name, in any case of letters; NULL: none. */
static inline const char *rc_job_field_value(struct rc_engine *engine, struct rc_job *job, const char *name)
{
	return engine->host->job_field_value(engine, job, name);
}

/* One field of that name with this value in place of those there are; NULL: none any more. In construct_request only. 0, -ENOMEM. */
static inline int rc_job_set_field(struct rc_engine *engine, struct rc_job *job, const char *name, const char *value)
{
	return engine->host->job_set_field(engine, job, name, value);
}

/* 1: the request has a body, read with rc_job_upload(). */
static inline int rc_job_has_body(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_has_body(engine, job);
}

/* Bytes of the request's body, -1: not known before its end. */
static inline int64_t rc_job_body_size(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_body_size(engine, job);
}

/* 1: a read, which may be sent again. What is not safe must reach Redmine once at most. */
static inline int rc_job_is_safe(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_is_safe(engine, job);
}

/* The longest time without progress; past it the daemon ends the job by itself. Milliseconds. */
static inline int64_t rc_job_timeout_ms(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_timeout_ms(engine, job);
}

/* How long connecting may take. Milliseconds. */
static inline int64_t rc_job_connect_timeout_ms(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_connect_timeout_ms(engine, job);
}

/* The target as logs have it, credentials cut out, into room: its length, -ENOBUFS when it does not fit, -ENOMEM. */
static inline int rc_job_shown_target(struct rc_engine *engine, struct rc_job *job, char *room, size_t size)
{
	return engine->host->job_shown_target(engine, job, room, size);
}

/*
 * Who asks: 64 hexadecimal digits and a NUL, the same for requests with the same credentials, a digest keyed
 * with the caller's key, from which they cannot be told. 1; 0: without any credential; negative errno.
 */
static inline int rc_job_who(struct rc_engine *engine, struct rc_job *job, const unsigned char key[32], char ret[65])
{
	return engine->host->job_who(engine, job, key, ret);
}

/* What the engine has of its own for this job; NULL at first. The engine frees it, before the end or at RC_PIECE_END. */
static inline void rc_job_set_own(struct rc_engine *engine, struct rc_job *job, void *own)
{
	engine->host->job_set_own(engine, job, own);
}

static inline void *rc_job_own(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_own(engine, job);
}

/* A job's course, for engines that answer by themselves. */

/* 1: the answer is no longer wanted, or the job is over. Look at it now and then. */
static inline int rc_job_cancelled(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_cancelled(engine, job);
}

/* Waits after RC_HOLD until it makes sense to try again: 0; RC_GONE. May return early. Blocks. */
static inline int rc_job_wait(struct rc_engine *engine, struct rc_job *job)
{
	return engine->host->job_wait(engine, job);
}

/* Bytes of the request's body into room: their number, 0 at the end, RC_HOLD, RC_GONE or a negated errno. */
static inline ptrdiff_t rc_job_upload(struct rc_engine *engine, struct rc_job *job, void *room, size_t size)
{
	return engine->host->job_upload(engine, job, room, size);
}

/*
 * Tells the head, once. 0; negative: not wanted, or not a head; end the job. Heads of interim answers (1xx but 100 and 101)
 * may be told before; they are passed on to clients that wait.
 */
static inline int rc_job_head(struct rc_engine *engine, struct rc_job *job, const struct rc_head *head)
{
	return engine->host->job_head(engine, job, head);
}

/* Tells bytes of the body, after the head. 0: all taken; RC_HOLD: nothing taken; other negative: end the job. */
static inline int rc_job_body(struct rc_engine *engine, struct rc_job *job, const void *data, size_t size)
{
	return engine->host->job_body(engine, job, data, size);
}

/*
 * The end, exactly once for each job that no session ran. maybe_sent: 1 when a byte of the request may have reached Redmine.
 * text: for the log, "" when nothing went wrong. A job that was cancelled ends as such, unless RC_DONE is told. 0; RC_GONE: it was over,
 * which is counted and otherwise ignored.
 */
static inline int rc_job_done(
        struct rc_engine *engine, struct rc_job *job, enum rc_outcome outcome, int maybe_sent, const char *text)
{
	return engine->host->job_done(engine, job, outcome, maybe_sent, text);
}

/* Sessions. */

/* width: transfers at a time; above 1 with HTTP/2 where Redmine offers it. NULL with why filled. Any thread but from init. */
static inline struct rc_session *rc_session_new(struct rc_engine *engine, int width, char *why, size_t why_size)
{
	return engine->host->session_new(engine, width, why, why_size);
}

/* Without a transfer under way. NULL is allowed. Before stop() returns. */
static inline void rc_session_free(struct rc_engine *engine, struct rc_session *session)
{
	engine->host->session_free(engine, session);
}

/* Runs one job to its end, done included. Blocks. 0; RC_GONE: it was over. */
static inline int rc_session_perform(struct rc_engine *engine, struct rc_session *session, struct rc_job *job)
{
	return engine->host->session_perform(engine, session, job);
}

/* Takes a job up without waiting: rc_session_step() brings it to its end. 0; RC_GONE: it was over. */
static inline int rc_session_start(struct rc_engine *engine, struct rc_session *session, struct rc_job *job)
{
	return engine->host->session_start(engine, session, job);
}

/* Waits up to timeout_ms (-1: for ever) for something to do, and does it. */
static inline void rc_session_step(struct rc_engine *engine, struct rc_session *session, int timeout_ms)
{
	engine->host->session_step(engine, session, timeout_ms);
}

/* Transfers under way. */
static inline size_t rc_session_active(struct rc_engine *engine, struct rc_session *session)
{
	return engine->host->session_active(engine, session);
}

/* Ends the wait of rc_session_step(). Any thread, also while another one is in it. */
static inline void rc_session_interrupt(struct rc_engine *engine, struct rc_session *session)
{
	engine->host->session_interrupt(engine, session);
}

/* The base's queue, with room for engine->queue jobs. */

/* Adds a job; when there is no room, or the engine stops, it ends as refused. Never blocks. */
static inline void rc_queue_put(struct rc_engine *engine, struct rc_job *job)
{
	engine->host->queue_put(engine, job);
}

/* The next job; waits for one. NULL: the engine stops and none is left. */
static inline struct rc_job *rc_queue_take(struct rc_engine *engine)
{
	return engine->host->queue_take(engine);
}

/* The next job, or NULL when none waits; *ret_over 1: none will come any more. Never blocks. */
static inline struct rc_job *rc_queue_try(struct rc_engine *engine, int *ret_over)
{
	return engine->host->queue_try(engine, ret_over);
}

/* Odds and ends. From init, too. */

/* The value of "name=value" among the words of the options, into room: its length; -ENOENT: not given; -ENOBUFS: too long. */
static inline int rc_option(struct rc_engine *engine, const char *name, char *room, size_t size)
{
	return engine->host->option(engine, name, room, size);
}

/* Whether the options are words "name=value" with these names ("folder mode"), each once at most: 0, or -EINVAL with why filled. */
static inline int rc_options_known(struct rc_engine *engine, const char *names, char *why, size_t why_size)
{
	return engine->host->options_known(engine, names, why, why_size);
}

/* A keyed digest of data (HMAC-SHA-256 over its length and its bytes) as 64 hexadecimal digits and a NUL. */
static inline void rc_digest(
        struct rc_engine *engine, const unsigned char key[32], const void *data, size_t size, char ret[65])
{
	engine->host->digest(engine, key, data, size, ret);
}

/* A line in the daemon's log, with the engine's name in front. No credentials. */
static inline void rc_log(struct rc_engine *engine, enum rc_level level, const char *text)
{
	engine->host->log(engine, level, text);
}

#ifdef __cplusplus
}
#endif

#endif
