#include "cache/store.h"

#include <errno.h>

struct store {
	unsigned magic;
#define STORE_NULL_MAGIC 0x0511ab1e
};

static int null_open(const struct store_settings *settings, struct store **ret, struct fail *fail)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return fail_set(fail, -ENOMEM, "out of memory");
	store->magic = STORE_NULL_MAGIC;
	*ret = store;
	return 0;
}

static void null_close(struct store *store)
{
	CHECK(store, STORE_NULL_MAGIC);
	store->magic = 0;
	free(store);
}

static int null_distrust(const struct store_settings *settings, struct fail *fail)
{
	return 0;
}

static int null_load_generations(
        struct store *store, void (*each)(void *, uint32_t, uint32_t), void *arg, struct fail *fail)
{
	CHECK(store, STORE_NULL_MAGIC);
	return 0;
}

static int null_load(struct store *store, const struct cache_key *key, struct entry **ret, struct fail *fail)
{
	CHECK(store, STORE_NULL_MAGIC);
	return -ENOENT;
}

static int null_keys(struct store *store, struct cache_key *cursor, unsigned max,
        void (*each)(void *, const struct cache_key *), void *arg, struct fail *fail)
{
	CHECK(store, STORE_NULL_MAGIC);
	return 0;
}

static int null_apply(struct store *store, struct store_change *changes, size_t count, struct fail *fail)
{
	CHECK(store, STORE_NULL_MAGIC);
	for (size_t i = 0; i < count; i++)
		changes[i].skipped = changes[i].kind == STORE_PUT;
	return 0;
}

static int null_trim(struct store *store, const struct store_present *present, struct fail *fail)
{
	CHECK(store, STORE_NULL_MAGIC);
	return 0;
}

static void null_set_size_limit(struct store *store, uint64_t size_limit)
{
	CHECK(store, STORE_NULL_MAGIC);
}

static int null_figures(struct store *store, struct store_figures *ret, struct fail *fail)
{
	CHECK(store, STORE_NULL_MAGIC);
	*ret = (struct store_figures){0};
	return 0;
}

const struct store_ops store_null = {
        .name = "null",
        .open = null_open,
        .close = null_close,
        .distrust = null_distrust,
        .load_generations = null_load_generations,
        .load = null_load,
        .keys = null_keys,
        .apply = null_apply,
        .trim = null_trim,
        .set_size_limit = null_set_size_limit,
        .figures = null_figures,
};
