#include "cache/memory.h"

#include "kit.h"

#define MIB (UINT64_C(1) << 20)

static struct memory_figures figures(struct memory *m)
{
	struct memory_figures ret;

	memory_get_figures(m, &ret);
	return ret;
}

static bool put(struct memory *m, uint64_t number, size_t size)
{
	struct entry *entry = kit_entry(number, 0, size);
	bool kept = memory_put(m, entry);

	entry_unref(entry);
	return kept;
}

static bool peek(struct memory *m, uint64_t number)
{
	struct cache_key key = kit_key(number);
	struct entry *entry = memory_peek(m, &key);
	bool found = entry != NULL;

	if (entry)
		ck_assert(cache_key_equal(&entry->key, &key));
	entry_unref(entry);
	return found;
}

START_TEST(gives_what_was_put)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct entry *entry = kit_entry(1, 0, 100);
	struct entry *seen;

	ck_assert(!peek(m, 1));
	ck_assert(memory_put(m, entry));
	seen = memory_peek(m, &entry->key);
	ck_assert_ptr_eq(seen, entry);
	ck_assert_uint_eq(atomic_load(&seen->used), 1);
	entry_unref(seen);
	for (int i = 0; i < 10; i++)
		ck_assert(peek(m, 1));
	ck_assert_uint_eq(atomic_load(&entry->used), 3);
	ck_assert_uint_eq(figures(m).entries, 1);
	ck_assert_uint_ge(figures(m).bytes, entry_cost(entry));
	memory_free(m);
	ck_assert(atomic_load(&entry->retired));
	entry_unref(entry);
	memory_free(NULL);
	generations_free(g);
}
END_TEST

START_TEST(what_leaves_is_retired)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct entry *first = kit_entry(1, 0, 100), *second = kit_entry(1, 1, 200), *third = kit_entry(2, 0, 10);

	ck_assert(memory_put(m, first));
	ck_assert(memory_put(m, second));
	ck_assert(atomic_load(&first->retired));
	ck_assert(!atomic_load(&second->retired));
	ck_assert_uint_eq(figures(m).entries, 1);
	memory_drop(m, &second->key);
	ck_assert(atomic_load(&second->retired));
	ck_assert(!peek(m, 1));
	ck_assert(memory_put(m, third));
	memory_clear(m);
	ck_assert(atomic_load(&third->retired));
	ck_assert_uint_eq(figures(m).entries, 0);
	ck_assert_uint_eq(figures(m).bytes, 0);
	ck_assert(memory_put(m, second));
	ck_assert(!atomic_load(&second->retired));
	memory_free(m);
	entry_unref(first);
	entry_unref(second);
	entry_unref(third);
	generations_free(g);
}
END_TEST

START_TEST(what_is_spoilt_is_not_given)
{
	const uint64_t tags[] = {3};
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct entry *entry = kit_tagged(g, 1, 0, 100, tags, 1);

	ck_assert(memory_put(m, entry));
	ck_assert(peek(m, 1));
	generations_write_begin(g, tags, 1);
	ck_assert(!peek(m, 1));
	generations_write_end(g, tags, 1, false);
	ck_assert(peek(m, 1)); /* nothing was changed */
	generations_write_begin(g, tags, 1);
	generations_write_end(g, tags, 1, true);
	ck_assert(!peek(m, 1));
	ck_assert(atomic_load(&entry->retired));
	ck_assert_uint_eq(figures(m).bytes, 0);
	memory_free(m);
	entry_unref(entry);
	generations_free(g);
}
END_TEST

START_TEST(the_budget_is_never_exceeded)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	uint64_t state = 5;

	for (int i = 0; i < 20000; i++) {
		put(m, kit_random(&state) % 5000, kit_random(&state) % 100 ? kit_random(&state) % 4000 : 100000);
		peek(m, kit_random(&state) % 5000);
		ck_assert_uint_le(figures(m).bytes, MIB);
	}
	ck_assert_uint_ge(figures(m).bytes, MIB * 3 / 4);
	ck_assert_uint_gt(figures(m).evicted, 1000);
	memory_set_limit(m, MIB / 2);
	ck_assert_uint_le(figures(m).bytes, MIB / 2);
	memory_set_limit(m, 0);
	ck_assert_uint_eq(figures(m).bytes, 0);
	ck_assert_uint_eq(figures(m).entries, 0);
	ck_assert(!put(m, 1, 10));
	memory_free(m);
	generations_free(g);
}
END_TEST

/* The defaults: 64 MiB, objects up to 8 MiB, which are twice a shard's share. */
START_TEST(an_object_may_be_larger_than_a_shards_share)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(64 * MIB, g);

	for (uint64_t i = 0; i < 12; i++) {
		ck_assert(put(m, i, 8 * MIB));
		ck_assert(peek(m, i));
		ck_assert_uint_le(figures(m).bytes, 64 * MIB);
	}
	ck_assert_uint_eq(figures(m).entries, 7);
	/* they give way to what is in use, in whichever shard it is */
	for (uint64_t i = 100; i < 4000; i++) {
		ck_assert(put(m, i, 20000));
		ck_assert(peek(m, i));
		ck_assert_uint_le(figures(m).bytes, 64 * MIB);
	}
	ck_assert_uint_ge(figures(m).entries, 2500);
	memory_free(m);
	generations_free(g);
}
END_TEST

START_TEST(an_object_too_large_is_not_kept_and_leaves_no_older_one)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);

	ck_assert(put(m, 1, 100));
	ck_assert(!put(m, 1, MIB / 4));
	ck_assert(!peek(m, 1));
	ck_assert_uint_eq(figures(m).bytes, 0);
	memory_free(m);
	generations_free(g);
}
END_TEST

START_TEST(what_is_spoilt_gives_way_first)
{
	const uint64_t tags[] = {1};
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	uint64_t there = 0;

	for (uint64_t i = 0; i < 2000; i++) {
		struct entry *entry = kit_tagged(g, i, 0, 1000, tags, 1);

		ck_assert(memory_put(m, entry));
		entry_unref(entry);
		ck_assert(peek(m, i));
	}
	generations_write_begin(g, tags, 1);
	generations_write_end(g, tags, 1, true);
	for (uint64_t i = 10000; i < 10300; i++)
		ck_assert(put(m, i, 1000));
	for (uint64_t i = 10000; i < 10300; i++)
		there += peek(m, i);
	ck_assert_uint_gt(there, 290);
	memory_free(m);
	generations_free(g);
}
END_TEST

/* A hot set that fills half of the budget, asked for all the time, while ten times the budget passes by once. */
START_TEST(the_hot_set_survives_a_scan)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(4 * MIB, g);
	const uint64_t hot = 1000;
	uint64_t missed = 0;

	for (int round = 0; round < 3; round++)
		for (uint64_t i = 0; i < hot; i++)
			if (!peek(m, i))
				ck_assert(put(m, i, 1000));
	for (uint64_t i = 0; i < 30000; i++) {
		uint64_t asked = i * 7919 % hot;

		ck_assert(put(m, 1000000 + i, 1000));
		if (!peek(m, asked)) {
			missed++;
			ck_assert(put(m, asked, 1000));
		}
	}
	ck_assert_uint_lt(missed, 30000 / 100);
	memory_free(m);
	generations_free(g);
}
END_TEST

/* The same, but nobody asks for the hot set meanwhile. */
START_TEST(the_hot_set_survives_a_scan_in_its_sleep)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(4 * MIB, g);
	const uint64_t hot = 1000;
	uint64_t there = 0;

	for (int round = 0; round < 4; round++)
		for (uint64_t i = 0; i < hot; i++)
			if (!peek(m, i))
				ck_assert(put(m, i, 1000));
	for (uint64_t i = 0; i < 30000; i++)
		ck_assert(put(m, 1000000 + i, 1000));
	for (uint64_t i = 0; i < hot; i++)
		there += peek(m, i);
	ck_assert_uint_gt(there, hot * 9 / 10);
	memory_free(m);
	generations_free(g);
}
END_TEST

START_TEST(what_comes_back_soon_goes_to_the_main_queue)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	uint64_t passed, there = 0;

	/* a main queue of things that are in use, and a small queue that everything else passes through */
	for (uint64_t i = 0; i < 300; i++) {
		ck_assert(put(m, i, 1000));
		ck_assert(peek(m, i));
	}
	for (passed = 1000; figures(m).evicted < 200; passed++)
		ck_assert(put(m, passed, 1000));
	/* fifty of those that fell out come back soon, and then stay through a scan although nobody asks again */
	for (uint64_t i = 1120; i < 1170; i++)
		ck_assert(put(m, i, 1000));
	for (uint64_t i = 5000; i < 5600; i++)
		ck_assert(put(m, i, 1000));
	for (uint64_t i = 1120; i < 1170; i++)
		there += peek(m, i);
	ck_assert_uint_gt(there, 40);
	/* what did not come back did not stay */
	for (uint64_t i = 1250; i < passed; i++)
		ck_assert(!peek(m, i));
	memory_free(m);
	generations_free(g);
}
END_TEST

START_TEST(an_older_one_does_not_replace_what_is_there)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct entry *there = kit_entry(1, 1, 100), *late = kit_entry(1, 0, 100), *used;
	uint64_t mark = memory_mark(m, &there->key);

	used = memory_add(m, late, mark);
	ck_assert_ptr_eq(used, late);
	entry_unref(used);
	ck_assert(memory_put(m, there));
	used = memory_add(m, late, mark);
	ck_assert_ptr_eq(used, there);
	entry_unref(used);
	ck_assert_uint_eq(figures(m).entries, 1);
	memory_free(m);
	entry_unref(there);
	entry_unref(late);
	generations_free(g);
}
END_TEST

START_TEST(what_was_dropped_meanwhile_is_not_added)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct entry *late = kit_entry(1, 0, 100), *used;
	uint64_t mark = memory_mark(m, &late->key);

	memory_drop(m, &late->key);
	ck_assert_ptr_null(memory_add(m, late, mark));
	mark = memory_mark(m, &late->key);
	memory_clear(m);
	ck_assert_ptr_null(memory_add(m, late, mark));
	ck_assert_uint_eq(figures(m).bytes, 0);
	used = memory_add(m, late, memory_mark(m, &late->key));
	ck_assert_ptr_eq(used, late);
	entry_unref(used);
	memory_free(m);
	entry_unref(late);
	generations_free(g);
}
END_TEST

START_TEST(one_too_large_is_used_though_not_kept)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct entry *large = kit_entry(1, 0, MIB), *used = memory_add(m, large, memory_mark(m, &large->key));

	ck_assert_ptr_eq(used, large);
	ck_assert(!peek(m, 1));
	entry_unref(used);
	entry_unref(large);
	memory_free(m);
	generations_free(g);
}
END_TEST

struct crowd {
	struct memory *m;
	struct generations *g;
	uint64_t seed;
	atomic_bool *over_budget;
};

static void *crowd_member(void *arg)
{
	struct crowd *crowd = arg;
	const uint64_t tags[] = {crowd->seed % 2};
	uint64_t state = crowd->seed;

	for (int i = 0; i < 20000; i++) {
		uint64_t number = kit_random(&state) % 500, what = kit_random(&state) % 100;
		struct cache_key key = kit_key(number);
		struct entry *entry;

		if (what < 20) {
			entry = kit_tagged(crowd->g, number, 0, kit_random(&state) % 8000, tags, 1);
			memory_put(crowd->m, entry);
			entry_unref(entry);
		} else if (what < 25) {
			memory_drop(crowd->m, &key);
		} else if (what == 25 && kit_random(&state) % 100 == 0) {
			generations_write_begin(crowd->g, tags, 1);
			generations_write_end(crowd->g, tags, 1, true);
		} else if (what < 30) {
			uint64_t mark = memory_mark(crowd->m, &key);

			entry = kit_tagged(crowd->g, number, 0, 100, tags, 1);
			entry_unref(memory_add(crowd->m, entry, mark));
			entry_unref(entry);
		} else {
			entry = memory_peek(crowd->m, &key);
			if (entry && !cache_key_equal(&entry->key, &key))
				atomic_store(crowd->over_budget, true);
			entry_unref(entry);
		}
		if (figures(crowd->m).bytes > MIB)
			atomic_store(crowd->over_budget, true);
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	atomic_bool wrong = false;
	struct crowd crowd[4];
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++) {
		crowd[i] = (struct crowd){.m = m, .g = g, .seed = i + 1, .over_budget = &wrong};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd_member, &crowd[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert(!atomic_load(&wrong));
	ck_assert_uint_gt(figures(m).evicted, 0);
	memory_clear(m);
	ck_assert_uint_eq(figures(m).bytes, 0);
	ck_assert_uint_eq(figures(m).entries, 0);
	memory_free(m);
	generations_free(g);
}
END_TEST

static struct blob *new_blob(size_t size)
{
	return blob_new(calloc(1, size), size);
}

/* Forms of a body that are kept beside it: entries make room for them, and they for entries. */
START_TEST(packed_forms_are_part_of_the_budget)
{
	struct generations *g = generations_new();
	struct memory *m = memory_new(MIB, g);
	struct blob *body = new_blob(300 * 1024), *packed = new_blob(200 * 1024);
	uint64_t full;

	for (uint64_t i = 0; i < 300; i++)
		put(m, i, 4096);
	full = figures(m).bytes;
	ck_assert_uint_gt(full, MIB - 10000);
	ck_assert(!memory_make_room(m, MIB / 2));
	ck_assert_uint_eq(figures(m).bytes, full);
	ck_assert(memory_make_room(m, blob_packed_cost(packed->size)));
	ck_assert_ptr_eq(blob_keep_packed(body, BLOB_ZSTD, packed), packed);
	for (uint64_t i = 0; i < 300; i++) {
		ck_assert_uint_le(figures(m).bytes, MIB);
		put(m, 1000 + i, 4096);
	}
	ck_assert_uint_ge(figures(m).bytes, blob_packed_cost(200 * 1024));
	memory_clear(m);
	ck_assert_uint_eq(figures(m).bytes, blob_packed_cost(200 * 1024));
	blob_unref(body);
	ck_assert_uint_eq(figures(m).bytes, 0);
	memory_free(m);
	generations_free(g);
}
END_TEST

UNIT_MAIN("cache/memory", packed_forms_are_part_of_the_budget, gives_what_was_put, what_leaves_is_retired,
        what_is_spoilt_is_not_given, the_budget_is_never_exceeded, an_object_may_be_larger_than_a_shards_share,
        an_object_too_large_is_not_kept_and_leaves_no_older_one, what_is_spoilt_gives_way_first,
        the_hot_set_survives_a_scan, the_hot_set_survives_a_scan_in_its_sleep,
        what_comes_back_soon_goes_to_the_main_queue, an_older_one_does_not_replace_what_is_there,
        what_was_dropped_meanwhile_is_not_added, one_too_large_is_used_though_not_kept, many_threads)
