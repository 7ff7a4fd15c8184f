/*
 * What engines are made of: the object itself, a bounded queue of jobs, and
 * the base's own verbs. Included by engines only.
 */
#ifndef ENGINE_BASE_H
#define ENGINE_BASE_H

#include "engine/engine.h"

struct job_queue_sleeper;

struct job_queue {
	pthread_mutex_t lock;
	struct job_queue_sleeper *sleepers; /* who waits for a job, the last to come first */
	atomic_int asleep;                  /* how many */
	struct job *first, *last;
	int size, limit;
	bool closed;
};

struct engine {
	unsigned magic;
#define ENGINE_MAGIC 0xe4614e00
	const struct engine_ops *ops;
	char *name;
	struct engine_settings settings;
	struct job_queue queue;
	pthread_rwlock_t door; /* read: jobs are brought in; write: it is shut, before the workers end */
	bool shut;
	void *own;              /* the kind's own state */
	bool automatic;         /* how many may run is found by trying, up to settings.workers */
	int workers_first;      /* workers to start with */
	atomic_int allowed;     /* jobs that may run now */
	atomic_int waiting;     /* jobs that wait in front of the queue */
	atomic_int busy, hands; /* workers at work, and all that there are */
	atomic_ullong done, refused, deaths, recycled, repeated, abandoned;
};

/* An empty, open queue. limit: jobs that may wait. Jobs in it are linked, not owned. */
void job_queue_init(struct job_queue *q, int limit);
void job_queue_release(struct job_queue *q); /* must be empty */
/* 0; -ENOBUFS: full; -ESHUTDOWN: closed. Any thread. */
int job_queue_put(struct job_queue *q, struct job *job);
/* The next job, or NULL when none waits; *ret_over: none will come any more. Any thread. */
struct job *job_queue_try(struct job_queue *q, bool *ret_over);
/* Waits for a job; NULL when the queue is closed and empty. Of those who wait the last to come is served first: its caches are warm. */
struct job *job_queue_take(struct job_queue *q);
/* This thread does nothing but take from that queue, until its end. A plug-in's never say so: what they do between jobs is theirs. */
void job_queue_own(const struct job_queue *q);
/*
 * This thread has just finished a job and, if it lives by a queue, comes back for the next in a moment: one job put into
 * that queue until job_queue_returning(false) is its own, and nobody is woken for it.
 */
void job_queue_returning(bool on);
/* True when a job put now finds nobody who waits, nor this thread itself. */
bool job_queue_lacks_hands(const struct job_queue *q);
/* No more is taken in; who waits is woken. */
void job_queue_close(struct job_queue *q);
/* Refuses all that waits. */
void job_queue_refuse_all(struct job_queue *q, const char *text);

/* A session with the engine's settings, the caller's to free; NULL with fail set. For the thread that will use it. */
struct session *base_create_session(struct engine *engine, struct fail *fail);
/* Runs one job to its end on the session. Blocks; on the session's thread. */
void base_request(struct engine *engine, struct session *session, struct job *job);
/* Hands all jobs to the engine's process_bulk_request at once. Submitting thread. */
void base_bulk_request(struct engine *engine, struct job *const *jobs, size_t count);
/* construct_request, request and the counting around them, as a worker does it. */
void base_run(struct engine *engine, struct session *session, struct job *job);
/* Ends a job that the engine does not take. */
void base_refuse(struct engine *engine, struct job *job, const char *text);

/* A pool of up to settings.workers threads that take from the queue: what sync and thread share. */
int pool_start(struct engine *engine, struct fail *fail);
void pool_stop(struct engine *engine, bool drain);
void pool_release(struct engine *engine);
void pool_process_bulk_request(struct engine *engine, struct job *const *jobs, size_t count);
/* Puts them into the queue and refuses what it does not take. */
void pool_put(struct engine *engine, struct job *const *jobs, size_t count);

extern const struct engine_ops engine_sync;
extern const struct engine_ops engine_thread;
extern const struct engine_ops engine_process;
extern const struct engine_ops engine_async;
extern const struct engine_ops engine_plugin; /* for a name with a path */

#endif
