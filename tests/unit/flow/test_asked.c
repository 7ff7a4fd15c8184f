#include "flow/asked.h"

#include "../unit.h"

static void note(struct asked *asked, enum job_outcome outcome, unsigned status, int64_t now_ms)
{
	struct job_result result = {.outcome = outcome, .upstream_us = 1000};

	asked_note(asked, resource_at(0), &result, status, now_ms);
}

START_TEST(outcomes_and_times)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	struct histogram_sum sum = {0};

	note(asked, JOB_DONE, 200, 1);
	note(asked, JOB_DONE, 304, 2);
	note(asked, JOB_TIMEOUT, 0, 3);
	note(asked, JOB_DONE, 500, 4);
	ck_assert_int_eq(asked->fresh_ms[0], 2);
	ck_assert_int_eq(asked->fresh_ms[1], 0);
	ck_assert_uint_eq(asked->outcomes[JOB_DONE], 3);
	ck_assert_uint_eq(asked->outcomes[JOB_TIMEOUT], 1);
	ck_assert_uint_eq(asked->classes[2], 1);
	ck_assert_uint_eq(asked->classes[3], 1);
	ck_assert_uint_eq(asked->classes[0], 1);
	histogram_collect(&asked->durations[0], &sum);
	ck_assert_uint_eq(sum.count, 3);
	ck_assert_uint_eq(sum.sum, 3000);
	free(asked);
}
END_TEST

/* The state changes with the answers that say something, and remembers when. */
START_TEST(state_and_since_when)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	ck_assert_str_eq(asked_state_word(asked), "unknown");
	note(asked, JOB_REFUSED, 0, 5);
	ck_assert_str_eq(asked_state_word(asked), "unknown");
	note(asked, JOB_DONE, 200, 10);
	note(asked, JOB_DONE, 404, 11);
	ck_assert_str_eq(asked_state_word(asked), "up");
	ck_assert_int_eq(asked->since_ms, 10);
	note(asked, JOB_NOT_SENT, 0, 20);
	note(asked, JOB_TIMEOUT, 0, 21);
	note(asked, JOB_CANCELLED, 200, 22);
	ck_assert_str_eq(asked_state_word(asked), "down");
	ck_assert_int_eq(asked->since_ms, 20);
	note(asked, JOB_DONE, 503, 30);
	ck_assert_int_eq(asked->since_ms, 20);
	note(asked, JOB_DONE, 200, 40);
	ck_assert_str_eq(asked_state_word(asked), "up");
	ck_assert_int_eq(asked->since_ms, 40);
	free(asked);
}
END_TEST

UNIT_MAIN("asked", outcomes_and_times, state_and_since_when)
