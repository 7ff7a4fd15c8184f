#include "front/tally.h"

#include "base/macros.h"

#include <string.h>

void tally_note(struct tally *tally, const struct tally_request *request)
{
	unsigned class = request->status / 100 < TALLY_CLASSES ? request->status / 100 : TALLY_CLASSES - 1;
	_Atomic uint64_t *count = &tally->requests[request->row][request->kind][class];

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
	histogram_note(&tally->durations[request->kind], &histogram_durations, request->duration_us);
	if (request->age_ms >= 0)
		histogram_note(&tally->ages, &histogram_ages, request->age_ms);
}

void tally_collect(const struct tally *tally, struct tally_sum *sum)
{
	for (size_t row = 0; row < TALLY_ROWS; row++)
		for (size_t kind = 0; kind < CACHE_KINDS; kind++)
			for (size_t class = 0; class < TALLY_CLASSES; class ++)
				sum->requests[row][kind][class] += atomic_load_explicit(
				        &tally->requests[row][kind][class], memory_order_relaxed);
	for (size_t kind = 0; kind < CACHE_KINDS; kind++)
		histogram_collect(&tally->durations[kind], &sum->durations[kind]);
	histogram_collect(&tally->ages, &sum->ages);
}

const char *tally_row_name(size_t row)
{
	const struct resource *resource = row < RESOURCE_ROWS_MAX ? resource_at(row) : NULL;

	if (row == TALLY_OTHER)
		return "other";
	if (row == TALLY_OWN)
		return "own";
	return resource ? resource->name : NULL;
}

size_t tally_first_row(size_t row)
{
	const char *name = tally_row_name(row);
	size_t first = 0;

	ASSERT(name);
	while (!tally_row_name(first) || strcmp(tally_row_name(first), name) != 0)
		first++;
	return first;
}
