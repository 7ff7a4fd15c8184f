#include "kit.h"

START_TEST(a_fresh_note_is_current_and_keepable)
{
	const uint64_t tags[] = {1, 2, 3};
	struct generations *g = generations_new();
	struct tag_notes notes, none;

	generations_note(g, tags, 3, &notes);
	generations_note(g, tags, 0, &none);
	ck_assert_uint_eq(notes.count, 3);
	ck_assert_uint_eq(notes.items[1].slot, generations_slot(2));
	ck_assert(generations_intact(g, &notes));
	ck_assert(generations_current(g, &notes));
	generations_write_begin(g, tags, 3);
	ck_assert(generations_intact(g, &none));
	ck_assert(generations_current(g, &none));
	generations_write_end(g, tags, 3, true);
	generations_free(g);
	generations_free(NULL);
}
END_TEST

START_TEST(a_write_spoils_what_was_noted_before_and_during_it)
{
	const uint64_t tags[] = {1, 2}, written[] = {2}, other[] = {77};
	struct generations *g = generations_new();
	struct tag_notes before, during, after, apart;

	generations_note(g, tags, 2, &before);
	generations_note(g, other, 1, &apart);
	generations_write_begin(g, written, 1);
	ck_assert(generations_intact(g, &before));
	ck_assert(!generations_current(g, &before));
	generations_note(g, tags, 2, &during);
	ck_assert(!generations_current(g, &during));
	generations_write_end(g, written, 1, true);
	ck_assert(!generations_intact(g, &before) && !generations_current(g, &before));
	ck_assert(!generations_intact(g, &during) && !generations_current(g, &during));
	generations_note(g, tags, 2, &after);
	ck_assert(generations_current(g, &after));
	ck_assert(generations_current(g, &apart));
	generations_free(g);
}
END_TEST

START_TEST(a_write_without_effect_spoils_nothing)
{
	const uint64_t tag[] = {2}, other[] = {3};
	struct generations *g = generations_new();
	struct tag_notes before, during;

	generations_note(g, tag, 1, &before);
	generations_write_begin(g, tag, 1);
	generations_note(g, tag, 1, &during);
	generations_write_begin(g, other, 1);
	generations_write_end(g, tag, 1, false);
	ck_assert(generations_current(g, &before) && generations_current(g, &during));
	generations_write_end(g, other, 1, true);
	ck_assert(generations_current(g, &before));
	/* another that had one was open beside it */
	generations_write_begin(g, tag, 1);
	generations_write_begin(g, tag, 1);
	generations_write_end(g, tag, 1, false);
	ck_assert(!generations_current(g, &before));
	generations_write_end(g, tag, 1, true);
	ck_assert(!generations_intact(g, &before));
	generations_free(g);
}
END_TEST

START_TEST(every_beginning_counts)
{
	const uint64_t tags[] = {2, 3}, third[] = {3};
	struct generations *g = generations_new();
	struct tag_notes notes;
	uint64_t begun;

	generations_note(g, tags, 2, &notes);
	begun = generations_begun(g, &notes);
	generations_write_begin(g, third, 1);
	ck_assert_uint_eq(generations_begun(g, &notes), begun + 1);
	generations_write_end(g, third, 1, false);
	ck_assert_uint_eq(generations_begun(g, &notes), begun + 1);
	generations_free(g);
}
END_TEST

/* What a later process begins with is past what was noted before an open write, and never below what may be noted. */
START_TEST(what_the_store_keeps)
{
	const uint64_t tag[] = {2};
	struct generations *g = generations_new();
	uint32_t slot = generations_slot(2);

	ck_assert_uint_eq(generations_to_keep(g, slot), 0);
	generations_write_begin(g, tag, 1);
	ck_assert_uint_eq(generations_to_keep(g, slot), 1);
	generations_write_begin(g, tag, 1);
	ck_assert_uint_eq(generations_to_keep(g, slot), 1);
	generations_write_end(g, tag, 1, true);
	ck_assert_uint_eq(generations_to_keep(g, slot), 2);
	generations_write_end(g, tag, 1, false);
	ck_assert_uint_eq(generations_to_keep(g, slot), 1);
	ck_assert_uint_eq(generations_get(g, slot), 1);
	generations_free(g);
}
END_TEST

START_TEST(writes_overlap)
{
	const uint64_t tag[] = {5};
	struct generations *g = generations_new();
	struct tag_notes notes;

	generations_write_begin(g, tag, 1);
	generations_write_begin(g, tag, 1);
	generations_write_end(g, tag, 1, true);
	generations_note(g, tag, 1, &notes);
	ck_assert(!generations_current(g, &notes));
	generations_write_end(g, tag, 1, true);
	ck_assert(!generations_current(g, &notes));
	generations_note(g, tag, 1, &notes);
	ck_assert(generations_current(g, &notes));
	generations_free(g);
}
END_TEST

START_TEST(one_write_may_name_a_slot_twice)
{
	const uint64_t tags[] = {9, 9};
	struct generations *g = generations_new();
	struct tag_notes notes;

	generations_write_begin(g, tags, 2);
	generations_write_end(g, tags, 2, true);
	generations_note(g, tags, 2, &notes);
	ck_assert(generations_current(g, &notes));
	generations_free(g);
}
END_TEST

START_TEST(tags_spread_over_the_slots)
{
	static unsigned used[GENERATION_SLOTS];
	unsigned most = 0;

	for (uint64_t tag = 0; tag < GENERATION_SLOTS; tag++) {
		uint32_t slot = generations_slot(tag << 32);

		ck_assert_uint_lt(slot, GENERATION_SLOTS);
		most = ++used[slot] > most ? used[slot] : most;
	}
	ck_assert_uint_lt(most, 12); /* a fair die gives about 8 */
}
END_TEST

START_TEST(raising_never_lowers)
{
	struct generations *g = generations_new();

	generations_raise_to(g, 3, 10);
	ck_assert_uint_eq(generations_get(g, 3), 10);
	generations_raise_to(g, 3, 4);
	ck_assert_uint_eq(generations_get(g, 3), 10);
	generations_raise_to(g, GENERATION_SLOTS - 1, UINT32_MAX);
	ck_assert_uint_eq(generations_get(g, GENERATION_SLOTS - 1), UINT32_MAX);
	ck_assert_uint_eq(generations_get(g, 0), 0);
	generations_free(g);
}
END_TEST

/*
 * Readers and a writer of one value, as Redmine would keep it: what a reader
 * may keep must be the value as it is after the last write that had ended.
 */
struct race {
	struct generations *g;
	_Atomic uint64_t value;
	atomic_bool over;
	atomic_uint_fast64_t kept, wrong;
};

static const uint64_t race_tag[] = {42};

static void *race_reader(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->over)) {
		struct tag_notes notes;
		uint64_t seen;

		generations_note(race->g, race_tag, 1, &notes);
		seen = atomic_load(&race->value);
		if (!generations_current(race->g, &notes))
			continue;
		atomic_fetch_add(&race->kept, 1);
		/* kept: from now on served only while current, so whoever is served must see what is true */
		if (atomic_load(&race->value) != seen && generations_current(race->g, &notes))
			atomic_fetch_add(&race->wrong, 1);
	}
	return NULL;
}

START_TEST(no_reader_keeps_what_a_write_changed)
{
	struct race race = {.g = generations_new()};
	pthread_t readers[3];
	int64_t until;

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, race_reader, &race), 0);
	until = clock_monotonic_us() + 300000;
	while (clock_monotonic_us() < until || atomic_load(&race.kept) < 100) {
		generations_write_begin(race.g, race_tag, 1);
		atomic_fetch_add(&race.value, 1);
		generations_write_end(race.g, race_tag, 1, true);
	}
	atomic_store(&race.over, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
	ck_assert_uint_eq(atomic_load(&race.wrong), 0);
	generations_free(race.g);
}
END_TEST

UNIT_MAIN("cache/generations", a_fresh_note_is_current_and_keepable, a_write_spoils_what_was_noted_before_and_during_it,
        a_write_without_effect_spoils_nothing, every_beginning_counts, what_the_store_keeps, writes_overlap,
        one_write_may_name_a_slot_twice, tags_spread_over_the_slots, raising_never_lowers,
        no_reader_keeps_what_a_write_changed)
