#include "base/histogram.h"

#define SECOND_US 1000000
#define MINUTE_MS 60000

const struct histogram_scale histogram_durations = {
        .count = 20,
        .bounds = {25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, SECOND_US,
                2500000, 5 * SECOND_US, 10 * SECOND_US, 30 * SECOND_US, 60 * SECOND_US},
        .per_second = SECOND_US,
};

const struct histogram_scale histogram_ages = {
        .count = 13,
        .bounds = {1000, 2000, 5000, 10000, 20000, 30000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS,
                60 * MINUTE_MS, 360 * MINUTE_MS, 1440 * MINUTE_MS},
        .per_second = 1000,
};

/* From below: what is counted most often, a hit's time, is under the first bounds. */
static size_t place_of(const struct histogram_scale *scale, int64_t value)
{
	size_t place = 0;

	while (place < scale->count && value > scale->bounds[place])
		place++;
	return place;
}

static void raise(_Atomic uint64_t *number, uint64_t by)
{
	atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + by, memory_order_relaxed);
}

void histogram_note(struct histogram *h, const struct histogram_scale *scale, int64_t value)
{
	if (value < 0)
		value = 0;
	raise(&h->counts[place_of(scale, value)], 1);
	raise(&h->sum, (uint64_t)value);
}

void histogram_add(struct histogram *h, const struct histogram_scale *scale, int64_t value)
{
	if (value < 0)
		value = 0;
	atomic_fetch_add_explicit(&h->counts[place_of(scale, value)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, (uint64_t)value, memory_order_relaxed);
}

void histogram_collect(const struct histogram *h, struct histogram_sum *sum)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS_MAX; i++) {
		uint64_t count = atomic_load_explicit(&h->counts[i], memory_order_relaxed);

		sum->counts[i] += count;
		sum->count += count;
	}
	sum->sum += atomic_load_explicit(&h->sum, memory_order_relaxed);
}

double histogram_quantile(const struct histogram_sum *sum, const struct histogram_scale *scale, double part)
{
	double wanted = part * (double)sum->count, before = 0;

	if (sum->count == 0)
		return 0;
	for (size_t i = 0; i < scale->count; i++) {
		double here = (double)sum->counts[i], low = i > 0 ? (double)scale->bounds[i - 1] : 0;

		if (here > 0 && before + here >= wanted)
			return low + ((double)scale->bounds[i] - low) * ((wanted - before) / here);
		before += here;
	}
	return (double)scale->bounds[scale->count - 1];
}
