/*
 * What was asked of Redmine and how it went: counts by outcome, times by
 * resource, and whether Redmine answers now.
 */
#ifndef FLOW_ASKED_H
#define FLOW_ASKED_H

#include "base/histogram.h"
#include "redmine/resource.h"
#include "upstream/job.h"

#include <stdbool.h>

#define ASKED_ROWS     (RESOURCE_ROWS_MAX + 1) /* by resource_index() */
#define ASKED_OUTCOMES (JOB_CANCELLED + 1)
#define ASKED_CLASSES  6 /* of status, 0: no head came */

/* Zero-initialised: nothing asked yet. Any thread writes and reads. */
struct asked {
	_Atomic uint64_t outcomes[ASKED_OUTCOMES];
	_Atomic uint64_t classes[ASKED_CLASSES];
	struct histogram durations[ASKED_ROWS]; /* of what ended in JOB_DONE */
	_Atomic int64_t fresh_ms[ASKED_ROWS];   /* wall clock: the last answer with 2xx or 3xx; 0: none */
	_Atomic int64_t since_ms;               /* wall clock: since when it is up or down; 0: nothing is known yet */
	atomic_bool down;                       /* the last answer was none, or a 5xx */
};

/* A job about that resource (NULL: unknown path) ended so. status: of the head, 0: none came. now_ms: wall clock. Any thread. */
void asked_note(struct asked *asked, const struct resource *resource, const struct job_result *result, unsigned status,
        int64_t now_ms);

/* A word for the outcome: done, cut, unreachable, no-answer, timeout, refused, cancelled. Static. */
const char *asked_outcome_word(enum job_outcome outcome);

/* "up", "down" or "unknown". Static. */
const char *asked_state_word(const struct asked *asked);

#endif
