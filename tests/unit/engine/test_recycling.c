/* Workers of the process engine that are replaced before anything can grow in them for ever. */
#include "base/clock.h"

#include "../unit.h"

#include "process_kit.h"

#include <unistd.h>

static uint64_t recycled(struct bed *bed)
{
	struct engine_figures figures;

	engine_get_figures(bed->engine, &figures);
	return figures.recycled;
}

START_TEST(worker_is_replaced_in_time)
{
	struct bed bed;
	pid_t first;

	process_bed_make(&bed, NULL, &(struct bed_options){.workers = 1, .recycle_jobs = 10});
	first = worker_but(0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(worker_but(0), first);
		works(&bed);
	}
	worker_but(first);
	for (int i = 0; i < 15; i++)
		works(&bed);
	UNTIL(recycled(&bed) == 2);
	ck_assert_uint_eq(deaths(&bed), 0);
	bed_clear(&bed);
}
END_TEST

/* Any has more than a byte: each goes after its job, and costs none. */
START_TEST(worker_that_has_grown_is_replaced)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;
	pid_t first;
	int64_t began_us = clock_monotonic_us();

	process_bed_make(&bed, &gates, &(struct bed_options){.workers = 1, .recycle_memory = 1});
	first = worker_but(0);
	UNTIL(recycled(&bed) >= 1);
	first = worker_but(first);
	ask_init(&a, "GET", "/wait");
	engine_submit(bed.engine, &a.job);
	gate_wait(&gates.came);
	first = worker_but(0); /* which may be another by now */
	UNTIL(clock_monotonic_us() - began_us > 2500000);
	ck_assert_int_eq(worker_but(0), first); /* it is at work, however large it is */
	gate_open(&gates.go);
	ask_assert_done(&a, 200, "late");
	worker_but(first);
	ask_release(&a);
	ck_assert_uint_eq(deaths(&bed), 0);
	bed_clear(&bed);
}
END_TEST

/* A sanitizer keeps for a while what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH_MAX (256 << 20)
#else
#define GROWTH_MAX (1 << 20)
#endif

static long resident_bytes(pid_t pid)
{
	char path[64];
	long total = 0, resident = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &resident), 2);
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

/* What the suite over all engines sees of the daemon, of a worker: it does not need to be replaced. */
START_TEST(worker_does_not_grow)
{
	struct bed bed;
	pid_t first;
	long before;

	process_bed_make(&bed, NULL, &(struct bed_options){.workers = 1});
	http_origin_record(bed.http, false);
	first = worker_but(0);
	for (int i = 0; i < 500; i++)
		works(&bed);
	before = resident_bytes(first);
	for (int i = 0; i < 5000; i++)
		works(&bed);
	ck_assert_int_eq(worker_but(0), first);
	ck_assert_int_lt(resident_bytes(first), before + GROWTH_MAX);
	bed_clear(&bed);
}
END_TEST

UNIT_MAIN("recycling", worker_is_replaced_in_time, worker_that_has_grown_is_replaced, worker_does_not_grow)
