/*
 * Everything at once, for the thread sanitizer and against a model: no reader
 * ever sees a value older than the last write that was answered before he asked.
 */
#include "cache_kit.h"

#define KEYS    60
#define TAGS    6
#define THREADS 4

static struct cache *cache;
static _Atomic unsigned values[TAGS], promised[TAGS];
static atomic_bool over;
static atomic_uint_fast64_t stale, mixed_up, hits, fetched;
static const char *stress_path;

/* What a reader may see at least; to be taken before he asks. */
static void judge(uint64_t number, const struct entry *entry, unsigned least)
{
	unsigned version = (unsigned)(entry->born_ms - KIT_BORN);
	struct entry *expected = kit_entry(number, version, 100 + number * 100);

	expected->tags = entry->tags;
	if (!kit_same(expected, entry))
		atomic_fetch_add(&mixed_up, 1);
	if (version < least)
		atomic_fetch_add(&stale, 1);
	entry_unref(expected);
}

static void read_one(uint64_t number)
{
	uint64_t tag = number % TAGS;
	unsigned least = atomic_load(&promised[tag]);
	struct entry *entry = cache_kit_peek(cache, number);

	if (entry) {
		atomic_fetch_add(&hits, 1);
	} else if (cache_kit_may_hold(cache, number)) {
		entry = cache_kit_fetch(cache, number);
		if (entry)
			atomic_fetch_add(&fetched, 1);
	}
	if (entry) {
		judge(number, entry, least);
	} else {
		struct tag_notes notes;

		generations_note(cache_generations(cache), &tag, 1, &notes);
		entry = kit_entry(number, atomic_load(&values[tag]), 100 + number * 100);
		entry->tags = notes;
		cache_put(cache, entry);
	}
	entry_unref(entry);
}

static void raise_promise(uint64_t tag, unsigned value)
{
	unsigned present = atomic_load(&promised[tag]);

	while (present < value && !atomic_compare_exchange_weak(&promised[tag], &present, value))
		;
}

static void write_one(uint64_t tag)
{
	struct kit_answer answer = {0};
	unsigned value;

	cache_write_begin(cache, &tag, 1, kit_noted, &answer);
	value = atomic_fetch_add(&values[tag], 1) + 1;
	KIT_WAIT(atomic_load(&answer.times) == 1);
	cache_write_end(cache, &tag, 1, true);
	raise_promise(tag, value);
}

static void *client(void *arg)
{
	uint64_t state = *(uint64_t *)arg;

	while (!atomic_load(&over)) {
		uint64_t what = kit_random(&state) % 1000, number = kit_random(&state) % KEYS;
		struct cache_key key = kit_key(number);
		struct cache_figures figures;

		if (what < 20)
			write_one(number % TAGS);
		else if (what < 40)
			cache_drop(cache, &key);
		else if (what < 42)
			cache_clear(cache);
		else if (what < 45)
			cache_set_limits(cache, (1 + kit_random(&state) % 3) << 17, (4 + kit_random(&state) % 8) << 18);
		else if (what < 60)
			cache_get_figures(cache, &figures);
		else
			read_one(number);
	}
	return NULL;
}

/* Takes the store away now and then, as somebody with the sqlite3 tool would. */
static void *nuisance(void *arg)
{
	while (!atomic_load(&over)) {
		sqlite3 *other = NULL;

		if (sqlite3_open_v2(stress_path, &other, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		        sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) {
			for (int i = 0; i < 700 && !atomic_load(&over); i++)
				kit_nap();
		}
		sqlite3_close(other);
		for (int i = 0; i < 300 && !atomic_load(&over); i++)
			kit_nap();
	}
	return NULL;
}

static void run(bool with_nuisance)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	uint64_t seeds[THREADS];
	pthread_t threads[THREADS], other;
	int64_t until = clock_monotonic_us() + 3000000;

	stress_path = kit_path(folder, "c.db");
	cache = cache_kit_start(stress_path, 256 << 10, NULL, NULL);
	for (size_t i = 0; i < THREADS; i++) {
		seeds[i] = i + 1;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, client, &seeds[i]), 0);
	}
	if (with_nuisance)
		ck_assert_int_eq(pthread_create(&other, NULL, nuisance, NULL), 0);
	while (clock_monotonic_us() < until || atomic_load(&fetched) < 10 || atomic_load(&hits) <= 100)
		kit_nap();
	atomic_store(&over, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (with_nuisance)
		pthread_join(other, NULL);
	ck_assert_uint_eq(atomic_load(&stale), 0);
	ck_assert_uint_eq(atomic_load(&mixed_up), 0);
	ck_assert_uint_gt(atomic_load(&hits), 100);
	cache_free(cache, 10000);
	ck_assert(store_kit_intact(stress_path));
	/* and the next process */
	cache = cache_kit_start(stress_path, 256 << 10, NULL, NULL);
	for (uint64_t i = 0; i < KEYS; i++) {
		struct entry *entry = cache_kit_fetch(cache, i);

		if (entry)
			judge(i, entry, atomic_load(&promised[i % TAGS]));
		entry_unref(entry);
	}
	ck_assert_uint_eq(atomic_load(&stale), 0);
	ck_assert_uint_eq(atomic_load(&mixed_up), 0);
	cache_free(cache, 10000);
}

START_TEST(everything_at_once)
{
	run(false);
}
END_TEST

START_TEST(everything_at_once_and_the_store_comes_and_goes)
{
	run(true);
}
END_TEST

UNIT_MAIN("cache/cache_stress", everything_at_once, everything_at_once_and_the_store_comes_and_goes)
