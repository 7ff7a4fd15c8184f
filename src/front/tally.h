/*
 * What one event thread has answered, counted by resource, by what the cache
 * did and by status, with the time it took and the age of what was served.
 * Written by its thread alone, with plain loads and stores: a hit costs a few
 * nanoseconds here. Read by any thread.
 */
#ifndef FRONT_TALLY_H
#define FRONT_TALLY_H

#include "base/histogram.h"
#include "flow/cache_status.h"
#include "redmine/resource.h"

/* The rows of redmine/resource.h, then those for which it has none. */
#define TALLY_OTHER   RESOURCE_ROWS_MAX       /* a path that the table does not know */
#define TALLY_OWN     (RESOURCE_ROWS_MAX + 1) /* the daemon's own pages, and what was refused at the door */
#define TALLY_ROWS    (RESOURCE_ROWS_MAX + 2)
#define TALLY_CLASSES 6 /* of status: 0 the client left before an answer, 1xx... 5xx */

/* Zero-initialised is empty. */
struct tally {
	_Atomic uint64_t requests[TALLY_ROWS][CACHE_KINDS][TALLY_CLASSES];
	struct histogram durations[CACHE_KINDS]; /* from the request's head to the end of the answer */
	struct histogram ages;                   /* of what was served from the cache */
};

/* One request as it ended. */
struct tally_request {
	size_t row; /* resource_index(), TALLY_OTHER, TALLY_OWN */
	enum cache_kind kind;
	unsigned status;
	int64_t duration_us;
	int64_t age_ms; /* of a hit; -1: none */
};

/* Counts a request. The thread of the tally. */
void tally_note(struct tally *tally, const struct tally_request *request);

/* Numbers of several tallies, summed up. Large: not for the stack of a small thread. */
struct tally_sum {
	uint64_t requests[TALLY_ROWS][CACHE_KINDS][TALLY_CLASSES];
	struct histogram_sum durations[CACHE_KINDS];
	struct histogram_sum ages;
};

/* Adds the numbers of now, read one after the other. Any thread. */
void tally_collect(const struct tally *tally, struct tally_sum *sum);

/* The name of a row: the resource's, "other", "own". Several rows may share one. Static. NULL: no such row. */
const char *tally_row_name(size_t row);

/* The first row of the same name: where what shares a name is summed up. */
size_t tally_first_row(size_t row);

#endif
