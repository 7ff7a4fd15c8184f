/*
 * Waiting for other threads without sleeping: gates that one side opens and
 * the other waits at, and conditions that are looked at again and again. Every
 * wait has a limit, after which the test fails.
 */
#ifndef SUPPORT_WAIT_H
#define SUPPORT_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Seconds; far longer than anything that a test waits for takes, also under a sanitizer on a machine that is slow and
 * busy: it only ends a test that hangs, before Check does (unit.h).
 */
#define WAIT_LIMIT_S 90

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned passed; /* how often it was opened */
};

#define GATE_INIT                                                                                                      \
	{                                                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                                 \
	}

/* Opens it once more; it stays open. Any thread. */
void gate_open(struct gate *gate);

/* Waits until it was opened `times` times. Ends the test at the limit. Any thread. */
void gate_wait_times(struct gate *gate, unsigned times);

static inline void gate_wait(struct gate *gate)
{
	gate_wait_times(gate, 1);
}

/* How often it was opened so far. */
unsigned gate_passed(struct gate *gate);

/* Shuts it for the next round. */
void gate_shut(struct gate *gate);

/* One look of UNTIL: pauses a moment; false when the limit since *start_us (0 at first) is over. */
bool wait_look_again(int64_t *start_us);

/* Waits until the condition holds; fails the test when it does not in time. */
#define UNTIL(condition)                                                                                               \
	do {                                                                                                           \
		int64_t until_start_ = 0;                                                                              \
		while (!(condition))                                                                                   \
			if (!wait_look_again(&until_start_))                                                           \
				ck_abort_msg("not in time: %s", #condition);                                           \
	} while (0)

#endif
