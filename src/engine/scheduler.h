/*
 * In front of the engines' queues: what may run goes to its engine at once, the
 * rest waits here, so that whose turn it is can be decided as late as possible.
 * Bounded are what runs in all (the ceiling), what runs on each engine, and
 * what waits for each. Askers take turns; the watcher's looks go before what somebody waits for, that before
 * what is read ahead and that before what is done in the background, but nothing waits for ever.
 */
#ifndef ENGINE_SCHEDULER_H
#define ENGINE_SCHEDULER_H

#include "engine/engine.h"

struct scheduler;
struct lane; /* what the scheduler knows of one engine */

/* ceiling: jobs that may run over all engines; 0: as many as the largest of them. NULL without memory. */
struct scheduler *scheduler_new(int ceiling);
/* No job may wait or run. NULL is allowed. */
void scheduler_free(struct scheduler *s);

/* One more engine, borrowed. Before the first job. NULL without memory; the scheduler's own. */
struct lane *scheduler_add(struct scheduler *s, struct engine *engine);

/*
 * Hands the job to the engine now or when it may run. Refused when as many wait as the engine's queue may have, those that
 * nobody waits for when half as many do, a few looks not even then; and after scheduler_close. Cost without waiting: one lock. Any thread; done() may come before it returns.
 */
void scheduler_submit(struct scheduler *s, struct lane *lane, struct job *job);

/* Looks whether something may run that could not before: after job_hasten(). Any thread, with no lock held that a job's end takes. */
void scheduler_nudge(struct scheduler *s);

/* Refuses what waits and what comes. What runs goes on. Any thread. */
void scheduler_close(struct scheduler *s);

#endif
