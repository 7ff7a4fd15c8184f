/*
 * The engine of a loaded plug-in: what adapts include/redmine-cached/engine.h
 * to the daemon's own contract, engine.h. Inside the engine room only.
 *
 * The plug-in knows a job by a number, its slot and that slot's generation.
 * The slot has a copy of the request, which a session runs or the plug-in
 * reads, and which stays until the plug-in has told its done(). The daemon's
 * job is ended when the plug-in, a session, the time limit or the stop of the
 * engine says so, whichever is first. So a plug-in that tells an end twice or
 * never does no harm.
 *
 * Locks: a slot's lock, then a job's lock, then the lock of the slot's own copy, of its waiting, of a session.
 */
#ifndef ENGINE_PLUGIN_H
#define ENGINE_PLUGIN_H

#include "engine/base.h"

#include <redmine-cached/engine.h>

enum slot_state {
	SLOT_FREE,
	SLOT_OPEN,     /* the daemon waits for its end */
	SLOT_IN_CALL,  /* ... and is being told something */
	SLOT_EXAMINED, /* ... and its time limit is looked at, for a moment */
	SLOT_OVER,     /* the daemon was told its end */
};

struct slot {
	struct plugin *plugin;
	uintptr_t index;
	_Atomic uintptr_t generation; /* changes when the plug-in has told its end */
	struct rc_job *number;        /* of the job that it has: the generation at its opening, and the index */
	atomic_int state;             /* enum slot_state */
	atomic_int refs;              /* the daemon's, the plug-in's, a session's */
	pthread_mutex_t lock;         /* guards job */
	struct job *job;              /* the daemon's; NULL from its end on */
	struct job copy;              /* of the request */
	char *text;                   /* its method and target */
	void *own;                    /* the plug-in's */
	bool head_told;

	pthread_mutex_t wait_lock; /* guards awake */
	pthread_cond_t waits;
	bool awake;

	atomic_bool busy, queued, held, in_session;
	int64_t started_us;
	_Atomic int64_t heard_us, limit_us; /* the last progress, and how long there may be none */
	struct slot *next_free;
};

#define SLOT_INDEX_BITS 20
#define SLOTS_A_CHUNK   1024
#define SLOT_CHUNKS     ((1 << SLOT_INDEX_BITS) / SLOTS_A_CHUNK)

struct rc_session {
	struct plugin *plugin;
	struct session *session;
	struct rc_session *next, *previous;
};

struct plugin_pool;

struct plugin {
	struct engine *engine;
	void *object; /* dlopen's */
	struct rc_engine_ops ops;
	struct rc_engine face;    /* what the plug-in sees; first found by plugin_of() */
	bool begun;               /* init() has succeeded */
	bool started;             /* start() has */
	struct plugin_pool *pool; /* the base's threads, when the plug-in has none; NULL otherwise and before */

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t watch;
	struct slot *_Atomic chunks[SLOT_CHUNKS];
	size_t slots, open;
	struct slot *free;
	struct rc_session *sessions;
	pthread_t watcher;
	bool watching, watched_enough;
};

/* The plug-in behind what it sees of itself. */
static inline struct plugin *plugin_of(struct rc_engine *face)
{
	return (struct plugin *)((char *)face - offsetof(struct plugin, face));
}

/* The table that every plug-in gets. */
extern const struct rc_host plugin_host;

/* A slot for a job that the engine was given; NULL: no room or memory, and the job is as it was. Submitting thread. */
struct slot *slot_open(struct plugin *plugin, struct job *job);
/* The slot of a number, while the plug-in has not told its end; NULL: it has, or it is no such number. Any thread. */
struct slot *slot_find(struct plugin *plugin, struct rc_job *number);
/* The slot of a job that is open, such as one from the queue. */
struct slot *slot_of_job(struct job *job);

/* Before and after something is told of it: false when it is over, or another thread is telling. */
bool slot_enter(struct slot *slot);
void slot_leave(struct slot *slot);

/* What the daemon is told, and asked. As the job's client answers; RC_GONE when it is over. */
int slot_interim(struct slot *slot, const struct job_head *head);
int slot_head(struct slot *slot, const struct job_head *head);
int slot_body(struct slot *slot, const char *data, size_t size);
ssize_t slot_upload(struct slot *slot, char *room, size_t size);

/* The worker's turn begins: it counts as busy, and its time runs. */
void slot_begin(struct slot *slot);
/* Something came for it. */
void slot_progress(struct slot *slot);
/* Tells the daemon its end, if nothing did before. False: it was over. */
bool slot_end(struct slot *slot, const struct job_result *result);
/* The same when it is its plug-in's turn and its time is over; counts it. */
void slot_end_overdue(struct slot *slot);
/* The plug-in's part in it is over: its number means nothing from now on. False: it was already. */
bool slot_forget(struct slot *slot);
void slot_ref(struct slot *slot);
void slot_unref(struct slot *slot);

/* Calls visit for every slot that is in use; no lock is held. */
void slots_visit(struct plugin *plugin, void (*visit)(struct slot *slot));
/* Frees all; none is in use by anybody. */
void slots_release(struct plugin *plugin);

/* The thread that ends what has no progress for too long. 0 or a negative errno. */
int watch_start(struct plugin *plugin, struct fail *fail);
void watch_stop(struct plugin *plugin);

/* Ends it as refused, before the plug-in began with it. */
void plugin_refuse(struct slot *slot, const char *text);

/* rc_option and rc_options_known. */
int plugin_option(struct rc_engine *face, const char *name, char *room, size_t size);
int plugin_options_known(struct rc_engine *face, const char *names, char *why, size_t why_size);

/* Sessions as the plug-in has them; rc_session_new and its kin. */
struct rc_session *plugin_session_new(struct plugin *plugin, int width, struct fail *fail);
void plugin_session_free(struct rc_session *session);
/* 0, RC_GONE. */
int plugin_session_start(struct rc_session *session, struct rc_job *number);
/* Ends and frees those that the plug-in has left. No thread of it runs any more. */
void plugin_sessions_release(struct plugin *plugin);

/* The base's threads, for a plug-in that has none of its own. As engine_ops' start and stop. */
int plugin_pool_start(struct plugin *plugin, struct fail *fail);
void plugin_pool_stop(struct plugin *plugin);
/* Before a job is put into the queue: one thread more, if nobody is free for it and another is allowed. Any thread. */
void plugin_pool_grow(struct plugin *plugin);
/* After plugin_pool_stop, when nobody can come any more. */
void plugin_pool_free(struct plugin *plugin);

#endif
