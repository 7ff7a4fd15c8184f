#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static _Atomic int64_t offset_ms;

int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 +
	       atomic_load_explicit(&offset_ms, memory_order_relaxed);
}

int64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_set_offset_ms(int64_t offset)
{
	atomic_store(&offset_ms, offset);
}

int64_t clock_offset_ms(void)
{
	return atomic_load(&offset_ms);
}

void clock_load_test_offset(void)
{
	const char *path = getenv("REDMINE_CACHED_TEST_CLOCK");
	long long offset;
	FILE *file;

	if (!path)
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	if (fscanf(file, "%lld", &offset) == 1)
		clock_set_offset_ms(offset);
	fclose(file);
}
