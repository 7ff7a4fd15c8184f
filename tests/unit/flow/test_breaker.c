#include "flow/breaker.h"

#include "../unit.h"

static const struct breaker_settings three = {.limit = 3, .pause_max_ms = 5000};

static void break_down(struct breaker *b, const struct breaker_settings *settings, int times, int64_t now_ms)
{
	for (int i = 0; i < times; i++)
		breaker_tell(b, settings, now_ms, BREAKER_BAD, false);
}

static void assert_state(struct breaker *b, enum breaker_state state, uint64_t openings)
{
	uint64_t opened;

	ck_assert_str_eq(breaker_state_word(breaker_get(b, &opened)), breaker_state_word(state));
	ck_assert_uint_eq(opened, openings);
}

static enum breaker_leave ask(
        struct breaker *b, const struct breaker_settings *settings, int64_t now_ms, int64_t wait_ms)
{
	int64_t said = -1;
	enum breaker_leave leave = breaker_ask(b, settings, now_ms, &said);

	ck_assert_int_eq(said, wait_ms);
	return leave;
}

START_TEST(opens_after_failures_in_a_row)
{
	struct breaker b;

	breaker_init(&b);
	break_down(&b, &three, 2, 0);
	breaker_tell(&b, &three, 0, BREAKER_UNKNOWN, false);
	assert_state(&b, BREAKER_CLOSED, 0);
	breaker_tell(&b, &three, 0, BREAKER_GOOD, false); /* a success between */
	break_down(&b, &three, 2, 0);
	ck_assert_int_eq(ask(&b, &three, 0, -1), BREAKER_GO);
	ck_assert(breaker_tell(&b, &three, 100, BREAKER_BAD, false));
	assert_state(&b, BREAKER_OPEN, 1);
	ck_assert_int_eq(ask(&b, &three, 100, 1000), BREAKER_STOP);
	ck_assert_int_eq(ask(&b, &three, 1099, 1), BREAKER_STOP);
	/* those that had left before tell of failures, too: the pause stays as it is */
	break_down(&b, &three, 50, 1099);
	assert_state(&b, BREAKER_OPEN, 1);
	ck_assert_int_eq(ask(&b, &three, 1099, 1), BREAKER_STOP);
	breaker_release(&b);
}
END_TEST

START_TEST(one_probe_at_a_time)
{
	struct breaker b;

	breaker_init(&b);
	break_down(&b, &three, 3, 0);
	ck_assert_int_eq(ask(&b, &three, 1000, -1), BREAKER_PROBE);
	assert_state(&b, BREAKER_HALF_OPEN, 1);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(ask(&b, &three, 1000 + i, 1000), BREAKER_STOP);
	break_down(&b, &three, 5, 1500); /* not the probe's */
	assert_state(&b, BREAKER_HALF_OPEN, 1);
	ck_assert(breaker_tell(&b, &three, 2000, BREAKER_GOOD, true));
	assert_state(&b, BREAKER_CLOSED, 1);
	ck_assert_int_eq(ask(&b, &three, 2000, -1), BREAKER_GO);
	break_down(&b, &three, 2, 2000); /* counted from the start */
	assert_state(&b, BREAKER_CLOSED, 1);
	breaker_release(&b);
}
END_TEST

START_TEST(pauses_grow_to_a_limit)
{
	static const int64_t pauses[] = {1000, 2000, 4000, 5000, 5000};
	struct breaker b;
	int64_t now_ms = 0;

	breaker_init(&b);
	break_down(&b, &three, 3, now_ms);
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		ck_assert_int_eq(ask(&b, &three, now_ms + pauses[i] - 1, 1), BREAKER_STOP);
		now_ms += pauses[i];
		ck_assert_int_eq(ask(&b, &three, now_ms, -1), BREAKER_PROBE);
		ck_assert(breaker_tell(&b, &three, now_ms, BREAKER_BAD, true));
	}
	now_ms += 5000;
	ck_assert_int_eq(ask(&b, &three, now_ms, -1), BREAKER_PROBE);
	breaker_tell(&b, &three, now_ms, BREAKER_GOOD, true);
	break_down(&b, &three, 3, now_ms);
	ck_assert_int_eq(ask(&b, &three, now_ms, 1000), BREAKER_STOP); /* short again */
	breaker_release(&b);
}
END_TEST

/* A probe that was not asked after all costs nobody a pause; a write that is answered ends it at once. */
START_TEST(other_news)
{
	struct breaker b;

	breaker_init(&b);
	break_down(&b, &three, 3, 0);
	ck_assert_int_eq(ask(&b, &three, 1000, -1), BREAKER_PROBE);
	breaker_tell(&b, &three, 1000, BREAKER_UNKNOWN, true);
	assert_state(&b, BREAKER_OPEN, 1);
	ck_assert_int_eq(ask(&b, &three, 1000, -1), BREAKER_PROBE);
	ck_assert(breaker_tell(&b, &three, 1001, BREAKER_GOOD, false));
	assert_state(&b, BREAKER_CLOSED, 1);
	breaker_tell(&b, &three, 1002, BREAKER_BAD, true); /* the probe of before */
	assert_state(&b, BREAKER_CLOSED, 1);
	breaker_release(&b);
}
END_TEST

START_TEST(can_be_switched_off)
{
	static const struct breaker_settings off = {.limit = 0, .pause_max_ms = 5000};
	struct breaker b;

	breaker_init(&b);
	break_down(&b, &off, 100, 0);
	assert_state(&b, BREAKER_CLOSED, 0);
	break_down(&b, &three, 1, 0);
	assert_state(&b, BREAKER_OPEN, 1);
	ck_assert_int_eq(ask(&b, &off, 0, -1), BREAKER_GO);
	breaker_release(&b);
}
END_TEST

UNIT_MAIN("breaker", opens_after_failures_in_a_row, one_probe_at_a_time, pauses_grow_to_a_limit, other_news,
        can_be_switched_off)
