/* Walks and what is fetched ahead of them. */
#include "collect/walk.h"

#include "../redmine/chance.h"
#include "../unit.h"

#define SECOND 1000000LL

static struct walks walks;

static void note(uint64_t key, int64_t offset, int64_t total, bool hit, int64_t now_us, struct walk_ahead *ahead)
{
	struct walk_page_asked asked = {.offset = offset,
	        .limit = 100,
	        .total = total,
	        .hit = hit,
	        .alone = walk_begin(&walks, key),
	        .now_us = now_us};

	walk_note(&walks, key, &asked, 16, ahead);
	walk_end(&walks, key, -1);
}

/* A page of 100 rows is asked for; what is fetched for it comes at once. Returns how many pages that is. */
static size_t ask(uint64_t key, int64_t offset, int64_t total, bool hit, int64_t now_us)
{
	struct walk_ahead ahead;

	note(key, offset, total, hit, now_us, &ahead);
	for (size_t i = 0; i < ahead.count; i++)
		walk_landed(&walks, key, ahead.offsets[i], true, total);
	return ahead.count;
}

START_TEST(the_window_doubles_up_to_the_end)
{
	static const size_t expected[] = {0, 1, 2, 3, 5, 9, 17 - 8, 1, 1, 1};
	uint64_t asked, used, wasted;
	size_t sum = 0;

	walks_init(&walks);
	for (int64_t i = 0; i < 50; i++) {
		size_t count = ask(1, i * 100, 5000, i > 1, SECOND);

		sum += count;
		if (i < 6)
			ck_assert_uint_eq(count, expected[i]);
		ck_assert_uint_le(sum, 48);
	}
	walks_get_figures(&walks, &asked, &used, &wasted);
	ck_assert_uint_eq(asked, 48);
	ck_assert_uint_eq(used, 48);
	ck_assert_uint_eq(wasted, 0);
	walks_release(&walks);
}
END_TEST

START_TEST(elsewhere_it_begins_anew)
{
	walks_init(&walks);
	ck_assert_uint_eq(ask(1, 0, 5000, false, SECOND), 0);
	ck_assert_uint_eq(ask(1, 0, 5000, false, SECOND), 0);
	ck_assert_uint_eq(ask(1, 300, 5000, false, SECOND), 0);
	ck_assert_uint_eq(ask(1, 400, 5000, false, SECOND), 1);
	ck_assert_uint_eq(ask(1, 100, 5000, false, SECOND), 0);
	ck_assert_uint_eq(ask(2, 200, 5000, false, SECOND), 0); /* another list */
	ck_assert_uint_eq(ask(1, 200, 5000, false, SECOND), 1);
	walks_release(&walks);
}
END_TEST

/* What was there and is not any more was spoilt by a write: what lies ahead is fetched anew. */
START_TEST(spoilt_pages_are_fetched_anew)
{
	walks_init(&walks);
	for (int64_t i = 0; i < 5; i++)
		ask(1, i * 100, 5000, i > 1, SECOND);
	ck_assert_uint_eq(ask(1, 500, 5000, false, SECOND), 2);
	walks_release(&walks);
}
END_TEST

START_TEST(what_is_not_kept_is_not_fetched)
{
	struct walk_ahead ahead;

	walks_init(&walks);
	note(1, 0, 5000, false, SECOND, &ahead);
	note(1, 100, 5000, false, SECOND, &ahead);
	ck_assert_uint_eq(ahead.count, 1);
	walk_landed(&walks, 1, 200, false, -1);
	note(1, 200, 5000, false, SECOND, &ahead);
	ck_assert_uint_eq(ahead.count, 0);
	walks_release(&walks);
}
END_TEST

/* Readers that stop early, and some that go on: less than a tenth is wasted, and those who go on are served. */
START_TEST(waste_stays_small_on_mixed_traffic)
{
	struct chance chance = {.state = 9};
	uint64_t asked, used, wasted;
	int64_t now_us = SECOND;
	size_t hits = 0, pages = 0;

	walks_init(&walks);
	for (uint64_t key = 1; key < 3000; key++) {
		int64_t length = chance_below(&chance, 4) == 0 ? 60 : 1 + (int64_t)chance_below(&chance, 4);

		for (int64_t i = 0; i < length; i++) {
			uint64_t before, after, ignored;

			walks_get_figures(&walks, &ignored, &before, &ignored);
			ask(key, i * 100, length == 60 ? 6000 : 5000, true, now_us);
			walks_get_figures(&walks, &ignored, &after, &ignored);
			if (length == 60) {
				pages++;
				hits += after > before;
			}
			now_us += SECOND / 10;
		}
		now_us += SECOND;
	}
	for (uint64_t key = 10000; key < 10000 + 2 * WALKS; key++) /* the last ones end, too */
		ask(key, 0, 100, false, now_us += 60 * SECOND);
	walks_get_figures(&walks, &asked, &used, &wasted);
	ck_assert_uint_eq(asked, used + wasted);
	ck_assert_uint_lt(wasted * 10, asked);
	ck_assert_uint_gt(hits * 10, pages * 8);
	walks_release(&walks);
}
END_TEST

/* Readers that all stop after two pages: next to nothing is fetched for them. */
START_TEST(walks_that_end_at_once_cost_little)
{
	uint64_t asked, used, wasted;

	walks_init(&walks);
	for (uint64_t key = 1; key < 3000; key++) {
		ask(key, 0, 5000, false, SECOND);
		ask(key, 100, 5000, false, SECOND);
	}
	walks_get_figures(&walks, &asked, &used, &wasted);
	ck_assert_uint_le(asked, 40);
	walks_release(&walks);
}
END_TEST

/* A client that asks for the next page before it has this one fetches in parallel by itself. */
START_TEST(who_asks_for_several_at_a_time_needs_none)
{
	struct walk_ahead ahead;

	walks_init(&walks);
	ck_assert(walk_begin(&walks, 1));
	for (int64_t i = 1; i < 20; i++) {
		note(1, i * 100, 5000, false, SECOND, &ahead);
		ck_assert_uint_eq(ahead.count, 0);
	}
	walk_end(&walks, 1, -1);
	ck_assert_uint_eq(ask(1, 2000, 5000, false, SECOND), 1);
	ck_assert_uint_eq(ask(1, 2100, 5000, false, SECOND), 2);
	walk_end(&walks, 1, -1); /* once more than it began */
	ck_assert(walk_begin(&walks, 1));
	walks_release(&walks);
}
END_TEST

/* The pages themselves say how long the list is, as soon as a client has one of them. */
START_TEST(nothing_is_fetched_from_behind_the_end)
{
	struct walk_ahead ahead;

	walks_init(&walks);
	note(1, 0, -1, false, SECOND, &ahead);
	walk_end(&walks, 1, 240);
	note(1, 100, -1, false, SECOND, &ahead);
	ck_assert_uint_eq(ahead.count, 1);
	note(1, 200, -1, false, SECOND, &ahead); /* asked for before what was fetched is here */
	ck_assert_uint_eq(ahead.count, 0);
	walks_release(&walks);
}
END_TEST

UNIT_MAIN("walk", nothing_is_fetched_from_behind_the_end, who_asks_for_several_at_a_time_needs_none,
        the_window_doubles_up_to_the_end, elsewhere_it_begins_anew, spoilt_pages_are_fetched_anew,
        what_is_not_kept_is_not_fetched, waste_stays_small_on_mixed_traffic, walks_that_end_at_once_cost_little)
