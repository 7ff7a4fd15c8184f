#include "cache/memory.h"

#include <pthread.h>

#define USED_MAX        3  /* hits that count, as S3-FIFO has it */
#define SMALL_PARTS     10 /* the small queue is one part in so many */
#define OBJECT_PARTS    4  /* one object takes at most one part in so many of the budget */
#define FIRST_BUCKETS   64
#define GHOSTS_MIN      64
#define GHOSTS_MAX      8192
#define GHOST_PER_BYTES 2048 /* a ghost's place for so many bytes of the budget */

struct node {
	struct entry *entry;
	uint64_t hash;
	size_t cost;
	bool in_main;
	struct node *chain;         /* the next one in the bucket, or in a list to be freed */
	struct node *newer, *older; /* in its queue */
};

struct queue {
	struct node *newest, *oldest;
	uint64_t bytes;
};

/* A key that was evicted from the small queue, when the shard counted so many evictions. */
struct ghost {
	uint64_t hash, at;
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	struct queue small, main;
	struct ghost *ghosts;
	uint64_t evictions; /* from the small queue: the ghosts' clock */
	uint64_t drops;
};

struct memory {
	unsigned magic;
#define MEMORY_MAGIC 0x3e3053aa
	const struct generations *generations;
	size_t ghost_count; /* of a shard, a power of two */
	atomic_uint_fast64_t limit, bytes, entries, evicted;
	struct shard shards[MEMORY_SHARDS];
};

static bool shard_init(struct shard *shard, size_t ghost_count)
{
	pthread_mutex_init(&shard->lock, NULL);
	shard->buckets = calloc(FIRST_BUCKETS, sizeof(struct node *));
	shard->bucket_count = FIRST_BUCKETS;
	shard->ghosts = calloc(ghost_count, sizeof(struct ghost));
	return shard->buckets && shard->ghosts;
}

struct memory *memory_new(uint64_t limit, const struct generations *generations)
{
	struct memory *m = aligned_alloc(64, sizeof(*m));
	bool whole = true;

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->magic = MEMORY_MAGIC;
	m->generations = generations;
	m->ghost_count = GHOSTS_MIN;
	while (m->ghost_count < GHOSTS_MAX && m->ghost_count < limit / MEMORY_SHARDS / GHOST_PER_BYTES)
		m->ghost_count *= 2;
	atomic_init(&m->limit, limit);
	for (size_t i = 0; i < MEMORY_SHARDS; i++)
		whole &= shard_init(&m->shards[i], m->ghost_count);
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
	for (size_t i = 0; i < MEMORY_SHARDS; i++) {
		pthread_mutex_destroy(&m->shards[i].lock);
		free(m->shards[i].buckets);
		free(m->shards[i].ghosts);
	}
	m->magic = 0;
	free(m);
}

/* Buckets are found by the low bits, so the shard by the high ones. */
static struct shard *shard_of(struct memory *m, uint64_t hash)
{
	return &m->shards[hash >> 60 & (MEMORY_SHARDS - 1)];
}

static size_t node_cost(const struct entry *entry)
{
	return entry_cost(entry) + sizeof(struct node) + 4 * sizeof(void *);
}

static struct queue *queue_of(struct shard *shard, const struct node *node)
{
	return node->in_main ? &shard->main : &shard->small;
}

static void queue_add(struct shard *shard, struct node *node)
{
	struct queue *queue = queue_of(shard, node);

	node->newer = NULL;
	node->older = queue->newest;
	if (queue->newest)
		queue->newest->newer = node;
	else
		queue->oldest = node;
	queue->newest = node;
	queue->bytes += node->cost;
}

static void queue_remove(struct shard *shard, struct node *node)
{
	struct queue *queue = queue_of(shard, node);

	if (node->newer)
		node->newer->older = node->older;
	else
		queue->newest = node->older;
	if (node->older)
		node->older->newer = node->newer;
	else
		queue->oldest = node->newer;
	queue->bytes -= node->cost;
}

static struct node **bucket_of(const struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash & (shard->bucket_count - 1)];
}

/* Where the pointer to the key's node is, or to its end of the chain. */
static struct node **shard_find(const struct shard *shard, const struct cache_key *key, uint64_t hash)
{
	struct node **at = bucket_of(shard, hash);

	while (*at && ((*at)->hash != hash || !cache_key_equal(&(*at)->entry->key, key)))
		at = &(*at)->chain;
	return at;
}

/* More buckets when there are as many nodes; without memory the chains just grow longer. */
static void shard_grow(struct shard *shard)
{
	size_t old_count = shard->bucket_count;
	struct node **old = shard->buckets;
	struct node **buckets;

	if (shard->count < old_count)
		return;
	buckets = calloc(old_count * 2, sizeof(*buckets));
	if (!buckets)
		return;
	shard->buckets = buckets;
	shard->bucket_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++) {
		for (struct node *node = old[i], *next; node; node = next) {
			struct node **at = bucket_of(shard, node->hash);

			next = node->chain;
			node->chain = *at;
			*at = node;
		}
	}
	free(old);
}

/* Takes a node out of its chain, queue and the sums and puts it on the list of those to be freed. The lock is held. */
static void shard_remove(struct memory *m, struct shard *shard, struct node **at, struct node **gone)
{
	struct node *node = *at;

	*at = node->chain;
	queue_remove(shard, node);
	shard->count--;
	atomic_fetch_sub(&m->bytes, node->cost);
	atomic_fetch_sub(&m->entries, 1);
	atomic_store(&node->entry->retired, true);
	node->chain = *gone;
	*gone = node;
}

/* Frees what was removed, outside of any lock. */
static void free_gone(struct node *gone)
{
	while (gone) {
		struct node *next = gone->chain;

		entry_unref(gone->entry);
		free(gone);
		gone = next;
	}
}

static struct ghost *ghost_of(const struct memory *m, struct shard *shard, uint64_t hash)
{
	return &shard->ghosts[(hash >> 20) & (m->ghost_count - 1)];
}

static void ghost_add(const struct memory *m, struct shard *shard, uint64_t hash)
{
	*ghost_of(m, shard, hash) = (struct ghost){.hash = hash, .at = ++shard->evictions};
}

/* True once for a key that was evicted less than a shard's worth of evictions ago. */
static bool ghost_take(const struct memory *m, struct shard *shard, uint64_t hash)
{
	struct ghost *ghost = ghost_of(m, shard, hash);
	bool found = ghost->at > 0 && ghost->hash == hash && shard->evictions - ghost->at <= shard->count;

	if (found)
		ghost->at = 0;
	return found;
}

/* Gives a node that was used another round in the main queue. */
static void shard_keep(struct shard *shard, struct node *node, unsigned char used)
{
	queue_remove(shard, node);
	node->in_main = true;
	queue_add(shard, node);
	atomic_store_explicit(&node->entry->used, used, memory_order_relaxed);
}

/*
 * The next to be looked at: the oldest of the main queue when it is spoilt, else as the size of the small queue
 * says.
 */
static struct node *shard_candidate(const struct memory *m, const struct shard *shard)
{
	const struct queue *small = &shard->small, *main = &shard->main;

	if (main->oldest && !generations_current(m->generations, &main->oldest->entry->tags))
		return main->oldest;
	if (small->oldest && (!main->oldest || small->bytes * SMALL_PARTS >= small->bytes + main->bytes))
		return small->oldest;
	return main->oldest;
}

/*
 * Evicts one node; false when the shard is empty. The lock is held. What a write has spoilt goes whether it was in
 * use or not: after a write that spoils everything, nothing new would get past a main queue full of it. Ends: each
 * round lowers a use or moves a node to main.
 */
static bool shard_evict(struct memory *m, struct shard *shard, struct node **gone)
{
	while (shard->count > 0) {
		struct node *node = shard_candidate(m, shard);
		unsigned char used = atomic_load_explicit(&node->entry->used, memory_order_relaxed);

		if (used > 0 && generations_current(m->generations, &node->entry->tags)) {
			shard_keep(shard, node, node->in_main ? used - 1 : 0);
			continue;
		}
		if (!node->in_main)
			ghost_add(m, shard, node->hash);
		shard_remove(m, shard, shard_find(shard, &node->entry->key, node->hash), gone);
		atomic_fetch_add(&m->evicted, 1);
		return true;
	}
	return false;
}

/* Evicts one node, of the shard at `first` if it has any, else of the next that has. False: there is nothing at all. */
static bool evict_one(struct memory *m, size_t first)
{
	for (size_t i = 0; i < MEMORY_SHARDS; i++) {
		struct shard *shard = &m->shards[(first + i) % MEMORY_SHARDS];
		struct node *gone = NULL;

		pthread_mutex_lock(&shard->lock);
		shard_evict(m, shard, &gone);
		pthread_mutex_unlock(&shard->lock);
		if (gone) {
			free_gone(gone);
			return true;
		}
	}
	return false;
}

/* Sets so many bytes of the budget aside, making room first. False: they cannot be had. No lock is held. */
static bool reserve(struct memory *m, struct shard *shard, size_t cost)
{
	uint_fast64_t bytes = atomic_load(&m->bytes);

	if (cost > atomic_load(&m->limit) / OBJECT_PARTS)
		return false;
	for (;;) {
		if (bytes + cost <= atomic_load(&m->limit)) {
			if (atomic_compare_exchange_weak(&m->bytes, &bytes, bytes + cost))
				return true;
		} else {
			if (!evict_one(m, (size_t)(shard - m->shards)))
				return false;
			bytes = atomic_load(&m->bytes);
		}
	}
}

/* Puts a new node, whose bytes are reserved, into the shard. The lock is held. */
static void shard_insert(struct memory *m, struct shard *shard, struct node *node)
{
	struct node **at = bucket_of(shard, node->hash);

	node->in_main = ghost_take(m, shard, node->hash);
	node->chain = *at;
	*at = node;
	queue_add(shard, node);
	shard->count++;
	atomic_fetch_add(&m->entries, 1);
	atomic_store(&node->entry->retired, false);
	shard_grow(shard);
}

/* A node for the entry with its bytes reserved, or NULL. */
static struct node *node_new(struct memory *m, struct shard *shard, struct entry *entry)
{
	struct node *node = malloc(sizeof(*node));

	if (!node)
		return NULL;
	*node = (struct node){.hash = cache_key_hash(&entry->key), .cost = node_cost(entry)};
	if (!reserve(m, shard, node->cost)) {
		free(node);
		return NULL;
	}
	node->entry = entry_ref(entry);
	return node;
}

static void reserve_undo(struct memory *m, struct node *node)
{
	atomic_fetch_sub(&m->bytes, node->cost);
	node->chain = NULL;
	free_gone(node);
}

struct entry *memory_peek(struct memory *m, const struct cache_key *key)
{
	uint64_t hash = cache_key_hash(key);
	struct shard *shard = shard_of(m, hash);
	struct node *gone = NULL;
	struct entry *entry = NULL;
	struct node **at;

	CHECK(m, MEMORY_MAGIC);
	pthread_mutex_lock(&shard->lock);
	at = shard_find(shard, key, hash);
	if (*at && !generations_current(m->generations, &(*at)->entry->tags))
		shard_remove(m, shard, at, &gone);
	else if (*at)
		entry = entry_ref((*at)->entry);
	if (entry) {
		unsigned char used = atomic_load_explicit(&entry->used, memory_order_relaxed);

		if (used < USED_MAX)
			atomic_store_explicit(&entry->used, used + 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&shard->lock);
	free_gone(gone);
	return entry;
}

bool memory_put(struct memory *m, struct entry *entry)
{
	uint64_t hash = cache_key_hash(&entry->key);
	struct shard *shard = shard_of(m, hash);
	struct node *node, *gone = NULL;
	struct node **at;

	CHECK(m, MEMORY_MAGIC);
	node = node_new(m, shard, entry);
	pthread_mutex_lock(&shard->lock);
	at = shard_find(shard, &entry->key, hash);
	if (*at && node) {
		/* what was in use stays so: the new one takes the old one's standing, at the new end of its queue */
		bool in_main = (*at)->in_main;
		unsigned char used = atomic_load_explicit(&(*at)->entry->used, memory_order_relaxed);

		shard_remove(m, shard, at, &gone);
		shard_insert(m, shard, node);
		if (in_main && !node->in_main)
			shard_keep(shard, node, used);
		else
			atomic_store_explicit(&entry->used, used, memory_order_relaxed);
	} else if (*at) {
		shard_remove(m, shard, at, &gone);
	} else if (node) {
		shard_insert(m, shard, node);
	}
	pthread_mutex_unlock(&shard->lock);
	free_gone(gone);
	return node != NULL;
}

uint64_t memory_mark(struct memory *m, const struct cache_key *key)
{
	struct shard *shard = shard_of(m, cache_key_hash(key));
	uint64_t mark;

	CHECK(m, MEMORY_MAGIC);
	pthread_mutex_lock(&shard->lock);
	mark = shard->drops;
	pthread_mutex_unlock(&shard->lock);
	return mark;
}

struct entry *memory_add(struct memory *m, struct entry *entry, uint64_t mark)
{
	uint64_t hash = cache_key_hash(&entry->key);
	struct shard *shard = shard_of(m, hash);
	struct node *node = node_new(m, shard, entry);
	struct entry *ret = NULL;
	struct node **at;

	CHECK(m, MEMORY_MAGIC);
	pthread_mutex_lock(&shard->lock);
	at = shard_find(shard, &entry->key, hash);
	if (*at) {
		ret = entry_ref((*at)->entry);
	} else if (shard->drops == mark) {
		ret = entry_ref(entry);
		if (node)
			shard_insert(m, shard, TAKE(node));
	}
	pthread_mutex_unlock(&shard->lock);
	if (node)
		reserve_undo(m, node);
	return ret;
}

void memory_drop(struct memory *m, const struct cache_key *key)
{
	uint64_t hash = cache_key_hash(key);
	struct shard *shard = shard_of(m, hash);
	struct node *gone = NULL;
	struct node **at;

	CHECK(m, MEMORY_MAGIC);
	pthread_mutex_lock(&shard->lock);
	shard->drops++;
	at = shard_find(shard, key, hash);
	if (*at)
		shard_remove(m, shard, at, &gone);
	pthread_mutex_unlock(&shard->lock);
	free_gone(gone);
}

void memory_clear(struct memory *m)
{
	CHECK(m, MEMORY_MAGIC);
	for (size_t i = 0; i < MEMORY_SHARDS; i++) {
		struct shard *shard = &m->shards[i];
		struct node *gone = NULL;

		if (!shard->buckets)
			continue;
		pthread_mutex_lock(&shard->lock);
		shard->drops++;
		for (size_t at = 0; at < shard->bucket_count; at++)
			while (shard->buckets[at])
				shard_remove(m, shard, &shard->buckets[at], &gone);
		pthread_mutex_unlock(&shard->lock);
		free_gone(gone);
	}
}

void memory_set_limit(struct memory *m, uint64_t limit)
{
	CHECK(m, MEMORY_MAGIC);
	atomic_store(&m->limit, limit);
	for (size_t i = 0; atomic_load(&m->bytes) > limit; i++)
		if (!evict_one(m, i))
			break;
}

void memory_get_figures(struct memory *m, struct memory_figures *ret)
{
	CHECK(m, MEMORY_MAGIC);
	*ret = (struct memory_figures){
	        .entries = atomic_load(&m->entries),
	        .bytes = atomic_load(&m->bytes),
	        .evicted = atomic_load(&m->evicted),
	};
}
