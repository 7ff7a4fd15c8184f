/*
 * Joining held against histories: a list on which rows come, go and change places between any two pages, whose pages come
 * back in any order. No row twice; none missed that was there throughout; or the plan says that it failed.
 */
#include "collect/plan.h"

#include "../redmine/chance.h"
#include "../unit.h"
#include "redmine/paging.h"

#include <string.h>

#define ROWS_MAX 4000
#define WIDTH    6

enum changes {
	CHANGES_NONE = 0,
	CHANGES_INSERT = 1,
	CHANGES_DELETE = 2,
	CHANGES_MOVE = 4,
};

struct world {
	struct chance chance;
	uint64_t list[ROWS_MAX];
	size_t count;
	uint64_t newest;
	bool was[ROWS_MAX * 4], gone[ROWS_MAX * 4], given[ROWS_MAX * 4]; /* by id */
	unsigned changes;
	bool falling; /* new rows come first, as issues do */
	size_t asked, by_id;
	bool nameless;
};

static void insert_at(struct world *w, size_t at, uint64_t id)
{
	memmove(&w->list[at + 1], &w->list[at], (w->count - at) * sizeof(w->list[0]));
	w->list[at] = id;
	w->count++;
}

static uint64_t remove_at(struct world *w, size_t at)
{
	uint64_t id = w->list[at];

	w->count--;
	memmove(&w->list[at], &w->list[at + 1], (w->count - at) * sizeof(w->list[0]));
	return id;
}

static void change_once(struct world *w)
{
	unsigned what = 1u << chance_below(&w->chance, 3);

	what &= w->changes;
	if (what == CHANGES_INSERT && w->count < ROWS_MAX - 1 && w->newest < ROWS_MAX * 4 - 1)
		insert_at(w, w->falling ? 0 : chance_below(&w->chance, w->count + 1), ++w->newest);
	else if (what == CHANGES_DELETE && w->count > 0)
		w->gone[remove_at(w, chance_below(&w->chance, w->count))] = true;
	else if (what == CHANGES_MOVE && w->count > 1) {
		uint64_t id = remove_at(w, chance_below(&w->chance, w->count));

		insert_at(w, chance_below(&w->chance, w->count + 1), id);
	}
}

static void change(struct world *w, size_t most)
{
	for (size_t i = chance_below(&w->chance, most + 1); i > 0; i--)
		change_once(w);
}

static size_t begin_of(const struct world *w, const struct plan_page *page)
{
	size_t from = 0;

	if (!page->below)
		return (size_t)page->offset < w->count ? (size_t)page->offset : w->count;
	while (from < w->count && w->list[from] > page->below)
		from++;
	return from;
}

/* What Redmine answers now: the count first, then the rows. */
static void answer(struct world *w, struct plan_page *page, size_t changes)
{
	struct splice splice = {0};
	size_t from;

	for (size_t i = 0; i < SPLICE_METAS; i++)
		splice.metas[i].value = -1;
	splice.metas[SPLICE_TOTAL].value = (int64_t)(w->count - begin_of(w, page));
	if (!page->below)
		splice.metas[SPLICE_TOTAL].value = (int64_t)w->count;
	change(w, changes > 0);
	from = begin_of(w, page);
	w->by_id += page->below > 0;
	for (size_t i = from; i < w->count && i < from + PAGING_MAX; i++)
		ASSERT(splice_add(&splice, "{}", 2, w->nameless ? 0 : w->list[i]) == 0);
	plan_give(page, &splice, NULL);
	w->asked++;
}

static void take_rows(struct world *w, struct plan_page *page)
{
	for (size_t i = 0; i < page->splice.count; i++) {
		const struct splice_row *row = &page->splice.rows[i];

		if (row->size == 0)
			continue;
		if (w->given[row->name] && !w->nameless)
			ck_abort_msg("a row twice");
		w->given[row->name] = true;
	}
	plan_page_free(page);
}

/* Runs a plan to its end; true: it says that the list is whole. changes: most of them between two answers. */
static bool run(struct world *w, const struct plan_settings *settings, size_t changes, struct plan *plan)
{
	struct plan_page *under_way[WIDTH + PLAN_BRIDGES], *page;
	size_t count = 0;
	int verdict;

	plan_init(plan, settings);
	for (;;) {
		while ((page = plan_ask(plan)))
			under_way[count++] = page;
		if (count > 0) {
			size_t one = chance_below(&w->chance, count);

			change(w, changes);
			answer(w, under_way[one], changes);
			under_way[one] = under_way[--count];
		}
		while ((verdict = plan_take(plan, &page)) == PLAN_ROWS)
			take_rows(w, page);
		ASSERT(verdict >= 0 && w->asked < 4000);
		if (verdict == PLAN_DONE || verdict == PLAN_FAILED)
			break;
	}
	while (count > 0)
		answer(w, under_way[--count], 0);
	return verdict == PLAN_DONE;
}

static void make_world(struct world *w, size_t count, uint64_t seed, bool falling, unsigned changes)
{
	memset(w, 0, sizeof(*w));
	w->chance.state = seed;
	w->falling = falling;
	w->changes = changes;
	w->newest = count;
	w->count = count;
	for (size_t i = 0; i < count; i++) {
		w->list[i] = falling ? count - i : i + 1;
		w->was[w->list[i]] = true;
	}
}

static size_t missed(const struct world *w)
{
	size_t missing = 0;

	for (size_t id = 0; id < ARRAY_SIZE(w->was); id++)
		missing += w->was[id] && !w->gone[id] && !w->given[id];
	return missing;
}

START_TEST(quiet_lists_are_read_once)
{
	static const size_t counts[] = {0, 1, 99, 100, 101, 198, 199, 200, 201, 1000, 3500};
	struct plan_settings settings = {.rows = PLAN_ALL, .width = WIDTH};
	static struct world w;
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		size_t pages = counts[i] < 100 ? 1
		                               : (counts[i] - 1) / 99 + 1; /* one more where the last would be full */

		make_world(&w, counts[i], 1, false, CHANGES_NONE);
		ck_assert(run(&w, &settings, 0, &plan));
		ck_assert_uint_eq(missed(&w), 0);
		ck_assert_uint_eq(w.asked, pages);
		ck_assert_int_eq(plan.given, (int64_t)counts[i]);
		ck_assert_int_eq(plan.total, (int64_t)counts[i]);
		plan_release(&plan);
	}
}
END_TEST

START_TEST(windows_are_cut_where_they_end)
{
	struct plan_settings settings = {.offset = 150, .rows = 250, .width = WIDTH};
	static struct world w;
	struct plan plan;

	make_world(&w, 1000, 1, true, CHANGES_NONE);
	ck_assert(run(&w, &settings, 0, &plan));
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

		make_world(&w, chance_below(&chance, 1500), seed, falling, changes);
		expecting.expected = (int64_t)chance_below(&chance, 2000); /* right or wrong */
		if (!run(&w, &expecting, chance_below(&chance, most + 1), &plan))
			++*ret_failed;
		else if (missed(&w) > 0)
			++*ret_wrong;
		plan_release(&plan);
	}
}

/* As issues: falling ids, rows that come first; those that leave and enter the filter may be anywhere. */
START_TEST(fixed_orders_are_whole)
{
	size_t failed, wrong;

	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WIDTH, .fixed = true, .falling = true}, true,
	        CHANGES_INSERT | CHANGES_DELETE, 3000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WIDTH, .fixed = true}, false,
	        CHANGES_INSERT | CHANGES_DELETE, 3000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
}
END_TEST

/* ... and where pages may begin at an id, however many rows come and go. */
START_TEST(bridges_by_id_stand_still)
{
	struct plan_settings settings = {
	        .rows = PLAN_ALL, .width = WIDTH, .fixed = true, .falling = true, .keyset = true};
	static struct world w;
	struct plan plan;
	size_t failed, wrong, by_id = 0;

	try_histories(&settings, true, CHANGES_INSERT | CHANGES_DELETE, 3000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(failed, 0);
	for (size_t seed = 0; seed < 300; seed++) {
		make_world(&w, 1500, seed, true, CHANGES_DELETE);
		ck_assert(run(&w, &settings, 60, &plan));
		ck_assert_uint_eq(missed(&w), 0);
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
	} rows[] = {{1000, 0, 1, 11}, {1000, 101, 2, 11}, {1000, 1000, WIDTH, 11}, {450, 450, 5, 5}, {50, 50, 1, 1},
	        {100, 100, 2, 2}, {50, 450, 5, 5}, {450, 50, 1, 5}};
	static struct world w;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan_settings settings = {
		        .rows = PLAN_ALL, .width = WIDTH, .fixed = true, .expected = (int64_t)rows[i].expected};
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
		make_world(&w, rows[i].count, 1, false, CHANGES_NONE);
		ck_assert(run(&w, &settings, 0, &plan));
		ck_assert_uint_eq(missed(&w), 0);
		ck_assert_uint_eq(w.asked, rows[i].asked);
		plan_release(&plan);
	}
}
END_TEST

/* Rows without names are told from each other by position alone: what was asked early begins at another one. */
START_TEST(rows_without_names_are_read_by_position)
{
	struct plan_settings settings = {.rows = PLAN_ALL, .width = WIDTH, .expected = 450};
	static struct world w;
	struct plan plan;

	make_world(&w, 450, 1, false, CHANGES_NONE);
	w.nameless = true;
	ck_assert(run(&w, &settings, 0, &plan));
	ck_assert_int_eq(plan.given, 450);
	plan_release(&plan);
}
END_TEST

/* Other orders: while rows only come and go they are whole, too, or the plan says that there is no rest. */
START_TEST(other_orders_are_whole_or_say_so)
{
	size_t failed, wrong;

	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WIDTH}, false, CHANGES_INSERT | CHANGES_DELETE,
	        2000, 7, &failed, &wrong);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(failed, 0);
}
END_TEST

/* Rows that change places are noticed by what they push; two that hide each other are too rare to be met here. */
START_TEST(rows_that_move_are_noticed)
{
	size_t failed, wrong;

	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WIDTH}, false, CHANGES_MOVE, 2000, 1, &failed,
	        &wrong);
	ck_assert_uint_eq(wrong, 0);
	try_histories(&(struct plan_settings){.rows = PLAN_ALL, .width = WIDTH}, false,
	        CHANGES_INSERT | CHANGES_DELETE | CHANGES_MOVE, 3000, 7, &failed, &wrong);
	ck_assert_uint_le(wrong, 2); /* such answers say that they are checked, not exact */
}
END_TEST

UNIT_MAIN("plan", quiet_lists_are_read_once, windows_are_cut_where_they_end, fixed_orders_are_whole,
        bridges_by_id_stand_still, pages_that_are_expected_are_asked_at_once, rows_without_names_are_read_by_position,
        other_orders_are_whole_or_say_so, rows_that_move_are_noticed)
