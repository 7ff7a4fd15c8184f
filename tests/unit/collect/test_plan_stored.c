/*
 * Pages that lie stored from a walk, end to end: none is asked for again where they are one list, and where they are not
 * the list is read anew.
 */
#include "plan_world.h"

#include "../unit.h"

#include <stdio.h>
#include <string.h>

static const struct plan_settings settings = {
        .rows = PLAN_ALL, .width = WORLD_WIDTH, .fixed = true, .falling = true, .keyset = true, .stored = true};

START_TEST(what_is_stored_is_not_asked_for)
{
	static const size_t counts[] = {1, 99, 100, 101, 199, 200, 201, 1000, 3500};
	static struct world w;
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		for (unsigned width = 1; width <= WORLD_WIDTH; width += WORLD_WIDTH - 1) {
			struct plan_settings narrow = settings;

			narrow.width = width;
			narrow.expected = 450;
			world_make(&w, counts[i], 1, true, CHANGES_NONE);
			world_walk(&w, 0, (counts[i] + 99) / 100, 0);
			ck_assert(world_run(&w, &narrow, 0, &plan));
			ck_assert_uint_eq(world_missed(&w), 0);
			ck_assert_uint_eq(w.asked, 0);
			ck_assert_int_eq(plan.given, (int64_t)counts[i]);
			ck_assert_int_eq(plan.counted, counts[i] >= 100); /* a page that is not full ends the list */
			plan_release(&plan);
		}
	}
}
END_TEST

/* The rest goes on from the last row that was stored, and is proven. */
START_TEST(only_the_rest_is_asked_for)
{
	static const struct {
		size_t from, to, asked;
		bool counted;
	} rows[] = {{0, 0, 11, false}, {0, 1, 10, false}, {0, 2, 9, true}, {0, 9, 2, true}, {1, 10, 11, false}};
	static struct world w;
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_make(&w, 1000, 1, true, CHANGES_NONE);
		world_walk(&w, rows[i].from, rows[i].to, 0);
		ck_assert(world_run(&w, &settings, 0, &plan));
		ck_assert_uint_eq(world_missed(&w), 0);
		ck_assert_uint_eq(w.asked, rows[i].asked);
		ck_assert_int_eq(plan.counted, rows[i].counted);
		ck_assert_int_eq(plan.given, 1000);
		plan_release(&plan);
	}
}
END_TEST

START_TEST(a_hole_is_asked_for_with_all_behind_it)
{
	static struct world w;
	struct plan plan;

	world_make(&w, 1000, 1, true, CHANGES_NONE);
	world_walk(&w, 0, 10, 0);
	w.stored[5].here = false;
	ck_assert(world_run(&w, &settings, 0, &plan));
	ck_assert_uint_eq(world_missed(&w), 0);
	ck_assert_uint_eq(w.asked, 6);
	plan_release(&plan);
}
END_TEST

/* Pages from before and after a change are of two lists. */
START_TEST(pages_that_disagree_are_read_anew)
{
	static const unsigned changes[] = {CHANGES_INSERT, CHANGES_DELETE};
	static struct world w;
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		for (size_t at = 1; at < 10; at++) {
			world_make(&w, 1000, 7, true, changes[i]);
			world_walk(&w, 0, at, 0);
			while (w.count == 1000)
				world_change(&w, 1);
			world_walk(&w, at, 11, 0);
			ck_assert(world_run(&w, &settings, 0, &plan));
			ck_assert_uint_eq(world_missed(&w), 0);
			ck_assert_uint_ge(w.asked, 10);
			ck_assert_int_eq(plan.counted, at > 1); /* nothing was given out when the first two disagree */
			plan_release(&plan);
		}
	}
}
END_TEST

/* One kind of change between the pages of a walk always shows; what hides is said to be checked, not exact. */
START_TEST(histories_of_walks)
{
	static const unsigned kinds[] = {CHANGES_NONE, CHANGES_INSERT, CHANGES_DELETE, CHANGES_INSERT | CHANGES_DELETE};
	static struct world w;
	size_t wrong = 0, failed = 0, saved = 0;
	struct plan plan;

	for (size_t seed = 0; seed < 3000; seed++) {
		struct chance chance = {.state = seed * 31 + 7};
		unsigned kind = kinds[seed % ARRAY_SIZE(kinds)];
		size_t count = chance_below(&chance, 1500), pages = count / 100 + 1;
		bool whole;

		world_make(&w, count, seed, true, kind);
		world_walk(&w, 0, chance_below(&chance, pages + 1), chance_below(&chance, 3));
		w.changes = CHANGES_INSERT | CHANGES_DELETE;
		whole = world_run(&w, &settings, chance_below(&chance, 4), &plan);
		failed += !whole;
		saved += w.found > 1;
		if (whole && world_missed(&w) > 0) {
			ck_assert(plan.counted && kind == (CHANGES_INSERT | CHANGES_DELETE));
			wrong++;
		}
		plan_release(&plan);
	}
	ck_assert_uint_eq(failed, 0);
	ck_assert_uint_gt(saved, 1000);
	ck_assert_uint_le(wrong, 5);
	printf("of 3000 lists %zu were joined of stored pages, %zu of walks amid changes lack a row and say checked\n",
	        saved, wrong);
}
END_TEST

START_TEST(rows_without_names_are_asked_for)
{
	struct plan_settings nameless = {.rows = PLAN_ALL, .width = WORLD_WIDTH, .stored = true};
	static struct world w;
	struct plan plan;

	world_make(&w, 450, 1, false, CHANGES_NONE);
	world_walk(&w, 0, 5, 0);
	for (size_t k = 0; k < 5; k++)
		memset(w.stored[k].names, 0, sizeof(w.stored[k].names));
	w.nameless = true;
	ck_assert(world_run(&w, &nameless, 0, &plan));
	ck_assert_int_eq(plan.given, 450);
	ck_assert_uint_eq(w.asked, 4);
	plan_release(&plan);
}
END_TEST

UNIT_MAIN("plan_stored", what_is_stored_is_not_asked_for, only_the_rest_is_asked_for,
        a_hole_is_asked_for_with_all_behind_it, pages_that_disagree_are_read_anew, histories_of_walks,
        rows_without_names_are_asked_for)
