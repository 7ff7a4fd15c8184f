/*
 * Several reads in one request: asked side by side, equal ones once, answered
 * in order as one JSON document that streams:
 * {"responses":[{"status":200,"headers":{...},"body":...},...]}.
 */
#ifndef COLLECT_BATCH_H
#define COLLECT_BATCH_H

#include "collect/collect.h"

/* One of them. */
struct batch_item {
	char *target;         /* owned: of a GET */
	struct fields fields; /* owned: that it is asked with */
};

struct batch {
	struct batch_item *items; /* owned */
	size_t count;
};

/* Frees what it holds; for CLEANUP too. */
void batch_release(struct batch *batch);

/*
 * Answers r, which is not parked yet and has its flow set, with what comes of the batch, which is taken over and left
 * empty. One that fails does not fail the others. The front's thread; front->ready follows, now or on another.
 */
void batch_start(struct collect *collect, struct request *r, struct batch *batch);

#endif
