/*
 * One shard of the memory tier: a table of entries by key, and the queues of S3-FIFO over it
 * (cache/memory.h says why that). What the budget has to do with it is the memory tier's business.
 *
 * All calls but shard_init, shard_release and node_* are made with the shard's lock held. What leaves a shard
 * goes on a list that the caller frees after giving the lock back.
 */
#ifndef CACHE_MEMORY_SHARD_H
#define CACHE_MEMORY_SHARD_H

#include "cache/entry.h"

#include <pthread.h>

struct node {
	struct entry *entry;
	uint64_t hash;
	size_t cost; /* as counted in the budget */
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

/* What all shards add up to. */
struct shard_sums {
	atomic_uint_fast64_t bytes; /* also what is reserved for a node that is not in yet */
	atomic_uint_fast64_t entries, evicted;
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct shard_sums *sums;               /* shared */
	const struct generations *generations; /* borrowed */
	struct node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	struct queue small, main;
	struct ghost *ghosts;
	size_t ghost_count; /* a power of two */
	uint64_t evictions; /* from the small queue: the ghosts' clock */
	uint64_t drops;     /* of any key; the memory tier's */
};

/* ghosts: how many to remember, a power of two. False: out of memory; shard_release() is due all the same. */
bool shard_init(struct shard *shard, struct shard_sums *sums, const struct generations *generations, size_t ghosts);
void shard_release(struct shard *shard); /* empty by then */

/* Where the pointer to the key's node is, or to the end of its chain. */
struct node **shard_find(const struct shard *shard, const struct cache_key *key, uint64_t hash);

/* Takes a node in whose bytes the sums have already; no other of its key is there. Its entry is no longer retired. */
void shard_insert(struct shard *shard, struct node *node);

/* Takes the node at that place out, off the sums, retires its entry and puts it on the list. */
void shard_remove(struct shard *shard, struct node **at, struct node **gone);

/* Puts the new node in the place of the one at `at`, in the same queue and with the same uses. */
void shard_replace(struct shard *shard, struct node **at, struct node *node, struct node **gone);

/* Evicts one node; false when the shard is empty. */
bool shard_evict(struct shard *shard, struct node **gone);

/* A node with a reference to the entry and its cost set, in no sum yet. NULL: out of memory. */
struct node *node_new(struct entry *entry);
void node_free_list(struct node *gone); /* NULL is allowed */

#endif
