/* What every store does alike, run over each of them. */
#include "store_kit.h"

struct kind {
	const struct store_ops *ops;
	bool keeps;
};

static const struct kind kinds[] = {{&store_null, false}, {&store_sqlite, true}};

static char *folder;

static struct store *opened(const struct kind *kind, bool distrusted)
{
	struct store_settings settings = {
	        .path = kit_path(folder, "c.db"), .size_limit = STORE_KIT_LIMIT, .distrusted = distrusted};
	struct store *store = NULL;

	ck_assert_int_eq(kind->ops->open(&settings, &store, NULL), 0);
	ck_assert_ptr_nonnull(store);
	return store;
}

static void count_generation(void *arg, uint32_t slot, uint32_t generation)
{
	ck_assert_uint_eq(slot, 3);
	ck_assert_uint_eq(generation, 4);
	++*(int *)arg;
}

static void count_key(void *arg, const struct cache_key *key)
{
	++*(int *)arg;
}

static void walk_through(const struct kind *kind)
{
	const struct store_ops *ops = kind->ops;
	struct store *store = opened(kind, false);
	struct entry *entry = kit_entry(1, 0, 100), *found = NULL;
	struct store_change changes[] = {
	        {.kind = STORE_GENERATION, .slot = 3, .generation = 4},
	        {.kind = STORE_CLEAR},
	        {.kind = STORE_PUT, .key = entry->key, .entry = entry},
	        {.kind = STORE_DROP, .key = kit_key(2)},
	};
	struct generations *g = generations_new();
	struct store_present present = {.now_ms = KIT_BORN, .generations = g};
	struct store_settings settings = {.path = kit_path(folder, "c.db")};
	struct cache_key cursor = {0};
	struct store_figures figures;
	int generations = 0, keys = 0;

	ck_assert_uint_gt(strlen(ops->name), 0);
	ck_assert_int_eq(ops->load(store, &entry->key, &found, NULL), -ENOENT);
	ck_assert_int_eq(ops->apply(store, changes, ARRAY_SIZE(changes), NULL), 0);
	ck_assert_int_eq(changes[2].skipped, !kind->keeps);
	ck_assert_int_eq(ops->apply(store, changes, 0, NULL), 0);
	ck_assert_int_eq(ops->load(store, &entry->key, &found, NULL), kind->keeps ? 0 : -ENOENT);
	entry_unref(found);
	ck_assert_int_eq(ops->keys(store, &cursor, 10, count_key, &keys, NULL), 0);
	ck_assert_int_eq(keys, kind->keeps);
	ck_assert_int_eq(ops->figures(store, &figures, NULL), 0);
	ck_assert_uint_eq(figures.entries, kind->keeps);
	ck_assert_int_eq(figures.bytes > 0, kind->keeps);
	ck_assert_int_eq(ops->trim(store, &present, NULL), 0);
	ops->set_size_limit(store, 1 << 20);
	ck_assert_int_eq(ops->trim(store, &present, NULL), 0);
	ops->close(store);
	store = opened(kind, true);
	ck_assert_int_eq(ops->load(store, &entry->key, &found, NULL), -ENOENT);
	ck_assert_int_eq(ops->load_generations(store, count_generation, &generations, NULL), 0);
	ck_assert_int_eq(generations, kind->keeps);
	ops->close(store);
	ck_assert_int_eq(ops->distrust(&settings, NULL), 0);
	entry_unref(entry);
	generations_free(g);
}

START_TEST(every_store_does_alike)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		folder = kit_folder();
		walk_through(&kinds[i]);
		kit_remove(&folder);
	}
}
END_TEST

UNIT_MAIN("cache/store", every_store_does_alike)
