#include "cache/memory_shard.h"

#define SMALL_PARTS   10 /* the small queue is one part in so many */
#define FIRST_BUCKETS 64

bool shard_init(struct shard *shard, struct shard_sums *sums, const struct generations *generations, size_t ghosts)
{
	memset(shard, 0, sizeof(*shard));
	pthread_mutex_init(&shard->lock, NULL);
	shard->sums = sums;
	shard->generations = generations;
	shard->buckets = calloc(FIRST_BUCKETS, sizeof(struct node *));
	shard->bucket_count = FIRST_BUCKETS;
	shard->ghosts = calloc(ghosts, sizeof(struct ghost));
	shard->ghost_count = ghosts;
	return shard->buckets && shard->ghosts;
}

void shard_release(struct shard *shard)
{
	ASSERT(shard->count == 0);
	pthread_mutex_destroy(&shard->lock);
	free(shard->buckets);
	free(shard->ghosts);
	memset(shard, 0, sizeof(*shard));
}

struct node *node_new(struct entry *entry)
{
	struct node *node = malloc(sizeof(*node));

	if (!node)
		return NULL;
	*node = (struct node){
	        .entry = entry_ref(entry),
	        .hash = cache_key_hash(&entry->key),
	        .cost = entry_cost(entry) + sizeof(*node) +
	                4 * sizeof(void *), /* its block, and its share of buckets */
	};
	return node;
}

void node_free_list(struct node *gone)
{
	while (gone) {
		struct node *next = gone->chain;

		entry_unref(gone->entry);
		free(gone);
		gone = next;
	}
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

struct node **shard_find(const struct shard *shard, const struct cache_key *key, uint64_t hash)
{
	struct node **at = bucket_of(shard, hash);

	while (*at && ((*at)->hash != hash || !cache_key_equal(&(*at)->entry->key, key)))
		at = &(*at)->chain;
	return at;
}

/* More buckets when there are as many nodes; without memory the chains just grow longer. */
static void grow(struct shard *shard)
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

static struct ghost *ghost_of(struct shard *shard, uint64_t hash)
{
	return &shard->ghosts[(hash >> 20) & (shard->ghost_count - 1)];
}

static void ghost_add(struct shard *shard, uint64_t hash)
{
	*ghost_of(shard, hash) = (struct ghost){.hash = hash, .at = ++shard->evictions};
}

/* True once for a key that was evicted less than a shard's worth of evictions ago. */
static bool ghost_take(struct shard *shard, uint64_t hash)
{
	struct ghost *ghost = ghost_of(shard, hash);
	bool found = ghost->at > 0 && ghost->hash == hash && shard->evictions - ghost->at <= shard->count;

	if (found)
		ghost->at = 0;
	return found;
}

static unsigned char uses(const struct node *node)
{
	return atomic_load_explicit(&node->entry->used, memory_order_relaxed);
}

static void set_uses(struct node *node, unsigned char used)
{
	atomic_store_explicit(&node->entry->used, used, memory_order_relaxed);
}

static void insert(struct shard *shard, struct node *node, bool in_main)
{
	struct node **at = bucket_of(shard, node->hash);

	node->in_main = in_main;
	node->chain = *at;
	*at = node;
	queue_add(shard, node);
	shard->count++;
	atomic_fetch_add(&shard->sums->entries, 1);
	atomic_store(&node->entry->retired, false);
	grow(shard);
}

void shard_insert(struct shard *shard, struct node *node)
{
	insert(shard, node, ghost_take(shard, node->hash));
}

void shard_remove(struct shard *shard, struct node **at, struct node **gone)
{
	struct node *node = *at;

	*at = node->chain;
	queue_remove(shard, node);
	shard->count--;
	atomic_fetch_sub(&shard->sums->bytes, node->cost);
	atomic_fetch_sub(&shard->sums->entries, 1);
	atomic_store(&node->entry->retired, true);
	node->chain = *gone;
	*gone = node;
}

void shard_replace(struct shard *shard, struct node **at, struct node *node, struct node **gone)
{
	bool in_main = (*at)->in_main;
	unsigned char used = uses(*at);

	shard_remove(shard, at, gone);
	set_uses(node, used);
	insert(shard, node, in_main);
}

/* Gives a node that was used another round, at the new end of the main queue. */
static void keep(struct shard *shard, struct node *node)
{
	set_uses(node, node->in_main ? uses(node) - 1 : 0);
	queue_remove(shard, node);
	node->in_main = true;
	queue_add(shard, node);
}

static bool spoilt(const struct shard *shard, const struct node *node)
{
	return !generations_intact(shard->generations, &node->entry->tags);
}

/* The next to be looked at: the oldest of main if it is spoilt, else the one that the size of small says. */
static struct node *candidate(const struct shard *shard)
{
	const struct queue *small = &shard->small, *main = &shard->main;

	if (main->oldest && spoilt(shard, main->oldest))
		return main->oldest;
	if (small->oldest && (!main->oldest || small->bytes * SMALL_PARTS >= small->bytes + main->bytes))
		return small->oldest;
	return main->oldest;
}

/*
 * What a write has spoilt goes whether it was in use or not: after a write that spoils everything, nothing new
 * would get past a main queue full of it. Ends: each round lowers a use or moves a node to main.
 */
bool shard_evict(struct shard *shard, struct node **gone)
{
	while (shard->count > 0) {
		struct node *node = candidate(shard);

		if (uses(node) > 0 && !spoilt(shard, node)) {
			keep(shard, node);
			continue;
		}
		if (!node->in_main)
			ghost_add(shard, node->hash);
		shard_remove(shard, shard_find(shard, &node->entry->key, node->hash), gone);
		atomic_fetch_add(&shard->sums->evicted, 1);
		return true;
	}
	return false;
}
