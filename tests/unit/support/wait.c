#include "wait.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->passed++;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void gate_wait_times(struct gate *gate, unsigned times)
{
	struct timespec end;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_LIMIT_S;
	pthread_mutex_lock(&gate->lock);
	while (gate->passed < times && r == 0)
		r = pthread_cond_timedwait(&gate->changed, &gate->lock, &end);
	pthread_mutex_unlock(&gate->lock);
	if (r == 0)
		return;
	fprintf(stderr, "a gate was not opened in time\n"); /* maybe not on the test's own thread: no ck_abort */
	abort();
}

unsigned gate_passed(struct gate *gate)
{
	unsigned passed;

	pthread_mutex_lock(&gate->lock);
	passed = gate->passed;
	pthread_mutex_unlock(&gate->lock);
	return passed;
}

void gate_shut(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->passed = 0;
	pthread_mutex_unlock(&gate->lock);
}

bool wait_look_again(int64_t *start_us)
{
	struct timespec pause = {.tv_nsec = 500000};
	int64_t now_us = clock_monotonic_us();

	if (*start_us == 0)
		*start_us = now_us;
	nanosleep(&pause, NULL);
	return now_us - *start_us < WAIT_LIMIT_S * INT64_C(1000000);
}
