#include "engine/waiting.h"

#include "../unit.h"

#define JOBS 16

static const struct job_client nobody;

struct crowd {
	struct waiting w;
	struct job jobs[JOBS];
};

static void make(struct crowd *crowd)
{
	waiting_init(&crowd->w);
	for (size_t i = 0; i < JOBS; i++)
		job_init(&crowd->jobs[i], &nobody, NULL);
}

static void clear(struct crowd *crowd)
{
	ck_assert_int_eq(crowd->w.size, 0);
	waiting_release(&crowd->w);
	for (size_t i = 0; i < JOBS; i++)
		job_release(&crowd->jobs[i]);
}

/* Job number i of an asker. */
static void put(struct crowd *crowd, size_t i, uint64_t share, enum job_rank rank)
{
	crowd->jobs[i].share = share;
	crowd->jobs[i].placed = rank;
	ck_assert_int_eq(waiting_put(&crowd->w, &crowd->jobs[i]), 0);
}

/* "0 3 1": the numbers of the jobs as they are taken, until there is none. */
static void assert_order(struct crowd *crowd, enum job_rank rank, const char *expected)
{
	char text[256] = "";
	struct job *job;

	while ((job = waiting_take(&crowd->w, rank))) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%d", used > 0 ? " " : "", (int)(job - crowd->jobs));
	}
	ck_assert_str_eq(text, expected);
}

START_TEST(askers_take_turns)
{
	struct crowd crowd;

	make(&crowd);
	for (size_t i = 0; i < 5; i++)
		put(&crowd, i, 1, JOB_INTERACTIVE);
	put(&crowd, 5, 2, JOB_INTERACTIVE);
	put(&crowd, 6, 2, JOB_INTERACTIVE);
	put(&crowd, 7, 1 + WAITING_BUCKETS, JOB_INTERACTIVE); /* the bucket of 1 */
	ck_assert_int_eq(crowd.w.size, 8);
	assert_order(&crowd, JOB_INTERACTIVE, "0 5 7 1 6 2 3 4");
	clear(&crowd);
}
END_TEST

START_TEST(who_comes_back_is_last)
{
	struct crowd crowd;

	make(&crowd);
	put(&crowd, 0, 1, JOB_INTERACTIVE);
	put(&crowd, 1, 2, JOB_INTERACTIVE);
	put(&crowd, 2, 2, JOB_INTERACTIVE);
	ck_assert_ptr_eq(waiting_take(&crowd.w, JOB_INTERACTIVE), &crowd.jobs[0]);
	put(&crowd, 0, 1, JOB_INTERACTIVE);
	assert_order(&crowd, JOB_INTERACTIVE, "1 0 2");
	clear(&crowd);
}
END_TEST

START_TEST(ranks_are_apart)
{
	struct crowd crowd;

	make(&crowd);
	put(&crowd, 0, 1, JOB_BACKGROUND);
	put(&crowd, 1, 1, JOB_INTERACTIVE);
	put(&crowd, 2, 1, JOB_BACKGROUND);
	ck_assert_ptr_null(waiting_take(&crowd.w, JOB_READ_AHEAD));
	ck_assert_int_eq(crowd.w.ranks[JOB_BACKGROUND].size, 2);
	assert_order(&crowd, JOB_INTERACTIVE, "1");
	assert_order(&crowd, JOB_BACKGROUND, "0 2");
	clear(&crowd);
}
END_TEST

START_TEST(any_can_be_taken_out)
{
	struct crowd crowd;

	make(&crowd);
	for (size_t i = 0; i < 6; i++)
		put(&crowd, i, i / 3, JOB_INTERACTIVE); /* 0 1 2 of one, 3 4 5 of another */
	put(&crowd, 6, 9, JOB_INTERACTIVE);
	waiting_remove(&crowd.w, &crowd.jobs[1]); /* between two */
	waiting_remove(&crowd.w, &crowd.jobs[3]); /* the first */
	waiting_remove(&crowd.w, &crowd.jobs[5]); /* the last */
	waiting_remove(&crowd.w, &crowd.jobs[6]); /* the only one */
	ck_assert_int_eq(crowd.w.size, 3);
	put(&crowd, 7, 9, JOB_INTERACTIVE); /* whose turn it would have been keeps it */
	put(&crowd, 8, 10, JOB_INTERACTIVE);
	assert_order(&crowd, JOB_INTERACTIVE, "0 4 7 8 2");
	clear(&crowd);
}
END_TEST

/* Memory is that of the most askers at a time, however many have come. */
START_TEST(shares_are_used_again)
{
	struct crowd crowd;
	const struct waiting_share *spare;

	make(&crowd);
	put(&crowd, 0, 1, JOB_INTERACTIVE);
	assert_order(&crowd, JOB_INTERACTIVE, "0");
	spare = crowd.w.spares;
	ck_assert_ptr_nonnull(spare);
	for (uint64_t share = 2; share < 1000; share++) {
		put(&crowd, 0, share, JOB_INTERACTIVE);
		ck_assert_ptr_null(crowd.w.spares);
		assert_order(&crowd, JOB_INTERACTIVE, "0");
		ck_assert_ptr_eq(crowd.w.spares, spare);
		ck_assert_ptr_null(spare->next);
	}
	clear(&crowd);
}
END_TEST

UNIT_MAIN("waiting", askers_take_turns, who_comes_back_is_last, ranks_are_apart, any_can_be_taken_out,
        shares_are_used_again)
