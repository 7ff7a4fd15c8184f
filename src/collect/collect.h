/*
 * Whole collections: lists that Redmine gives in pages of 100 rows, joined for
 * who asks for all of them, and pages fetched before a client asks that reads
 * one after the other. The flow asks here at two places (struct flow_collector).
 */
#ifndef COLLECT_COLLECT_H
#define COLLECT_COLLECT_H

#include "collect/totals.h"
#include "collect/walk.h"
#include "flow/flow.h"

#define LIMIT_FIELD "Redmine-Cached-Limit"
#define ROWS_FIELD  "Redmine-Cached-Rows" /* of a joined list: "exact", "checked" */

/* Counted since the start; any thread adds, any reads. */
struct collect_figures {
	atomic_ullong joined;           /* lists */
	atomic_ullong joined_rows;      /* given out in them */
	atomic_ullong pages;            /* asked for them */
	atomic_ullong retried;          /* of these, again after a failure */
	atomic_ullong batches, batched; /* batches, and reads in them */
	atomic_ullong cut;              /* lists that could not be had whole */
};

struct collect {
	struct flow *flow; /* borrowed */
	struct flow_collector hooks;
	struct walks walks;
	struct totals totals; /* of lists that were joined, by their keys */
	struct collect_figures figures;
	atomic_size_t batch_held; /* bytes that batches hold, or may come to hold by what they have asked */
};

/* Puts itself into the flow, before the front starts. Lives as long as the flow. */
void collect_init(struct collect *collect, struct flow *flow);
/* After the last request. A zeroed one is allowed. */
void collect_release(struct collect *collect);

#endif
