#include "base/log_ring.h"

#include "base/macros.h"

#include "../unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct log_ring ring;
static char out[LOG_RING_SIZE];

/* Each test begins with the ring as the last one left it, but empty. */
static void empty_ring(void)
{
	while (log_ring_take(&ring, out, sizeof(out)) > 0)
		continue;
	ck_assert_uint_eq(log_ring_used(&ring), 0);
}

START_TEST(lines_come_out_whole_and_in_order)
{
	empty_ring();
	ck_assert(log_ring_put(&ring, "one\n", 4));
	ck_assert(log_ring_put(&ring, "the second\n", 11));
	ck_assert(log_ring_put(&ring, "3", 1));
	ck_assert_uint_gt(log_ring_used(&ring), 0);
	ck_assert_uint_eq(log_ring_take(&ring, out, sizeof(out)), 16);
	ck_assert_mem_eq(out, "one\nthe second\n3", 16);
	ck_assert_uint_eq(log_ring_used(&ring), 0);
	ck_assert_uint_eq(log_ring_take(&ring, out, sizeof(out)), 0);
}
END_TEST

START_TEST(what_does_not_fit_out_stays)
{
	static char line[LOG_RING_LINE_MAX];

	empty_ring();
	memset(line, 'x', sizeof(line));
	ck_assert(log_ring_put(&ring, "first", 5));
	ck_assert(log_ring_put(&ring, line, sizeof(line)));
	ck_assert_uint_eq(log_ring_take(&ring, out, LOG_RING_LINE_MAX), 5);
	ck_assert_uint_eq(log_ring_take(&ring, out, LOG_RING_LINE_MAX), LOG_RING_LINE_MAX);
	ck_assert_mem_eq(out, line, LOG_RING_LINE_MAX);
}
END_TEST

START_TEST(a_full_ring_refuses_and_recovers)
{
	char line[100];
	size_t put = 0, taken = 0, n;

	empty_ring();
	memset(line, 'y', sizeof(line));
	while (log_ring_put(&ring, line, sizeof(line)))
		put++;
	ck_assert_uint_gt(put, LOG_RING_SIZE / sizeof(line) / 2);
	ck_assert_uint_le(log_ring_used(&ring), LOG_RING_SIZE);
	ck_assert(!log_ring_put(&ring, line, sizeof(line)));
	while ((n = log_ring_take(&ring, out, LOG_RING_LINE_MAX)) > 0)
		taken += n;
	ck_assert_uint_eq(taken, put * sizeof(line));
	ck_assert(log_ring_put(&ring, line, sizeof(line)));
}
END_TEST

/* Lines of every size over many turns of the ring, so that each distance from its end is met. */
START_TEST(every_size_survives_the_turn)
{
	static char line[LOG_RING_LINE_MAX];

	empty_ring();
	for (size_t i = 0; i < 20000; i++) {
		size_t size = 1 + i * 7919 % 1000;

		memset(line, (int)('a' + i % 26), size);
		ck_assert(log_ring_put(&ring, line, size));
		ck_assert_uint_eq(log_ring_take(&ring, out, sizeof(out)), size);
		ck_assert_mem_eq(out, line, size);
	}
}
END_TEST

#define WRITERS 4
#define LINES   20000

static atomic_uint refused;

static void *put_lines(void *number)
{
	char line[64];

	for (unsigned i = 0; i < LINES; i++) {
		int size = snprintf(line, sizeof(line), "%c %u %.*s\n", *(char *)number, i, (int)(i % 40),
		        "........................................");

		while (!log_ring_put(&ring, line, (size_t)size))
			atomic_fetch_add(&refused, 1); /* the one who takes is slower: try again */
	}
	return NULL;
}

START_TEST(many_put_while_one_takes)
{
	char names[WRITERS] = {'a', 'b', 'c', 'd'};
	unsigned next[WRITERS] = {0};
	pthread_t threads[WRITERS];
	size_t lines = 0;

	empty_ring();
	for (size_t i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, put_lines, &names[i]), 0);
	while (lines < WRITERS * LINES) {
		size_t size = log_ring_take(&ring, out, sizeof(out) - 1);
		char *line = out;

		out[size] = '\0';
		while (line < out + size) {
			char *end = strchr(line, '\n');
			unsigned number;
			char name;

			/* each thread's own order is kept */
			if (!end || sscanf(line, "%c %u", &name, &number) != 2 || number != next[name - 'a']++)
				ck_abort_msg("not the line that should come: %s", line);
			line = end + 1;
			lines++;
		}
	}
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(log_ring_used(&ring), 0);
}
END_TEST

UNIT_MAIN("log_ring", lines_come_out_whole_and_in_order, what_does_not_fit_out_stays, a_full_ring_refuses_and_recovers,
        every_size_survives_the_turn, many_put_while_one_takes)
