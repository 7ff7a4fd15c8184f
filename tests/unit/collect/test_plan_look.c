/*
 * Lists whose rows change places, where Redmine can be asked which rows changed: none is missed that existed throughout,
 * whatever moves.
 */
#include "plan_world.h"

#include "../unit.h"

static const struct plan_settings settings = {.rows = PLAN_ALL, .width = WORLD_WIDTH, .looks = true};

START_TEST(a_quiet_list_costs_one_question_more)
{
	static const size_t counts[] = {0, 1, 100, 450, 3500}, asked[] = {1, 1, 2, 5, 36};
	static struct world w;
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		world_make(&w, counts[i], 1, false, CHANGES_NONE);
		ck_assert(world_run(&w, &settings, 0, &plan));
		ck_assert_uint_eq(world_missed(&w), 0);
		ck_assert_uint_eq(w.asked, asked[i] + 1);
		ck_assert_uint_eq(w.looked, 1);
		ck_assert_uint_eq(plan.passes, 1);
		plan_release(&plan);
	}
}
END_TEST

static size_t try_moves(unsigned changes, size_t histories, size_t most, bool blinded, size_t *ret_wrong)
{
	static struct world w;
	struct plan plan;
	size_t failed = 0;

	*ret_wrong = 0;
	for (size_t seed = 0; seed < histories; seed++) {
		struct chance chance = {.state = seed * 77 + 5};
		struct plan_settings expecting = settings;
		bool whole;

		world_make(&w, chance_below(&chance, 1500), seed, chance_below(&chance, 2), changes);
		w.blinded = blinded;
		expecting.expected = (int64_t)chance_below(&chance, 2000);
		whole = world_run(&w, &expecting, chance_below(&chance, most + 1), &plan);
		failed += !whole;
		*ret_wrong += whole && world_missed(&w) > 0;
		ck_assert(blinded || plan.passes == 1);
		plan_release(&plan);
	}
	return failed;
}

START_TEST(histories)
{
	size_t wrong, failed;

	failed = try_moves(CHANGES_MOVE, 1500, 7, false, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
	failed = try_moves(CHANGES_INSERT | CHANGES_DELETE | CHANGES_MOVE, 2500, 7, false, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
	failed = try_moves(CHANGES_INSERT | CHANGES_DELETE | CHANGES_MOVE, 500, 30, false, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_le(failed, 250); /* thirty rows change between any two pages: it may say that it cannot be had */
}
END_TEST

/* More rows changed than a page holds. */
START_TEST(looks_go_on)
{
	static struct world w;
	struct plan plan;

	world_make(&w, 1000, 3, false, CHANGES_MOVE);
	for (uint64_t id = 1; id <= 350; id++)
		w.touched[id] = true;
	ck_assert(world_run(&w, &settings, 2, &plan));
	ck_assert_uint_eq(world_missed(&w), 0);
	ck_assert_uint_ge(w.looked, 4);
	plan_release(&plan);
}
END_TEST

/* Without an answer to the look the counts have to do, as for other lists. */
START_TEST(without_a_look_counts_do)
{
	static struct world w;
	struct plan plan;
	size_t wrong;

	world_make(&w, 1000, 3, false, CHANGES_NONE);
	w.blinded = true;
	ck_assert(world_run(&w, &settings, 0, &plan));
	ck_assert_uint_eq(world_missed(&w), 0);
	plan_release(&plan);
	try_moves(CHANGES_INSERT | CHANGES_DELETE, 500, 2, true, &wrong);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

UNIT_MAIN("plan_look", a_quiet_list_costs_one_question_more, histories, looks_go_on, without_a_look_counts_do)
