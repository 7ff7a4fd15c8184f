/*
 * How values are spread: counts under rising bounds, and their sum, as
 * Prometheus wants its histograms. Fixed size, no lock, no allocation.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX 20

/* Rising upper bounds, in whole units of what is counted; a value that equals a bound is under it. */
struct histogram_scale {
	size_t count; /* of bounds, at most HISTOGRAM_BOUNDS_MAX; what is above the last has a place of its own */
	int64_t bounds[HISTOGRAM_BOUNDS_MAX];
	int64_t per_second; /* units in a second, for whoever prints seconds */
};

/* Microseconds from 25 us to 60 s, and milliseconds from 1 s to a day. */
extern const struct histogram_scale histogram_durations;
extern const struct histogram_scale histogram_ages;

/* Zero-initialised is empty. Read by any thread at any time. */
struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* each on its own, not summed up */
	_Atomic uint64_t sum;
};

/* Counts a value; below 0 counts as 0. For a histogram that one thread alone writes: no locked instruction. */
void histogram_note(struct histogram *h, const struct histogram_scale *scale, int64_t value);

/* The same for a histogram that several threads write. */
void histogram_add(struct histogram *h, const struct histogram_scale *scale, int64_t value);

/* What several histograms of one scale add up to; plain numbers. */
struct histogram_sum {
	uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
	uint64_t count, sum;
};

/* Adds the numbers of now, read one after the other. Any thread. */
void histogram_collect(const struct histogram *h, struct histogram_sum *sum);

/* The value below which that part (0 to 1) of all lies, by straight lines between the bounds; 0 for an empty one, the last bound for what is above it. */
double histogram_quantile(const struct histogram_sum *sum, const struct histogram_scale *scale, double part);

#endif
