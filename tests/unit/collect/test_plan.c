/*
 * Joining held against histories: a list on which rows come, go and change places between any two pages, whose pages come
 * back in any order. No row twice; none missed that was there throughout; or the plan says that it failed.
 */
#include "plan_world.h"

#include "../unit.h"

START_TEST(quiet_lists_are_read_once)
{
	static const size_t counts[] = {0, 1, 99, 100, 101, 198, 199, 200, 201, 1000, 3500};
	struct plan_settings settings = {.rows = PLAN_ALL, .width = WORLD_WIDTH};
	static struct world w;
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		size_t pages = counts[i] < 100 ? 1
		                               : (counts[i] - 1) / 99 + 1; /* one more where the last would be full */

		world_make(&w, counts[i], 1, false, CHANGES_NONE);
		ck_assert(world_run(&w, &settings, 0, &plan));
		ck_assert_uint_eq(world_missed(&w), 0);
		ck_assert_uint_eq(w.asked, pages);
		ck_assert_int_eq(plan.given, (int64_t)counts[i]);
		ck_assert_int_eq(plan.total, (int64_t)counts[i]);
		plan_release(&plan);
	}
}
END_TEST

START_TEST(windows_are_cut_where_they_end)
{
	struct plan_settings settings = {.offset = 150, .rows = 250, .width = WORLD_WIDTH};
	static struct world w;
	struct plan plan;

	world_make(&w, 1000, 1, true, CHANGES_NONE);
	ck_assert(world_run(&w, &settings, 0, &plan));
	ck_assert_int_eq(plan.given, 250);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(w.given[w.list[i]], i >= 150 && i < 400);
	ck_assert_uint_le(w.asked, 4);
	plan_release(&plan);
}
END_TEST

static void try_histories(const struct plan_settings *settings, bool falling, unsigned changes, size_t histories,
        size_t most, size_t *ret_failed, size_t *ret_wrong)
{
	struct plan_settings expecting = *settings;
	static struct world w;
	struct plan plan;

	*ret_failed = *ret_wrong = 0;
	for (size_t seed = 0; seed < histories; seed++) {
		struct chance chance = {.state = seed * 77 + 5};

		world_make(&w, chance_below(&chance, 1500), seed, falling, changes);
		expecting.expected = (int64_t)chance_below(&chance, 2000); /* right or wrong */
		if (!world_run(&w, &expecting, chance_below(&chance, most + 1), &plan))
			++*ret_failed;
		else if (world_missed(&w) > 0)
			++*ret_wrong;
		plan_release(&plan);
	}
}

/* As issues: falling ids, rows that come first; those that leave and enter the filter may be anywhere. */
START_TEST(fixed_orders_are_whole)
{
	size_t failed, wrong;

	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WORLD_WIDTH, .fixed = true, .falling = true},
	        true, CHANGES_INSERT | CHANGES_DELETE, 3000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WORLD_WIDTH, .fixed = true}, false,
	        CHANGES_INSERT | CHANGES_DELETE, 3000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
}
END_TEST

/* ... and where pages may begin at an id, however many rows come and go. */
START_TEST(bridges_by_id_stand_still)
{
	struct plan_settings settings = {
	        .rows = PLAN_ALL, .width = WORLD_WIDTH, .fixed = true, .falling = true, .keyset = true};
	static struct world w;
	struct plan plan;
	size_t failed, wrong, by_id = 0;

	try_histories(&settings, true, CHANGES_INSERT | CHANGES_DELETE, 3000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
	for (size_t seed = 0; seed < 300; seed++) {
		world_make(&w, 1500, seed, true, CHANGES_DELETE);
		ck_assert(world_run(&w, &settings, 60, &plan));
		ck_assert_uint_eq(world_missed(&w), 0);
		by_id += w.by_id;
		plan_release(&plan);
	}
	ck_assert_uint_gt(by_id, 300);
}
END_TEST

/* What a list had lately saves the round in which only its first page is asked. */
START_TEST(pages_that_are_expected_are_asked_at_once)
{
	static const struct {
		size_t count, expected, at_once, asked;
	} rows[] = {{1000, 0, 1, 11}, {1000, 101, 2, 11}, {1000, 1000, WORLD_WIDTH, 11}, {450, 450, 5, 5},
	        {50, 50, 1, 1}, {100, 100, 2, 2}, {50, 450, 5, 5}, {450, 50, 1, 5}};
	static struct world w;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan_settings settings = {
		        .rows = PLAN_ALL, .width = WORLD_WIDTH, .fixed = true, .expected = (int64_t)rows[i].expected};
		size_t at_once = 0;
		struct plan plan;

		plan_init(&plan, &settings);
		while (plan_ask(&plan))
			at_once++;
		ck_assert_uint_eq(at_once, rows[i].at_once);
		for (struct plan_page *page = plan.first; page; page = page->next)
			page->state = PLAN_UNASKED;
		ck_assert(plan_ask(&plan) == plan.first && !plan_ask(&plan)); /* one that failed waits for the first */
		plan.first->state = PLAN_UNASKED;
		plan_release(&plan);
		world_make(&w, rows[i].count, 1, false, CHANGES_NONE);
		ck_assert(world_run(&w, &settings, 0, &plan));
		ck_assert_uint_eq(world_missed(&w), 0);
		ck_assert_uint_eq(w.asked, rows[i].asked);
		plan_release(&plan);
	}
}
END_TEST

/* Rows without names are told from each other by position alone: what was asked early begins at another one. */
START_TEST(rows_without_names_are_read_by_position)
{
	struct plan_settings settings = {.rows = PLAN_ALL, .width = WORLD_WIDTH, .expected = 450};
	static struct world w;
	struct plan plan;

	world_make(&w, 450, 1, false, CHANGES_NONE);
	w.nameless = true;
	ck_assert(world_run(&w, &settings, 0, &plan));
	ck_assert_int_eq(plan.given, 450);
	plan_release(&plan);
}
END_TEST

/* Other orders: while rows only come and go they are whole, too, or the plan says that there is no rest. */
START_TEST(other_orders_are_whole_or_say_so)
{
	size_t failed, wrong;

	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WORLD_WIDTH}, false,
	        CHANGES_INSERT | CHANGES_DELETE, 2000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(failed, 0);
}
END_TEST

/* Rows that change places are noticed by what they push; two that hide each other are too rare to be met here. */
START_TEST(rows_that_move_are_noticed)
{
	size_t failed, wrong;

	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WORLD_WIDTH}, false, CHANGES_MOVE, 2000, 1,
	        &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WORLD_WIDTH}, false,
	        CHANGES_INSERT | CHANGES_DELETE | CHANGES_MOVE, 3000, 7, &failed, &wrong);
	ck_assert_uint_le(wrong, 2); /* such answers say that they are checked, not exact */
}
END_TEST

UNIT_MAIN("plan", quiet_lists_are_read_once, windows_are_cut_where_they_end, fixed_orders_are_whole,
        bridges_by_id_stand_still, pages_that_are_expected_are_asked_at_once, rows_without_names_are_read_by_position,
        other_orders_are_whole_or_say_so, rows_that_move_are_noticed)
