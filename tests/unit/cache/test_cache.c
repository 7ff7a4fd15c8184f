#include "cache_kit.h"

static const uint64_t tag[] = {11}, other[] = {12};

START_TEST(memory_alone)
{
	struct cache_settings settings = {.memory_limit = 1 << 20};
	const struct store_ops *const stores[] = {NULL, &store_null, &store_sqlite};

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		struct cache *cache = NULL;
		struct kit_answer answer = {0};

		settings.store = stores[i];
		settings.store_settings.path = "";
		ck_assert_int_eq(cache_new(&settings, &cache, NULL), 0);
		ck_assert_int_eq(cache_kit_figures(cache).state, CACHE_STORE_OFF);
		ck_assert(cache_kit_put(cache, 1, 0, 100, tag, 1));
		ck_assert(cache_kit_has(cache, 1));
		ck_assert(!cache_kit_may_hold(cache, 1));
		ck_assert(!cache_kit_finds(cache, 2));
		cache_write_begin(cache, tag, 1, kit_noted, &answer);
		ck_assert_int_eq(atomic_load(&answer.times), 1);
		ck_assert(!cache_kit_has(cache, 1));
		cache_write_end(cache, tag, 1, true);
		ck_assert(cache_kit_put(cache, 1, 0, 100, tag, 1));
		cache_clear(cache);
		ck_assert(!cache_kit_has(cache, 1));
		cache_set_limits(cache, 0, 0);
		ck_assert(cache_kit_put(cache, 1, 0, 100, tag, 1));
		ck_assert(!cache_kit_has(cache, 1));
		cache_free(cache, 100);
	}
	cache_free(NULL, 0);
}
END_TEST

START_TEST(keeps_over_a_restart)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct entry *expected, *entry;

	ck_assert_int_eq(cache_kit_figures(cache).state, CACHE_STORE_READY);
	ck_assert(!cache_kit_may_hold(cache, 1));
	ck_assert(cache_kit_put(cache, 1, 3, 5000, tag, 1));
	ck_assert(cache_kit_has(cache, 1));
	cache_free(cache, 5000);
	cache = cache_kit_new(path);
	ck_assert(!cache_kit_has(cache, 1));
	ck_assert(cache_kit_may_hold(cache, 1));
	entry = cache_kit_fetch(cache, 1);
	ck_assert_ptr_nonnull(entry);
	expected = cache_kit_entry(cache, 1, 3, 5000, tag, 1);
	ck_assert(kit_same(entry, expected));
	ck_assert(entry->flags & ENTRY_FROM_STORE);
	entry_unref(entry);
	entry_unref(expected);
	ck_assert(cache_kit_has(cache, 1)); /* from now on in memory */
	ck_assert_uint_eq(cache_kit_figures(cache).store_entries, 1);
	ck_assert(!cache_kit_finds(cache, 2));
	KIT_WAIT(!cache_kit_may_hold(cache, 2));
	ck_assert(cache_kit_may_hold(cache, 1));
	cache_free(cache, 5000);
}
END_TEST

START_TEST(what_memory_evicted_is_in_the_store)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct cache *cache = cache_kit_start(kit_path(folder, "c.db"), 1 << 20, NULL, NULL);
	uint64_t found = 0;

	for (uint64_t i = 0; i < 500; i++) {
		ck_assert(cache_kit_put(cache, i, 0, 10000, tag, 1));
		if (i % 50 == 49)
			cache_kit_settle(cache);
	}
	cache_kit_settle(cache);
	KIT_WAIT(cache_kit_figures(cache).store_entries == 500);
	ck_assert_uint_lt(cache_kit_figures(cache).memory_entries, 110);
	ck_assert_uint_le(cache_kit_figures(cache).memory_bytes, 1 << 20);
	for (uint64_t i = 0; i < 500; i++)
		found += cache_kit_has(cache, i) || (cache_kit_may_hold(cache, i) && cache_kit_finds(cache, i));
	ck_assert_uint_eq(found, 500);
	cache_free(cache, 5000);
}
END_TEST

static void stays_in_memory(unsigned flag, const char *field)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct entry *secret = cache_kit_entry(cache, 1, 0, 100, tag, 1);

	secret->flags |= flag;
	ck_assert_int_eq(fields_add(&secret->fields, field, "secret"), 0);
	ck_assert(cache_kit_put(cache, 1, 1, 100, tag, 1)); /* one before it, without a secret */
	cache_kit_settle(cache);
	KIT_WAIT(cache_kit_may_hold(cache, 1));
	ck_assert(cache_put(cache, secret));
	entry_unref(secret);
	ck_assert(cache_kit_has(cache, 1));
	cache_kit_settle(cache);
	KIT_WAIT(!cache_kit_may_hold(cache, 1));
	cache_free(cache, 5000);
	ck_assert_int_eq(store_kit_sql(path, "SELECT count(*) FROM heads"), 0);
}

START_TEST(a_secret_stays_in_memory)
{
	stays_in_memory(ENTRY_SECRET, "X-Other");
	stays_in_memory(0, "set-cookie");
}
END_TEST

START_TEST(a_write_spoils_everywhere)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct entry *in_flight, *while_open;
	struct kit_answer answer = {0};

	ck_assert(cache_kit_put(cache, 1, 0, 100, tag, 1));
	ck_assert(cache_kit_put(cache, 2, 0, 100, other, 1));
	cache_kit_settle(cache);
	in_flight = cache_kit_entry(cache, 3, 0, 100, tag, 1);
	cache_write_begin(cache, tag, 1, kit_noted, &answer);
	ck_assert(!cache_kit_has(cache, 1));
	ck_assert(!cache_kit_finds(cache, 1));
	ck_assert(cache_kit_has(cache, 2));
	ck_assert(!cache_put(cache, in_flight));
	while_open = cache_kit_entry(cache, 3, 0, 100, tag, 1);
	ck_assert(!cache_put(cache, while_open));
	KIT_WAIT(atomic_load(&answer.times) == 1);
	cache_write_end(cache, tag, 1, true);
	ck_assert(!cache_put(cache, while_open));
	ck_assert(cache_kit_put(cache, 3, 0, 100, tag, 1));
	entry_unref(in_flight);
	entry_unref(while_open);
	cache_free(cache, 5000);
	cache = cache_kit_new(path);
	ck_assert(!cache_kit_finds(cache, 1));
	ck_assert(cache_kit_finds(cache, 2));
	ck_assert(cache_kit_finds(cache, 3));
	cache_free(cache, 5000);
}
END_TEST

START_TEST(drop_and_clear_forget_everywhere)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct cache_key key = kit_key(1);

	for (uint64_t i = 1; i <= 3; i++)
		ck_assert(cache_kit_put(cache, i, 0, 100, NULL, 0));
	cache_kit_settle(cache);
	cache_drop(cache, &key);
	ck_assert(!cache_kit_has(cache, 1));
	ck_assert(!cache_kit_finds(cache, 1));
	ck_assert(cache_kit_has(cache, 2));
	cache_clear(cache);
	ck_assert(!cache_kit_has(cache, 2));
	ck_assert(!cache_kit_finds(cache, 2));
	ck_assert(cache_kit_put(cache, 3, 1, 100, NULL, 0));
	ck_assert(cache_kit_has(cache, 3));
	cache_free(cache, 5000);
	cache = cache_kit_new(path);
	ck_assert(!cache_kit_finds(cache, 1));
	ck_assert(!cache_kit_finds(cache, 2));
	ck_assert(cache_kit_finds(cache, 3));
	cache_free(cache, 5000);
}
END_TEST

/* A store like SQLite's whose load() waits half-way, so that things can happen in between. */
static struct {
	pthread_barrier_t reached, go_on;
	atomic_bool stop_there;
} pause_in_load;

static int pausing_load(struct store *store, const struct cache_key *key, struct entry **ret, struct fail *fail)
{
	int r = store_sqlite.load(store, key, ret, fail);

	if (atomic_load(&pause_in_load.stop_there)) {
		pthread_barrier_wait(&pause_in_load.reached);
		pthread_barrier_wait(&pause_in_load.go_on);
	}
	return r;
}

static struct cache *pausing_cache(const char *path)
{
	static struct store_ops ops;
	struct cache_settings settings = {.store = &ops,
	        .store_settings = {.path = path, .size_limit = STORE_KIT_LIMIT},
	        .memory_limit = 1 << 20};
	struct cache *cache = NULL;

	ops = store_sqlite;
	ops.load = pausing_load;
	pthread_barrier_init(&pause_in_load.reached, NULL, 2);
	pthread_barrier_init(&pause_in_load.go_on, NULL, 2);
	atomic_store(&pause_in_load.stop_there, true);
	ck_assert_int_eq(cache_new(&settings, &cache, NULL), 0);
	return cache;
}

enum meanwhile { DROP, CLEAR, WRITE, NEWER_PUT };

static void during_a_fetch(enum meanwhile meanwhile)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct cache_key key = kit_key(1);
	struct kit_answer answer = {0};

	ck_assert(cache_kit_put(cache, 1, 0, 100, tag, 1));
	cache_free(cache, 5000);
	cache = pausing_cache(path);
	cache_fetch(cache, &key, kit_found, &answer);
	pthread_barrier_wait(&pause_in_load.reached); /* the row was read */
	if (meanwhile == DROP)
		cache_drop(cache, &key);
	else if (meanwhile == CLEAR)
		cache_clear(cache);
	else if (meanwhile == WRITE)
		cache_write_begin(cache, tag, 1, NULL, NULL);
	else
		ck_assert(cache_kit_put(cache, 1, 1, 200, tag, 1));
	atomic_store(&pause_in_load.stop_there, false);
	pthread_barrier_wait(&pause_in_load.go_on);
	KIT_WAIT(atomic_load(&answer.times) == 1);
	if (meanwhile == NEWER_PUT) {
		ck_assert_ptr_nonnull(answer.entry);
		ck_assert_uint_eq(answer.entry->body->size, 200);
	} else {
		ck_assert_ptr_null(answer.entry);
		ck_assert(!cache_kit_has(cache, 1));
	}
	entry_unref(answer.entry);
	if (meanwhile == WRITE)
		cache_write_end(cache, tag, 1, true);
	cache_free(cache, 5000);
}

START_TEST(a_fetch_under_way_brings_nothing_back)
{
	during_a_fetch(DROP);
	during_a_fetch(CLEAR);
	during_a_fetch(WRITE);
	during_a_fetch(NEWER_PUT);
}
END_TEST

START_TEST(fetches_are_answered_at_the_end)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct cache *cache = cache_kit_new(kit_path(folder, "c.db"));
	struct kit_answer answers[500] = {0};

	ck_assert(cache_kit_put(cache, 0, 0, 100, tag, 1));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct cache_key key = kit_key(i);

		cache_fetch(cache, &key, kit_found, &answers[i]);
	}
	cache_free(cache, 5000);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		ck_assert_int_eq(atomic_load(&answers[i].times), 1);
		ck_assert_int_eq(answers[i].entry != NULL, i == 0);
		entry_unref(answers[i].entry);
	}
}
END_TEST

START_TEST(a_renewed_head_survives_a_restart)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct entry *first = cache_kit_entry(cache, 1, 0, 50000, tag, 1), *second = entry_copy_head(first), *entry;

	second->fresh_until_ms += 1000;
	ck_assert(cache_put(cache, first));
	cache_kit_settle(cache);
	ck_assert(cache_put(cache, second));
	ck_assert(atomic_load(&first->retired));
	cache_free(cache, 5000);
	cache = cache_kit_new(path);
	entry = cache_kit_fetch(cache, 1);
	ck_assert(kit_same(entry, second));
	entry_unref(entry);
	entry_unref(first);
	entry_unref(second);
	cache_free(cache, 5000);
}
END_TEST

START_TEST(limits_can_be_changed)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);

	for (uint64_t i = 0; i < 800; i++) {
		ck_assert(cache_kit_put(cache, i, 0, 10000, tag, 1));
		if (i % 100 == 99)
			cache_kit_settle(cache);
	}
	cache_kit_settle(cache);
	KIT_WAIT(cache_kit_figures(cache).store_entries > 700);
	cache_set_limits(cache, 1 << 20, 2 << 20);
	ck_assert_uint_le(cache_kit_figures(cache).memory_bytes, 1 << 20);
	KIT_WAIT(cache_kit_figures(cache).store_bytes <= 2 << 20);
	cache_free(cache, 5000);
	ck_assert_uint_le(kit_size(path), 2 << 20);
}
END_TEST

/* Many entries: opening reads none, the first look-up is answered at once, the rest is learnt in the background. */
START_TEST(a_restart_with_many_entries_answers_at_once)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	const uint64_t many = 20000;

	for (uint64_t i = 0; i < many; i++) {
		ck_assert(cache_kit_put(cache, i, 0, 20, tag, 1));
		if (i % 1000 == 999)
			cache_kit_settle(cache);
	}
	cache_free(cache, 20000);
	cache = cache_kit_new(path);
	ck_assert_uint_gt(cache_kit_figures(cache).store_entries, many * 9 / 10);
	ck_assert(cache_kit_finds(cache, many - 1));
	KIT_WAIT(!cache_kit_may_hold(cache, many + 1));
	ck_assert(cache_kit_may_hold(cache, many - 2));
	cache_free(cache, 5000);
}
END_TEST

struct seen {
	struct cache *cache;
	size_t in_memory, in_store, enough;
	bool drops;
};

static bool see(void *arg, struct entry *entry, bool in_memory)
{
	struct seen *seen = arg;

	CHECK(entry, ENTRY_MAGIC);
	if (in_memory)
		seen->in_memory++;
	else
		seen->in_store++;
	if (seen->drops)
		cache_drop(seen->cache, &entry->key);
	return seen->in_memory + seen->in_store != seen->enough;
}

/* Over both tiers, nothing twice, nothing that is spoilt; and what is seen may be dropped on the way. */
START_TEST(walks_over_everything)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = cache_kit_new(path);
	struct seen seen = {0}, some = {.enough = 7}, dropping = {.drops = true}, left = {0};

	for (uint64_t i = 0; i < 50; i++)
		ck_assert(cache_kit_put(cache, i, 0, 100, i < 40 ? tag : other, 1));
	cache_free(cache, 5000);
	cache = cache_kit_new(path);
	for (uint64_t i = 0; i < 5; i++)
		ck_assert(cache_kit_finds(cache, i)); /* these are in memory from now on */
	cache_kit_write(cache, other, 1);
	ck_assert_int_eq(cache_walk(cache, see, &seen), 0);
	ck_assert_uint_eq(seen.in_memory, 5);
	ck_assert_uint_eq(seen.in_store, 35);
	ck_assert_int_eq(cache_walk(cache, see, &some), 1);
	ck_assert_uint_eq(some.in_memory + some.in_store, 7);
	dropping.cache = cache;
	ck_assert_int_eq(cache_walk(cache, see, &dropping), 0);
	ck_assert_uint_eq(dropping.in_memory + dropping.in_store, 40);
	ck_assert_int_eq(cache_walk(cache, see, &left), 0);
	ck_assert_uint_eq(left.in_memory + left.in_store, 0);
	cache_free(cache, 5000);
}
END_TEST

UNIT_MAIN("cache/cache", memory_alone, keeps_over_a_restart, what_memory_evicted_is_in_the_store,
        a_secret_stays_in_memory, a_write_spoils_everywhere, drop_and_clear_forget_everywhere,
        a_fetch_under_way_brings_nothing_back, fetches_are_answered_at_the_end, a_renewed_head_survives_a_restart,
        walks_over_everything, limits_can_be_changed, a_restart_with_many_entries_answers_at_once)
