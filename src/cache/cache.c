#include "cache/cache_inside.h"

#include <errno.h>
#include <sys/random.h>

/*
 * Why a stored answer from before a write is never served after the write was answered, also by a process that
 * is started after this one was killed.
 *
 * 1. While the process lives, generations in memory decide (cache/generations.h). A write opens them before it is sent
 *    to Redmine and raises them when it is answered, and whatever comes out of memory or the store is compared with them.
 * 2. The generations that entries in the store are compared with after a restart are those in the store. A write's
 *    answer is delivered after noted(), that is, after the store committed generations past those of before the
 *    write's beginning. An entry stored before the write noted lower ones: spoilt. One read while the write was
 *    open was not kept. One read after it noted the generation of its end, which may not be committed yet if the
 *    process is killed; but an entry is only ever written together with, or after, every generation that it noted
 *    (keeper.c), so that a counter never passes a second time through a number that an entry carries.
 * 3. A process killed between opening in memory and the commit had not delivered that write's answer: nothing was
 *    promised. The entries from before may then be served for as long as they are fresh, as after any change made
 *    elsewhere. (Whoever sends the write only after noted() closes that gap too.)
 * 4. When the store cannot be written, it is marked as distrusted before noted() runs (keeper.c, store_file.h),
 *    and gives out nothing of what it held when it comes back, to this process or a later one. Where even that
 *    mark cannot be written (a file system that has become read-only) the store is unusable for as long as that
 *    lasts.
 * 5. Commits are not synced to the disk one by one. They outlive the process, not the machine: a file that was in use
 *    when the machine went down counts as cleared at the next start (store_file.h).
 */

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 30000

/*
 * The writer's queue may hold so large a part of the memory budget: entries in it are mostly in memory too. At
 * least some batches, so that a small budget does not lose entries on their way to the store.
 */
#define QUEUE_PARTS     8
#define QUEUE_BYTES_MIN (4 << 20)

static enum cache_store_state state_of(enum keeper_state state)
{
	return state == KEEPER_READY ? CACHE_STORE_READY : CACHE_STORE_DEGRADED;
}

static void pass_state(void *arg, enum keeper_state state, const char *why)
{
	struct cache *cache = arg;

	if (cache->on_state)
		cache->on_state(cache->on_state_arg, state_of(state), why);
}

static int start_keeper(struct cache *cache, const struct cache_settings *settings, struct fail *fail)
{
	uint64_t queue_bytes = settings->memory_limit / QUEUE_PARTS;
	struct keeper_settings keeper = {
	        .ops = settings->store,
	        .store = settings->store_settings,
	        .generations = cache->generations,
	        .queue_bytes = queue_bytes > QUEUE_BYTES_MIN ? queue_bytes : QUEUE_BYTES_MIN,
	        .retry_min_ms = settings->retry_min_ms > 0 ? settings->retry_min_ms : RETRY_MIN_MS,
	        .retry_max_ms = settings->retry_max_ms > 0 ? settings->retry_max_ms : RETRY_MAX_MS,
	        .on_state = pass_state,
	        .on_state_arg = cache,
	};

	if (!settings->store || settings->store == &store_null || !keeper.store.path || !*keeper.store.path)
		return 0;
	return keeper_new(&keeper, &cache->keeper, fail);
}

int cache_new(const struct cache_settings *settings, struct cache **ret, struct fail *fail)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	int r = -ENOMEM;

	if (!cache)
		return fail_set(fail, -ENOMEM, "out of memory");
	cache->magic = CACHE_MAGIC;
	cache->on_state = settings->on_state;
	cache->on_state_arg = settings->on_state_arg;
	if (getrandom(cache->lineage, sizeof(cache->lineage), GRND_NONBLOCK) < 0)
		memset(cache->lineage, 0, sizeof(cache->lineage));
	cache->generations = generations_new();
	if (cache->generations)
		cache->memory = memory_new(settings->memory_limit, cache->generations);
	if (cache->memory)
		r = start_keeper(cache, settings, fail);
	else
		fail_set(fail, r, "out of memory");
	if (r < 0) {
		cache_free(cache, 0);
		return r;
	}
	*ret = cache;
	return r;
}

void cache_free(struct cache *cache, int64_t limit_ms)
{
	if (!cache)
		return;
	CHECK(cache, CACHE_MAGIC);
	keeper_free(cache->keeper, limit_ms);
	memory_free(cache->memory);
	generations_free(cache->generations);
	cache->magic = 0;
	free(cache);
}

struct generations *cache_generations(struct cache *cache)
{
	CHECK(cache, CACHE_MAGIC);
	return cache->generations;
}

struct entry *cache_peek(struct cache *cache, const struct cache_key *key)
{
	CHECK(cache, CACHE_MAGIC);
	return memory_peek(cache->memory, key);
}

bool cache_may_hold(struct cache *cache, const struct cache_key *key)
{
	CHECK(cache, CACHE_MAGIC);
	return cache->keeper && keeper_may_hold(cache->keeper, key);
}

/* A look-up in the store on its way: what to do with the answer. */
struct fetch {
	struct cache *cache;
	uint64_t mark; /* memory_mark() before the store was asked: keys dropped since stay dropped */
	cache_found *found;
	void *arg;
};

static void fetched(void *arg, struct entry *entry)
{
	struct fetch fetch = *(struct fetch *)arg;
	struct entry *kept = NULL;

	free(arg);
	if (entry && generations_current(fetch.cache->generations, &entry->tags))
		kept = memory_add(fetch.cache->memory, entry, fetch.mark);
	entry_unref(entry);
	if (kept && !generations_current(fetch.cache->generations, &kept->tags)) {
		entry_unref(kept);
		kept = NULL;
	}
	fetch.found(fetch.arg, kept);
}

void cache_fetch(struct cache *cache, const struct cache_key *key, cache_found *found, void *arg)
{
	struct fetch *fetch;

	CHECK(cache, CACHE_MAGIC);
	fetch = cache->keeper ? malloc(sizeof(*fetch)) : NULL;
	if (!fetch) {
		found(arg, NULL);
		return;
	}
	*fetch = (struct fetch){.cache = cache, .mark = memory_mark(cache->memory, key), .found = found, .arg = arg};
	keeper_fetch(cache->keeper, key, fetched, fetch);
}

/* Whatever the policy, no cookie lands in a file. */
bool cache_fit_for_file(const struct entry *entry)
{
	return !(entry->flags & ENTRY_SECRET) && !fields_get(&entry->fields, "Set-Cookie");
}

bool cache_put(struct cache *cache, struct entry *entry)
{
	CHECK(cache, CACHE_MAGIC);
	CHECK(entry, ENTRY_MAGIC);
	ASSERT(entry->body && entry->reason && entry->resource && entry->target);
	if (!generations_current(cache->generations, &entry->tags))
		return false;
	memory_put(cache->memory, entry);
	if (!cache->keeper)
		return true;
	if (cache_fit_for_file(entry))
		keeper_put(cache->keeper, entry);
	else if (keeper_may_hold(cache->keeper, &entry->key))
		keeper_drop(cache->keeper, &entry->key);
	return true;
}

void cache_drop(struct cache *cache, const struct cache_key *key)
{
	CHECK(cache, CACHE_MAGIC);
	/* the store first: a fetch that finds the key in neither queue nor mark has begun before */
	if (cache->keeper)
		keeper_drop(cache->keeper, key);
	memory_drop(cache->memory, key);
}

void cache_clear(struct cache *cache)
{
	CHECK(cache, CACHE_MAGIC);
	if (cache->keeper)
		keeper_clear(cache->keeper);
	memory_clear(cache->memory);
	cache_note_removal(cache);
}

void cache_set_rules(struct cache *cache, uint32_t rules)
{
	CHECK(cache, CACHE_MAGIC);
	if (cache->keeper)
		keeper_set_rules(cache->keeper, rules);
	memory_clear(cache->memory);
	cache_note_removal(cache);
}

void cache_write_begin(struct cache *cache, const uint64_t *tags, size_t count, cache_noted *noted, void *arg)
{
	CHECK(cache, CACHE_MAGIC);
	generations_write_begin(cache->generations, tags, count);
	atomic_fetch_add_explicit(&cache->invalidated, count, memory_order_relaxed);
	if (cache->keeper && count > 0)
		keeper_raise(cache->keeper, tags, count, noted, arg);
	else if (noted)
		noted(arg);
}

void cache_write_end(struct cache *cache, const uint64_t *tags, size_t count, bool effect)
{
	CHECK(cache, CACHE_MAGIC);
	generations_write_end(cache->generations, tags, count, effect);
	if (cache->keeper && count > 0)
		keeper_raise(cache->keeper, tags, count, NULL, NULL);
}

struct showing {
	struct cache *cache;
	cache_shown *shown;
	void *arg;
};

static bool show_held(void *arg, struct entry *entry)
{
	struct showing *showing = arg;

	return showing->shown(showing->arg, entry, true);
}

static bool show_stored(void *arg, struct entry *entry)
{
	struct showing *showing = arg;

	if (!generations_current(showing->cache->generations, &entry->tags) ||
	        memory_holds(showing->cache->memory, &entry->key))
		return true;
	return showing->shown(showing->arg, entry, false);
}

int cache_walk(struct cache *cache, cache_shown *shown, void *arg)
{
	struct showing showing = {.cache = cache, .shown = shown, .arg = arg};
	int r;

	CHECK(cache, CACHE_MAGIC);
	r = memory_walk(cache->memory, show_held, &showing);
	return r == 0 && cache->keeper ? keeper_walk(cache->keeper, show_stored, &showing) : r;
}

bool cache_make_room(struct cache *cache, size_t size)
{
	CHECK(cache, CACHE_MAGIC);
	return memory_make_room(cache->memory, size);
}

void cache_set_limits(struct cache *cache, uint64_t memory_limit, uint64_t size_limit)
{
	CHECK(cache, CACHE_MAGIC);
	memory_set_limit(cache->memory, memory_limit);
	if (cache->keeper)
		keeper_set_size_limit(cache->keeper, size_limit);
}

void cache_get_figures(struct cache *cache, struct cache_figures *ret)
{
	struct keeper_figures keeper = {0};
	struct memory_figures memory;

	CHECK(cache, CACHE_MAGIC);
	memory_get_figures(cache->memory, &memory);
	if (cache->keeper)
		keeper_get_figures(cache->keeper, &keeper);
	*ret = (struct cache_figures){
	        .memory_entries = memory.entries,
	        .memory_bytes = memory.bytes,
	        .memory_evicted = memory.evicted,
	        .store_entries = keeper.entries,
	        .store_bytes = keeper.bytes,
	        .store_queue = keeper.queue,
	        .store_dropped = keeper.dropped,
	        .store_errors = keeper.errors,
	        .invalidated = atomic_load(&cache->invalidated),
	        .state = cache->keeper ? state_of(keeper.state) : CACHE_STORE_OFF,
	};
	snprintf(ret->why, sizeof(ret->why), "%s", keeper.why);
}
