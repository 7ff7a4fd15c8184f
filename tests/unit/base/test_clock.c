#include "base/clock.h"

#include "../unit.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The coarse clock may be this far behind the true one. */
#define COARSE_MS 100

static int64_t true_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(wall_clock_is_the_true_one)
{
	int64_t before = true_ms(), now = clock_wall_ms(), after = true_ms();

	ck_assert_int_ge(now, before - COARSE_MS);
	ck_assert_int_le(now, after);
}
END_TEST

START_TEST(monotonic_clock_goes_forward)
{
	int64_t last = clock_monotonic_us();

	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_monotonic_us();

		ck_assert_int_ge(now, last);
		last = now;
	}
}
END_TEST

START_TEST(a_test_moves_the_wall_clock)
{
	int64_t monotonic = clock_monotonic_us();
	int64_t now = clock_wall_ms();

	clock_set_offset_ms(3600 * 1000);
	ck_assert_int_eq(clock_offset_ms(), 3600 * 1000);
	ck_assert_int_ge(clock_wall_ms(), now + 3600 * 1000);
	ck_assert_int_lt(clock_monotonic_us() - monotonic, 3600 * 1000000ll);
	clock_set_offset_ms(-3600 * 1000);
	ck_assert_int_lt(clock_wall_ms(), now);
	clock_set_offset_ms(0);
	ck_assert_int_ge(clock_wall_ms(), now);
}
END_TEST

static void write_offset(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(offset_comes_from_the_file)
{
	char path[] = "/tmp/test_clock.XXXXXX";

	close(mkstemp(path));
	unsetenv("REDMINE_CACHED_TEST_CLOCK");
	clock_load_test_offset();
	ck_assert_int_eq(clock_offset_ms(), 0);

	setenv("REDMINE_CACHED_TEST_CLOCK", path, 1);
	write_offset(path, "-12345\n");
	clock_load_test_offset();
	ck_assert_int_eq(clock_offset_ms(), -12345);
	write_offset(path, "no number"); /* changes nothing */
	clock_load_test_offset();
	ck_assert_int_eq(clock_offset_ms(), -12345);
	unlink(path);
	clock_load_test_offset();
	ck_assert_int_eq(clock_offset_ms(), -12345);
}
END_TEST

UNIT_MAIN("clock", wall_clock_is_the_true_one, monotonic_clock_goes_forward, a_test_moves_the_wall_clock,
        offset_comes_from_the_file)
