/*
 * How many rows lists had when they were read last: so that the next reader
 * need not wait for the first page to know how many there are. A guess: lists
 * change. Small, and forgetful where two lists meet in one place.
 */
#ifndef COLLECT_TOTALS_H
#define COLLECT_TOTALS_H

#include "cache/key.h"

#include <pthread.h>
#include <stdint.h>

#define TOTALS 512 /* lists remembered at most */

struct totals {
	pthread_mutex_t lock;
	struct {
		uint64_t name; /* of the key's bytes; 0: free */
		int64_t rows;
	} items[TOTALS];
};

/* Nothing is known yet. One thread, before any other call. */
void totals_init(struct totals *totals);
void totals_release(struct totals *totals); /* nobody looks any more */

/* That list has so many rows, 0 or more. Any thread. */
void totals_note(struct totals *totals, const struct cache_key *key, int64_t rows);
/* How many it had, -1: not known. Any thread. */
int64_t totals_find(struct totals *totals, const struct cache_key *key);

#endif
