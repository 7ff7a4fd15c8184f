/*
 * What the origin of the tests on ends and cancels does, and what they share.
 */
#ifndef ENGINE_CONFORMANCE_ACTS_H
#define ENGINE_CONFORMANCE_ACTS_H

#include "conformance.h"

/* For the acts that wait: the request came; the act may go on. */
struct gates {
	struct gate came, go;
};

/* An engine before the origin of these acts; gates may be NULL when none of them waits. */
void acts_make(struct bed *bed, int index, struct gates *gates, const struct bed_options *options);

/*
 * Runs workers' worth of jobs that wait at the origin, so that what follows has to queue. One by one: the queue may be
 * short.
 */
void acts_occupy(struct bed *bed, struct gates *gates, struct ask *asks, size_t count);

/* A thread that submits many jobs. */
struct submitter {
	struct bed *bed;
	struct ask asks[50];
	pthread_t thread;
};

/* Makes the jobs and starts the thread. */
void submitter_start(struct submitter *submitter, struct bed *bed);
/* Waits for the thread and the end of every job; outcome: what each must be, -1: anything. Releases the jobs. */
void submitter_end(struct submitter *submitter, int outcome);

#endif
