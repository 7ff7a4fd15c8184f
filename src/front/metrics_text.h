/*
 * Prometheus' text exposition format 0.0.4 and OpenMetrics 1.0, which differ in
 * the names of counters, in units and in how a page ends.
 */
#ifndef FRONT_METRICS_TEXT_H
#define FRONT_METRICS_TEXT_H

#include "base/buf.h"
#include "base/histogram.h"

#include <stdbool.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* One page under way. After the first failure (out of memory) everything else does nothing. */
struct metrics_text {
	struct buf *out;
	bool open_metrics;
	int result;       /* 0, or the first error of a buffer */
	const char *name; /* of the family under way, without _total */
	enum metric_type type;
};

/* Content-Type of a page in that format. Static. */
const char *metrics_content_type(bool open_metrics);

/* Whether an Accept field (NULL: none) prefers OpenMetrics, by its quality values (RFC 9110 section 12.5.1). */
bool metrics_wants_open(const char *accept);

/* Begins a family. name: without "_total", of a unit in the end where it has one ("..._seconds", "..._bytes"). */
void metrics_family(struct metrics_text *text, const char *name, enum metric_type type, const char *help);

/* A sample of the family. labels: as between the braces, values quoted (metrics_label); "" for none. */
void metrics_sample(struct metrics_text *text, const char *labels, double value);

/* A histogram of the family, in seconds. */
void metrics_histogram(struct metrics_text *text, const char *labels, const struct histogram_scale *scale,
        const struct histogram_sum *sum);

/* Ends the page. 0 or what went wrong. */
int metrics_end(struct metrics_text *text) MUST_CHECK;

/* name="value" with what would break it escaped, into room; cut when it does not fit, which leaves it whole. Returns room. */
const char *metrics_label(char *room, size_t size, const char *name, const char *value);

#endif
