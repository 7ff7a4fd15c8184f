/*
 * Engines decide where and when work runs, and nothing else: no caching, no
 * Redmine. The words are those of Python-Redmine's engines: a custom engine
 * provides create_session and process_bulk_request; construct_request,
 * request, bulk_request and process_response come with the base and may be
 * replaced.
 *
 *   engine_submit ▸ bulk_request ▸ process_bulk_request      on the caller's thread, never blocking
 *                                  └▸ construct_request ▸ request ▸ process_response   on the engine's
 *
 * Every job that is submitted ends in exactly one done(): after an answer, a
 * refusal, a time limit, a cancel, at shutdown.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/fail.h"
#include "upstream/job.h"
#include "upstream/session.h"

struct engine;

struct engine_settings {
	struct session_settings session; /* borrowed for the life of the engine */
	int workers;                     /* 0: auto */
	int ceiling;                     /* of auto; 0: the engines' own */
	int queue;                       /* jobs that may wait */
	const char *path;        /* of a plug-in's shared object, NULL for a built-in engine; borrowed as the session */
	const char *options;     /* what the plug-in is told, NULL: nothing; borrowed */
	int recycle_jobs;        /* of the process engine: a worker is replaced after so many; 0: never */
	uint64_t recycle_memory; /* ... or when it has so many resident bytes; 0: never */
};

struct engine_ops {
	unsigned abi; /* ENGINE_ABI */
#define ENGINE_ABI 1
	const char *name;
	int workers_max; /* 1 for an engine that runs one at a time */

	/* What one worker needs to talk to Redmine. NULL with fail set: the engine does not start. Worker's thread or the starting one. */
	struct session *(*create_session)(struct engine *engine, struct fail *fail);
	/* Decides where these run. All are the engine's from now on. Submitting thread; must not block. */
	void (*process_bulk_request)(struct engine *engine, struct job *const *jobs, size_t count);

	/* The rest may be NULL: the base does it. */
	/* While the process has one thread: may fork. From engine_new. 0 or a negative errno. */
	int (*prepare)(struct engine *engine, struct fail *fail);
	/* What prepare made is freed, from engine_free. */
	void (*release)(struct engine *engine);
	/* Starts the workers. 0 or a negative errno. */
	int (*start)(struct engine *engine, struct fail *fail);
	/* Ends them: what runs is finished when drain, else cancelled; what waits is refused. Returns when none is left. */
	void (*stop)(struct engine *engine, bool drain);
	/* A last look at a request before it is sent. */
	void (*construct_request)(struct engine *engine, struct job *job);
	/* Runs one job to its end on a session. */
	void (*request)(struct engine *engine, struct session *session, struct job *job);
	/* The door for several at once: refuses what the queue has no room for. */
	void (*bulk_request)(struct engine *engine, struct job *const *jobs, size_t count);
};

struct engine_figures {
	int workers;             /* that may work now */
	int hands, busy;         /* that there are, and those that work; of the async engine its transfers */
	int queued, queue_limit; /* jobs that wait for a worker */
	uint64_t done, refused;
	uint64_t deaths;    /* workers that ended without being asked to, process engine */
	uint64_t recycled;  /* ... that were replaced after enough jobs or with too much memory */
	uint64_t repeated;  /* ends that a plug-in told of jobs that were over */
	uint64_t abandoned; /* jobs that a plug-in did not end, and that the daemon ended for it */
};

/*
 * NULL and fail set: no engine of that name, a plug-in that cannot be used, out of memory. name: "sync", "thread",
 * "process", "async", or any with settings->path. To be called while the process has one thread: the process engine
 * forks here.
 */
struct engine *engine_new(const char *name, const struct engine_settings *settings, struct fail *fail);
/* Starts its workers; after any fork. 0 or a negative errno. */
int engine_start(struct engine *engine, struct fail *fail);
/* Takes no more jobs (they end in JOB_REFUSED). Any thread. */
void engine_close(struct engine *engine);
/* engine_close, then ends the workers as ops->stop says. */
void engine_stop(struct engine *engine, bool drain);
/* After engine_stop, or before engine_start. NULL is allowed. */
void engine_free(struct engine *engine);

/* One job, or several told together. Never blocks; done() may come before it returns. Any thread. */
void engine_submit(struct engine *engine, struct job *job);
void engine_submit_bulk(struct engine *engine, struct job *const *jobs, size_t count);

/* The name that the engine goes by, as engine_new() was told it. Borrowed from the engine. Any thread. */
const char *engine_name(const struct engine *engine);

/* Workers and jobs of now, sums since engine_new(). Any thread; takes the queue's lock for a moment. */
void engine_get_figures(struct engine *engine, struct engine_figures *ret);

/* For configuration. */
bool engine_known(const char *name);
const char *engine_names(void);

/*
 * Whether the plug-in of an [engine "NAME"] can be used: it is loaded, begins, and is unloaded. redmine: the base URL.
 * 0; a negative errno and the reason in fail, with *ret_began when it could be loaded but does not begin with these
 * options. While the process has one thread.
 */
int engine_check_plugin(const char *name, const char *path, const char *options, const char *redmine, bool *ret_began,
        struct fail *fail);

#endif
