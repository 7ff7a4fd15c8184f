/*
 * All engines that run: one is the default, the others serve the requests that
 * name them.
 */
#ifndef ENGINE_ENGINES_H
#define ENGINE_ENGINES_H

#include "engine/engine.h"

struct engines;

/* An empty set, or NULL without memory. ceiling: jobs that may run over all of them; 0: as many as the largest may. */
struct engines *engines_new(int ceiling);
/* Frees the set and its engines, which have been stopped or were never started. NULL is allowed. */
void engines_free(struct engines *engines);

/*
 * Puts an engine into the set, which owns it from now on, also when it fails. The first one is the default until
 * another is said to be. Before engines_start. 0 or -ENOMEM.
 */
int engines_add(struct engines *engines, struct engine *engine, bool is_default) MUST_CHECK;

/* Starts all of them; after any fork. 0, or the negative errno of the first that does not start. */
int engines_start(struct engines *engines, struct fail *fail);
/* Takes no more jobs and ends all workers as engine_stop() does. */
void engines_stop(struct engines *engines, bool drain);

/* The engine that runs under that name; NULL: none does. Any thread, after the last engines_add. */
struct engine *engines_find(const struct engines *engines, const char *name);
/* The one for whoever names none. Any thread. */
struct engine *engines_default(const struct engines *engines);
/* One after the other, counted from 0; NULL past the last. Any thread. */
struct engine *engines_at(const struct engines *engines, size_t index);
/* "async, thread": what runs, cut to size. Any thread. */
void engines_list(const struct engines *engines, char *text, size_t size);

/*
 * One job for one of the engines; NULL: for the default. It waits for its turn as scheduler.h has it. Never blocks; done() may come before it returns. Any thread.
 */
void engines_submit(struct engines *engines, struct engine *engine, struct job *job);

/* After job_hasten(), as scheduler_nudge(). */
void engines_nudge(struct engines *engines);

#endif
