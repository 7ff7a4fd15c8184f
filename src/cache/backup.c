#include "cache/backup.h"

#include "base/clock.h"
#include "cache/cache_inside.h"

#include <errno.h>
#include <pthread.h>

/* The tag of removals: its generation counts them, and is kept as all are. Any number that no name of a tag is likely to give. */
#define REMOVALS_TAG UINT64_C(0x72656d6f76616c73)

/* What a caller waits for on his own thread. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open;
	struct entry *entry; /* what came through */
};

#define GATE_INIT ((struct gate){.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER})

static void gate_found(void *arg, struct entry *entry)
{
	struct gate *gate = arg;

	pthread_mutex_lock(&gate->lock);
	gate->entry = entry;
	gate->open = true;
	pthread_cond_signal(&gate->opened);
	pthread_mutex_unlock(&gate->lock);
}

static void gate_noted(void *arg)
{
	gate_found(arg, NULL);
}

/* Waits; what came through is the caller's. */
static struct entry *gate_pass(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	while (!gate->open)
		pthread_cond_wait(&gate->opened, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
	pthread_cond_destroy(&gate->opened);
	pthread_mutex_destroy(&gate->lock);
	return gate->entry;
}

static uint32_t removals(struct cache *cache)
{
	return generations_get(cache->generations, generations_slot(REMOVALS_TAG));
}

bool cache_history_same(const struct cache_history *one, const struct cache_history *other)
{
	static const uint8_t none[STORE_LINEAGE_SIZE];

	return memcmp(one->lineage, none, sizeof(none)) != 0 &&
	       memcmp(one->lineage, other->lineage, sizeof(none)) == 0 && one->removals == other->removals;
}

/* As of now, whether all of it is safely kept or not. */
static void read_history(struct cache *cache, struct cache_history *ret)
{
	ret->removals = removals(cache);
	if (cache->keeper)
		keeper_get_lineage(cache->keeper, ret->lineage);
	else
		memcpy(ret->lineage, cache->lineage, sizeof(ret->lineage));
}

bool cache_settle(struct cache *cache)
{
	struct gate gate = GATE_INIT;

	CHECK(cache, CACHE_MAGIC);
	if (!cache->keeper || !keeper_settle(cache->keeper, gate_noted, &gate))
		return false;
	gate_pass(&gate);
	return true;
}

void cache_get_history(struct cache *cache, struct cache_history *ret)
{
	CHECK(cache, CACHE_MAGIC);
	read_history(cache, ret);
	if (cache->keeper && !cache_settle(cache))
		memset(ret->lineage, 0, sizeof(ret->lineage));
}

void cache_note_removal(struct cache *cache)
{
	static const uint64_t tag = REMOVALS_TAG;

	CHECK(cache, CACHE_MAGIC);
	generations_write_begin(cache->generations, &tag, 1);
	generations_write_end(cache->generations, &tag, 1, true);
	if (cache->keeper)
		keeper_raise(cache->keeper, &tag, 1, NULL, NULL);
}

/* A dump under way. */
struct dump {
	cache_shown *shown;
	void *arg;
	uint64_t left_out;
	uint32_t began[GENERATION_SLOTS]; /* the generations when it did */
};

static bool show_dumped(void *arg, struct entry *entry, bool in_memory)
{
	struct dump *dump = arg;

	for (uint32_t i = 0; i < entry->tags.count; i++)
		if (entry->tags.items[i].generation > dump->began[entry->tags.items[i].slot])
			return true;
	if (cache_fit_for_file(entry))
		return dump->shown(dump->arg, entry, in_memory);
	dump->left_out++;
	return true;
}

int cache_dump(
        struct cache *cache, struct cache_history *ret_history, uint64_t *ret_left_out, cache_shown *shown, void *arg)
{
	CLEANUP(freep) struct dump *dump = malloc(sizeof(*dump));
	int r;

	CHECK(cache, CACHE_MAGIC);
	if (!dump)
		return -ENOMEM;
	dump->shown = shown;
	dump->arg = arg;
	dump->left_out = 0;
	for (uint32_t slot = 0; slot < GENERATION_SLOTS; slot++)
		dump->began[slot] = generations_get(cache->generations, slot);
	cache_get_history(cache, ret_history);
	r = cache_walk(cache, show_dumped, dump);
	*ret_left_out = dump->left_out;
	return r;
}

/* What no history vouches for is served after Redmine said that it still holds, and not before. False: nobody can ask that. */
static bool doubt(struct cache *cache, struct entry *entry)
{
	bool validates = fields_get(&entry->fields, "ETag") || fields_get(&entry->fields, "Last-Modified");

	if (!validates || entry->flags & ENTRY_VARIES)
		return false;
	entry->flags |= ENTRY_MUST_REVALIDATE;
	if (entry->fresh_until_ms > entry->born_ms)
		entry->fresh_until_ms = entry->born_ms;
	for (uint32_t i = 0; i < entry->tags.count; i++)
		entry->tags.items[i].generation = generations_get(cache->generations, entry->tags.items[i].slot);
	return true;
}

/* True when memory or the store has something of use under the key. */
static bool is_held(struct cache *cache, const struct cache_key *key)
{
	CLEANUP(entry_unrefp) struct entry *entry = memory_peek(cache->memory, key);
	struct gate gate = GATE_INIT;

	if (entry || !cache_may_hold(cache, key))
		return entry != NULL;
	keeper_fetch(cache->keeper, key, gate_found, &gate);
	entry = gate_pass(&gate);
	return entry && generations_current(cache->generations, &entry->tags);
}

/* Into memory first, which knows who was faster; then to the store, and back out of it if somebody was faster there. */
static enum cache_restored put_back(struct cache *cache, struct entry *entry, uint64_t mark)
{
	CLEANUP(entry_unrefp) struct entry *kept = memory_add(cache->memory, entry, mark), *newer = NULL;

	if (!kept)
		return CACHE_RESTORED_SPOILT;
	if (kept != entry)
		return CACHE_RESTORED_PRESENT;
	if (!cache->keeper)
		return CACHE_RESTORED_WHOLE;
	keeper_put(cache->keeper, entry);
	if (memory_mark(cache->memory, &entry->key) != mark) {
		keeper_drop(cache->keeper, &entry->key); /* perhaps another key was dropped: a needless loss */
		return CACHE_RESTORED_WHOLE;
	}
	newer = memory_peek(cache->memory, &entry->key);
	if (newer && newer != entry)
		cache_put(cache, newer);
	return CACHE_RESTORED_WHOLE;
}

enum cache_restored cache_restore(struct cache *cache, struct entry *entry, const struct cache_history *then)
{
	struct cache_history now;
	uint64_t mark = memory_mark(cache->memory, &entry->key);
	int64_t now_ms = clock_wall_ms();
	enum cache_restored restored;
	bool whole;

	CHECK(cache, CACHE_MAGIC);
	CHECK(entry, ENTRY_MAGIC);
	read_history(cache, &now);
	whole = cache_history_same(&now, then) && entry->born_ms <= now_ms;
	if (entry->stale_until_ms <= now_ms)
		return CACHE_RESTORED_USELESS;
	if (!cache_fit_for_file(entry) || (whole && !generations_current(cache->generations, &entry->tags)))
		return CACHE_RESTORED_SPOILT;
	if (!whole && !doubt(cache, entry))
		return CACHE_RESTORED_USELESS;
	if (is_held(cache, &entry->key))
		return CACHE_RESTORED_PRESENT;
	restored = put_back(cache, entry, mark);
	if (removals(cache) != now.removals) {
		cache_drop(cache, &entry->key); /* it may have been among what was removed */
		return CACHE_RESTORED_SPOILT;
	}
	return restored == CACHE_RESTORED_WHOLE && !whole ? CACHE_RESTORED_DOUBTFUL : restored;
}
