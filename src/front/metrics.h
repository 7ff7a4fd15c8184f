/*
 * /-/metrics: every figure of the daemon as Prometheus reads it, one row each.
 * A new figure is a row in metrics.c (and a member of the snapshot that its
 * owner's *_get_figures() fills).
 */
#ifndef FRONT_METRICS_H
#define FRONT_METRICS_H

#include "collect/collect.h"
#include "flow/changes.h"
#include "flow/credentials.h"
#include "flow/lookout.h"
#include "front/loop.h"

/* All figures, gathered one after the other without stopping anybody. */
struct metrics_snapshot {
	struct front_figures front;
	struct cache_figures cache;
	struct errands_figures errands;
	uint64_t memory_limit, store_limit; /* bytes, as set */
	uint64_t collapsed, stale, breaker_openings, breaker_open, upstream, inner, inner_hits, inner_errors,
	        log_dropped;
	struct {
		uint64_t asked, used, wasted;
	} read_ahead; /* pages */
	uint64_t joined, joined_pages, joined_cut;
	struct credentials_figures credentials;
	struct changes_figures changes;
	struct lookout_figures watch;
	struct tally_sum tally;
	struct histogram_sum asked[ASKED_ROWS]; /* times of Redmine, by resource */
	int64_t fresh_ms[ASKED_ROWS];           /* by row of its name: when Redmine gave a good answer last, 0: never */
	struct histogram_sum asked_all;
};

/* Fills it. conf: the settings in force. Any thread; takes no lock for longer than a moment. Large: allocate it. */
void metrics_gather(struct metrics_snapshot *ret, struct front *front, const struct conf *conf);

/* Prints all metrics. 0 or a buffer's error. Event thread. */
int metrics_print(struct front *front, const struct conf *conf, bool open_metrics, struct buf *out) MUST_CHECK;

#endif
