/*
 * The time, as everything in the daemon sees it. Ages, lifetimes and dates use
 * the wall clock in milliseconds since 1970 UTC; waits use the monotonic one.
 * A test moves the wall clock instead of sleeping.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 UTC plus the offset of a test. Any thread; coarse (a few ms), never a system call's cost. */
int64_t clock_wall_ms(void);

/* Microseconds of the monotonic clock, for measuring. Any thread. */
int64_t clock_monotonic_us(void);

/* Moves the wall clock by so many milliseconds from the true time (0: none). Any thread. */
void clock_set_offset_ms(int64_t offset);
int64_t clock_offset_ms(void);

/*
 * Reads the offset from the file that the environment's REDMINE_CACHED_TEST_CLOCK
 * names (one decimal number, milliseconds). Without the variable nothing
 * happens. Called at start and on SIGUSR2, from the main thread.
 */
void clock_load_test_offset(void);

#endif
