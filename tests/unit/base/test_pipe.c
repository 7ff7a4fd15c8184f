#include "base/pipe.h"

#include "../unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* Counts the wakes of a side. */
static void count_wake(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void assert_reads(struct pipe *p, size_t room, const char *expected)
{
	char bytes[256];
	ssize_t n = pipe_read(p, bytes, room);

	ck_assert_int_eq(n, (ssize_t)strlen(expected));
	ck_assert_int_eq(memcmp(bytes, expected, strlen(expected)), 0);
}

START_TEST(passes_bytes_in_order)
{
	struct pipe p;

	pipe_init(&p, 10);
	ck_assert_uint_eq(pipe_waiting(&p), 0);
	ck_assert_int_eq(pipe_write(&p, "abc", 3), 0);
	ck_assert_int_eq(pipe_write(&p, "", 0), 0);
	ck_assert_int_eq(pipe_write(&p, "def", 3), 0);
	ck_assert_uint_eq(pipe_waiting(&p), 6);
	assert_reads(&p, 2, "ab");
	assert_reads(&p, 100, "cdef");
	ck_assert_uint_eq(p.passed, 6);
	pipe_release(&p);
}
END_TEST

START_TEST(holds_at_the_limit_and_lets_a_little_past_it)
{
	struct pipe p;

	pipe_init(&p, 4);
	ck_assert(!pipe_holds(&p));
	ck_assert_int_eq(pipe_write(&p, "abc", 3), 0);
	ck_assert(!pipe_holds(&p));
	ck_assert_int_eq(pipe_write(&p, "defgh", 5), 0); /* whole, past the limit */
	ck_assert(pipe_holds(&p));
	ck_assert_int_eq(pipe_write(&p, "i", 1), PIPE_HOLD);
	ck_assert_uint_eq(pipe_waiting(&p), 8);
	ck_assert_int_eq(pipe_push(&p, "i", 1), 0);
	assert_reads(&p, 100, "abcdefghi");
	ck_assert(!pipe_holds(&p));
	pipe_release(&p);
}
END_TEST

START_TEST(wakes_a_reader_that_was_told_to_hold_once)
{
	atomic_int wakes = 0;
	char c;
	struct pipe p;

	pipe_init(&p, 4);
	pipe_set_reader(&p, count_wake, &wakes);
	ck_assert_int_eq(pipe_write(&p, "a", 1), 0);
	ck_assert_int_eq(wakes, 0); /* it has not asked */
	assert_reads(&p, 1, "a");
	ck_assert_int_eq(pipe_read(&p, &c, 1), PIPE_HOLD);
	ck_assert_int_eq(pipe_read(&p, &c, 1), PIPE_HOLD);
	ck_assert_int_eq(pipe_write(&p, "b", 1), 0);
	ck_assert_int_eq(pipe_write(&p, "c", 1), 0);
	ck_assert_int_eq(wakes, 1);
	assert_reads(&p, 2, "bc");
	ck_assert_int_eq(pipe_read(&p, &c, 1), PIPE_HOLD);
	pipe_end(&p, 0);
	ck_assert_int_eq(wakes, 2);
	pipe_release(&p);
}
END_TEST

START_TEST(wakes_a_held_writer_when_half_is_gone)
{
	atomic_int wakes = 0;
	struct pipe p;

	pipe_init(&p, 4);
	pipe_set_writer(&p, count_wake, &wakes);
	ck_assert_int_eq(pipe_write(&p, "abcd", 4), 0);
	assert_reads(&p, 1, "a");
	ck_assert_int_eq(pipe_push(&p, "e", 1), 0);
	ck_assert_int_eq(wakes, 0);
	ck_assert_int_eq(pipe_write(&p, "f", 1), PIPE_HOLD);
	assert_reads(&p, 1, "b");
	ck_assert_int_eq(wakes, 0);
	assert_reads(&p, 1, "c");
	ck_assert_int_eq(wakes, 1);
	assert_reads(&p, 1, "d");
	ck_assert_int_eq(wakes, 1);
	pipe_release(&p);
}
END_TEST

START_TEST(end_comes_after_the_bytes)
{
	char c;
	struct pipe p;

	pipe_init(&p, 4);
	ck_assert_int_eq(pipe_write(&p, "ab", 2), 0);
	pipe_end(&p, -ECONNRESET);
	pipe_end(&p, 0); /* the first counts */
	ck_assert_int_eq(pipe_write(&p, "c", 1), -EPIPE);
	ck_assert_int_eq(pipe_push(&p, "c", 1), -EPIPE);
	assert_reads(&p, 10, "ab");
	ck_assert_int_eq(pipe_read(&p, &c, 1), -ECONNRESET);
	ck_assert_int_eq(pipe_read(&p, &c, 1), -ECONNRESET);
	pipe_release(&p);

	pipe_init(&p, 1);
	pipe_end(&p, 0);
	ck_assert_int_eq(pipe_read(&p, &c, 1), 0);
	pipe_release(&p);
}
END_TEST

/* Who has ended is not called any more: what its callback would touch may be gone. */
START_TEST(nobody_is_woken_after_its_own_end)
{
	atomic_int reader = 0, writer = 0;
	char c;
	struct pipe p;

	pipe_init(&p, 1);
	pipe_set_reader(&p, count_wake, &reader);
	pipe_set_writer(&p, count_wake, &writer);
	ck_assert_int_eq(pipe_write(&p, "a", 1), 0);
	ck_assert_int_eq(pipe_write(&p, "b", 1), PIPE_HOLD);
	pipe_end(&p, 0);
	assert_reads(&p, 1, "a");
	ck_assert_int_eq(writer, 0);
	pipe_release(&p);

	pipe_init(&p, 1);
	pipe_set_reader(&p, count_wake, &reader);
	ck_assert_int_eq(pipe_read(&p, &c, 1), PIPE_HOLD);
	pipe_abandon(&p);
	ck_assert_int_eq(pipe_write(&p, "a", 1), -EPIPE);
	pipe_end(&p, 0);
	ck_assert_int_eq(reader, 0);
	pipe_release(&p);
}
END_TEST

START_TEST(abandoned_drops_what_waits_and_lets_the_writer_go)
{
	atomic_int writer = 0;
	struct pipe p;

	pipe_init(&p, 2);
	pipe_set_writer(&p, count_wake, &writer);
	ck_assert_int_eq(pipe_write(&p, "ab", 2), 0);
	ck_assert_int_eq(pipe_write(&p, "c", 1), PIPE_HOLD);
	pipe_abandon(&p);
	ck_assert_int_eq(writer, 1);
	ck_assert_uint_eq(pipe_waiting(&p), 0);
	ck_assert(!pipe_holds(&p));
	ck_assert_int_eq(pipe_write(&p, "c", 1), -EPIPE);
	pipe_abandon(&p);
	ck_assert_int_eq(writer, 1);
	pipe_release(&p);
}
END_TEST

/* Every size of write and read, so that the ring wraps at each place and grows while it is wrapped. */
START_TEST(ring_wraps_and_grows)
{
	static char out[8192], in[8192], expected[8192];
	struct pipe p;
	unsigned char written = 0, read = 0;
	size_t waiting = 0;

	pipe_init(&p, 1000000);
	for (size_t round = 0; round < 3000; round++) {
		size_t size = round * 7919 % 5000 + 1;
		ssize_t n;

		for (size_t i = 0; i < size; i++)
			out[i] = (char)written++;
		ck_assert_int_eq(pipe_write(&p, out, size), 0);
		waiting += size;
		n = pipe_read(&p, in, round < 1500 ? round * 6007 % 4000 + 1 : sizeof(in));
		ck_assert_int_gt(n, 0);
		for (ssize_t i = 0; i < n; i++)
			expected[i] = (char)read++;
		ck_assert_mem_eq(in, expected, n);
		waiting -= (size_t)n;
		ck_assert_uint_eq(pipe_waiting(&p), waiting);
	}
	pipe_release(&p);
}
END_TEST

struct side {
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool awake;
};

static void wake_side(void *arg)
{
	struct side *side = arg;

	pthread_mutex_lock(&side->lock);
	side->awake = true;
	pthread_cond_signal(&side->woken);
	pthread_mutex_unlock(&side->lock);
}

static void sleep_until_woken(struct side *side)
{
	pthread_mutex_lock(&side->lock);
	while (!side->awake)
		pthread_cond_wait(&side->woken, &side->lock);
	side->awake = false;
	pthread_mutex_unlock(&side->lock);
}

#define THROUGH (4 * 1024 * 1024)

struct stream {
	struct pipe pipe;
	struct side reader, writer;
};

static void *write_all(void *arg)
{
	struct stream *s = arg;
	char block[1000];
	unsigned char next = 0;

	for (size_t at = 0; at < THROUGH;) {
		size_t size = at % sizeof(block) + 1;
		int r;

		if (size > THROUGH - at)
			size = THROUGH - at;
		for (size_t i = 0; i < size; i++)
			block[i] = (char)(unsigned char)(next + i);
		while ((r = pipe_write(&s->pipe, block, size)) == PIPE_HOLD)
			sleep_until_woken(&s->writer);
		ck_assert_int_eq(r, 0);
		next = (unsigned char)(next + size);
		at += size;
	}
	pipe_end(&s->pipe, 0);
	return NULL;
}

/* Two threads that sleep whenever they are told to hold: no wake is missed, or this never ends. */
START_TEST(no_wake_is_missed)
{
	struct stream *s = calloc(1, sizeof(*s));
	pthread_t thread;
	unsigned char next = 0;
	size_t all = 0;
	char block[777];
	ssize_t n;

	pthread_mutex_init(&s->reader.lock, NULL);
	pthread_mutex_init(&s->writer.lock, NULL);
	pthread_cond_init(&s->reader.woken, NULL);
	pthread_cond_init(&s->writer.woken, NULL);
	pipe_init(&s->pipe, 1500);
	pipe_set_reader(&s->pipe, wake_side, &s->reader);
	pipe_set_writer(&s->pipe, wake_side, &s->writer);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_all, s), 0);
	while ((n = pipe_read(&s->pipe, block, sizeof(block))) != 0) {
		if (n == PIPE_HOLD) {
			sleep_until_woken(&s->reader);
			continue;
		}
		ck_assert_int_gt(n, 0);
		for (ssize_t i = 0; i < n; i++)
			if ((unsigned char)block[i] != next++)
				ck_abort_msg("byte %zu is wrong", all + (size_t)i);
		all += (size_t)n;
	}
	ck_assert_uint_eq(all, THROUGH);
	pthread_join(thread, NULL);
	pipe_release(&s->pipe);
	free(s);
}
END_TEST

UNIT_MAIN("pipe", passes_bytes_in_order, holds_at_the_limit_and_lets_a_little_past_it,
        wakes_a_reader_that_was_told_to_hold_once, wakes_a_held_writer_when_half_is_gone, end_comes_after_the_bytes,
        nobody_is_woken_after_its_own_end, abandoned_drops_what_waits_and_lets_the_writer_go, ring_wraps_and_grows,
        no_wake_is_missed)
