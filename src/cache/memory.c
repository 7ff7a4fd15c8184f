#include "cache/memory.h"

#include "cache/memory_shard.h"

#include <errno.h>

#define USED_MAX        3 /* hits that count, as S3-FIFO has it */
#define OBJECT_PARTS    4 /* one object takes at most one part in so many of the budget */
#define GHOSTS_MIN      64
#define GHOSTS_MAX      8192
#define GHOST_PER_BYTES 2048 /* a ghost's place for so many bytes of the budget */

struct memory {
	unsigned magic;
#define MEMORY_MAGIC 0x3e3053aa
	atomic_uint_fast64_t limit;
	struct shard_sums sums;
	struct shard shards[MEMORY_SHARDS];
};

struct memory *memory_new(uint64_t limit, const struct generations *generations)
{
	struct memory *m = aligned_alloc(_Alignof(struct memory), sizeof(*m));
	size_t ghosts = GHOSTS_MIN;
	bool whole = true;

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->magic = MEMORY_MAGIC;
	atomic_init(&m->limit, limit);
	while (ghosts < GHOSTS_MAX && ghosts < limit / MEMORY_SHARDS / GHOST_PER_BYTES)
		ghosts *= 2;
	for (size_t i = 0; i < MEMORY_SHARDS; i++)
		whole &= shard_init(&m->shards[i], &m->sums, generations, ghosts);
	if (!whole) {
		memory_free(m);
		return NULL;
	}
	return m;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	CHECK(m, MEMORY_MAGIC);
	memory_clear(m);
	for (size_t i = 0; i < MEMORY_SHARDS; i++)
		shard_release(&m->shards[i]);
	m->magic = 0;
	free(m);
}

/* Buckets are found by the low bits, so the shard by the high ones. */
static struct shard *shard_of(struct memory *m, uint64_t hash)
{
	return &m->shards[hash >> 60 & (MEMORY_SHARDS - 1)];
}

/* Evicts one node, of the shard at `first` if it has any, else of the next that has. False: there is nothing at all. */
static bool evict_one(struct memory *m, size_t first)
{
	for (size_t i = 0; i < MEMORY_SHARDS; i++) {
		struct shard *shard = &m->shards[(first + i) % MEMORY_SHARDS];
		struct node *gone = NULL;

		pthread_mutex_lock(&shard->lock);
		shard_evict(shard, &gone);
		pthread_mutex_unlock(&shard->lock);
		if (gone) {
			node_free_list(gone);
			return true;
		}
	}
	return false;
}

/* Sets so many bytes of the budget aside, making room first. False: they cannot be had. No lock is held. */
static bool reserve(struct memory *m, struct shard *shard, size_t cost)
{
	uint_fast64_t bytes = atomic_load(&m->sums.bytes);

	if (cost > atomic_load(&m->limit) / OBJECT_PARTS)
		return false;
	for (;;) {
		if (bytes + blob_packed_bytes() + cost <= atomic_load(&m->limit)) {
			if (atomic_compare_exchange_weak(&m->sums.bytes, &bytes, bytes + cost))
				return true;
		} else {
			if (!evict_one(m, (size_t)(shard - m->shards)))
				return false;
			bytes = atomic_load(&m->sums.bytes);
		}
	}
}

/* A node for the entry with its bytes reserved, or NULL. */
static struct node *reserve_node(struct memory *m, struct shard *shard, struct entry *entry)
{
	struct node *node = node_new(entry);

	if (node && !reserve(m, shard, node->cost)) {
		node_free_list(node);
		return NULL;
	}
	return node;
}

static void count_use(struct entry *entry)
{
	unsigned char used = atomic_load_explicit(&entry->used, memory_order_relaxed);

	/* written only while it counts, so that what is hot all the time is only read */
	if (used < USED_MAX)
		atomic_store_explicit(&entry->used, used + 1, memory_order_relaxed);
}

struct entry *memory_peek(struct memory *m, const struct cache_key *key)
{
	uint64_t hash = cache_key_hash(key);
	struct node *gone = NULL, **at;
	struct entry *entry = NULL;
	struct shard *shard;

	CHECK(m, MEMORY_MAGIC);
	shard = shard_of(m, hash);
	pthread_mutex_lock(&shard->lock);
	at = shard_find(shard, key, hash);
	if (*at && !generations_intact(shard->generations, &(*at)->entry->tags)) {
		shard_remove(shard, at, &gone);
	} else if (*at && generations_current(shard->generations, &(*at)->entry->tags)) {
		entry = entry_ref((*at)->entry);
		count_use(entry);
	}
	pthread_mutex_unlock(&shard->lock);
	node_free_list(gone);
	return entry;
}

bool memory_put(struct memory *m, struct entry *entry)
{
	struct node *node, *gone = NULL, **at;
	struct shard *shard;

	CHECK(m, MEMORY_MAGIC);
	shard = shard_of(m, cache_key_hash(&entry->key));
	node = reserve_node(m, shard, entry);
	pthread_mutex_lock(&shard->lock);
	at = shard_find(shard, &entry->key, cache_key_hash(&entry->key));
	if (*at && node)
		shard_replace(shard, at, node, &gone);
	else if (*at)
		shard_remove(shard, at, &gone);
	else if (node)
		shard_insert(shard, node);
	pthread_mutex_unlock(&shard->lock);
	node_free_list(gone);
	return node != NULL;
}

uint64_t memory_mark(struct memory *m, const struct cache_key *key)
{
	struct shard *shard;
	uint64_t mark;

	CHECK(m, MEMORY_MAGIC);
	shard = shard_of(m, cache_key_hash(key));
	pthread_mutex_lock(&shard->lock);
	mark = shard->drops;
	pthread_mutex_unlock(&shard->lock);
	return mark;
}

struct entry *memory_add(struct memory *m, struct entry *entry, uint64_t mark)
{
	struct entry *ret = NULL;
	struct node *node, **at;
	struct shard *shard;

	CHECK(m, MEMORY_MAGIC);
	shard = shard_of(m, cache_key_hash(&entry->key));
	node = reserve_node(m, shard, entry);
	pthread_mutex_lock(&shard->lock);
	at = shard_find(shard, &entry->key, cache_key_hash(&entry->key));
	if (*at) {
		ret = entry_ref((*at)->entry);
	} else if (shard->drops == mark) {
		ret = entry_ref(entry);
		if (node)
			shard_insert(shard, TAKE(node));
	}
	pthread_mutex_unlock(&shard->lock);
	if (node)
		atomic_fetch_sub(&m->sums.bytes, node->cost);
	node_free_list(node);
	return ret;
}

void memory_drop(struct memory *m, const struct cache_key *key)
{
	struct node *gone = NULL, **at;
	struct shard *shard;

	CHECK(m, MEMORY_MAGIC);
	shard = shard_of(m, cache_key_hash(key));
	pthread_mutex_lock(&shard->lock);
	shard->drops++;
	at = shard_find(shard, key, cache_key_hash(key));
	if (*at)
		shard_remove(shard, at, &gone);
	pthread_mutex_unlock(&shard->lock);
	node_free_list(gone);
}

void memory_clear(struct memory *m)
{
	CHECK(m, MEMORY_MAGIC);
	for (size_t i = 0; i < MEMORY_SHARDS; i++) {
		struct shard *shard = &m->shards[i];
		struct node *gone = NULL;

		pthread_mutex_lock(&shard->lock);
		shard->drops++;
		for (size_t at = 0; shard->buckets && at < shard->bucket_count; at++)
			while (shard->buckets[at])
				shard_remove(shard, &shard->buckets[at], &gone);
		pthread_mutex_unlock(&shard->lock);
		node_free_list(gone);
	}
}

/* The shard's entries that are not spoilt, a reference each; NULL with *ret_count 0: none, or -1: out of memory. */
static struct entry **collect(struct shard *shard, ssize_t *ret_count)
{
	struct entry **entries;
	ssize_t count = 0;

	pthread_mutex_lock(&shard->lock);
	entries = calloc(shard->count + 1, sizeof(struct entry *));
	for (size_t at = 0; entries && at < shard->bucket_count; at++)
		for (struct node *node = shard->buckets[at]; node; node = node->chain)
			if (generations_current(shard->generations, &node->entry->tags))
				entries[count++] = entry_ref(node->entry);
	pthread_mutex_unlock(&shard->lock);
	*ret_count = entries ? count : -1;
	return entries;
}

int memory_walk(struct memory *m, memory_shown *shown, void *arg)
{
	bool more = true;

	CHECK(m, MEMORY_MAGIC);
	for (size_t i = 0; i < MEMORY_SHARDS && more; i++) {
		ssize_t count;
		struct entry **entries = collect(&m->shards[i], &count);

		if (count < 0)
			return -ENOMEM;
		for (ssize_t at = 0; at < count; at++) {
			more = more && shown(arg, entries[at]);
			entry_unref(entries[at]);
		}
		free(entries);
	}
	return more ? 0 : 1;
}

bool memory_holds(struct memory *m, const struct cache_key *key)
{
	struct shard *shard;
	bool holds;

	CHECK(m, MEMORY_MAGIC);
	shard = shard_of(m, cache_key_hash(key));
	pthread_mutex_lock(&shard->lock);
	holds = *shard_find(shard, key, cache_key_hash(key)) != NULL;
	pthread_mutex_unlock(&shard->lock);
	return holds;
}

/* Evicts until what is held leaves so many bytes. False: nothing is left to evict. */
static bool make_room(struct memory *m, uint64_t size)
{
	for (size_t i = 0; atomic_load(&m->sums.bytes) + blob_packed_bytes() + size > atomic_load(&m->limit); i++)
		if (!evict_one(m, i))
			return false;
	return true;
}

bool memory_make_room(struct memory *m, size_t size)
{
	CHECK(m, MEMORY_MAGIC);
	return size <= atomic_load(&m->limit) / OBJECT_PARTS && make_room(m, size);
}

void memory_set_limit(struct memory *m, uint64_t limit)
{
	CHECK(m, MEMORY_MAGIC);
	atomic_store(&m->limit, limit);
	make_room(m, 0);
}

void memory_get_figures(struct memory *m, struct memory_figures *ret)
{
	CHECK(m, MEMORY_MAGIC);
	*ret = (struct memory_figures){
	        .entries = atomic_load(&m->sums.entries),
	        .bytes = atomic_load(&m->sums.bytes) + blob_packed_bytes(),
	        .evicted = atomic_load(&m->sums.evicted),
	};
}
