/* A cache of a test's own over a SQLite store. */
#ifndef CACHE_CACHE_KIT_H
#define CACHE_CACHE_KIT_H

#include "cache/cache.h"
#include "store_kit.h"

/* Fails the test when it cannot be had at all; degraded is had. */
static inline struct cache *cache_kit_start(const char *path, uint64_t memory_limit, int *ret_r, struct fail *fail)
{
	struct cache_settings settings = {
	        .store = &store_sqlite,
	        .store_settings = {.path = path, .size_limit = STORE_KIT_LIMIT},
	        .memory_limit = memory_limit,
	        .retry_min_ms = 2,
	        .retry_max_ms = 20,
	};
	struct cache *cache = NULL;
	int r;

	clock_set_offset_ms(0);
	clock_set_offset_ms(KIT_BORN - clock_wall_ms()); /* else all of the kit's entries have expired */
	r = cache_new(&settings, &cache, fail);
	ck_assert_int_ge(r, 0);
	if (ret_r)
		*ret_r = r;
	return cache;
}

static inline struct cache *cache_kit_new(const char *path)
{
	struct fail fail = {0};
	int r;
	struct cache *cache = cache_kit_start(path, 16 << 20, &r, &fail);

	ck_assert_msg(r == 0, "%s", fail.text);
	return cache;
}

static inline struct cache_figures cache_kit_figures(struct cache *cache)
{
	struct cache_figures figures;

	cache_get_figures(cache, &figures);
	return figures;
}

static inline struct entry *cache_kit_entry(
        struct cache *cache, uint64_t number, unsigned version, size_t size, const uint64_t *tags, size_t count)
{
	return kit_tagged(cache_generations(cache), number, version, size, tags, count);
}

static inline bool cache_kit_put(
        struct cache *cache, uint64_t number, unsigned version, size_t size, const uint64_t *tags, size_t count)
{
	struct entry *entry = cache_kit_entry(cache, number, version, size, tags, count);
	bool kept = cache_put(cache, entry);

	entry_unref(entry);
	return kept;
}

/* From memory, with a reference, or NULL. */
static inline struct entry *cache_kit_peek(struct cache *cache, uint64_t number)
{
	struct cache_key key = kit_key(number);

	return cache_peek(cache, &key);
}

/* From the store, with a reference, or NULL. */
static inline struct entry *cache_kit_fetch(struct cache *cache, uint64_t number)
{
	struct cache_key key = kit_key(number);
	struct kit_answer answer = {0};

	cache_fetch(cache, &key, kit_found, &answer);
	KIT_WAIT(atomic_load(&answer.times) > 0);
	ck_assert_int_eq(atomic_load(&answer.times), 1);
	return answer.entry;
}

static inline bool cache_kit_has(struct cache *cache, uint64_t number)
{
	struct entry *entry = cache_kit_peek(cache, number);
	bool has = entry != NULL;

	entry_unref(entry);
	return has;
}

static inline bool cache_kit_finds(struct cache *cache, uint64_t number)
{
	struct entry *entry = cache_kit_fetch(cache, number);
	bool finds = entry != NULL;

	entry_unref(entry);
	return finds;
}

static inline bool cache_kit_may_hold(struct cache *cache, uint64_t number)
{
	struct cache_key key = kit_key(number);

	return cache_may_hold(cache, &key);
}

/* A whole write, begun and ended, waiting for noted() in between as whoever delivers its answer does. */
static inline void cache_kit_write(struct cache *cache, const uint64_t *tags, size_t count)
{
	struct kit_answer answer = {0};

	cache_write_begin(cache, tags, count, kit_noted, &answer);
	KIT_WAIT(atomic_load(&answer.times) > 0);
	ck_assert_int_eq(atomic_load(&answer.times), 1);
	cache_write_end(cache, tags, count, true);
}

/* What is queued is written at once instead of with the next batch. Always true. */
static inline bool cache_kit_hurry(struct cache *cache)
{
	struct cache_key nobodys = kit_key(UINT64_MAX);

	cache_drop(cache, &nobodys);
	return true;
}

static inline void cache_kit_settle(struct cache *cache)
{
	KIT_WAIT(cache_kit_figures(cache).store_queue == 0);
}

#endif
