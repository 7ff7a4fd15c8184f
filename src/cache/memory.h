/*
 * The memory tier: entries by key within a budget of bytes, spread over shards
 * with one short lock each.
 *
 * What goes first is decided by S3-FIFO (Yang and others, "FIFO queues are all
 * you need for cache eviction", SOSP 2023) instead of plain LRU, for two reasons.
 *  - A hit moves nothing: it sets entry->used to say that it was there, where LRU relinks a list that all
 *    threads share at every hit.
 *  - It withstands scans. A new entry enters a small queue (a tenth of the shard); only what was hit there passes on to
 *    the main queue. Somebody who reads ten thousand issues once, page by page, pushes out other pages that were read
 *    once, and not the ones that dashboards ask for all day. (SIEVE, as simple, lets a scan through.) What fell out
 *    of the small queue too early is remembered as a "ghost" (its key's hash only) and enters the main queue if it
 *    comes back soon.
 *
 * The budget is one for all shards, as an object may be larger than a shard's share of it: whoever inserts makes
 * room in the key's own shard first, then in the others. Entries never exceed it, not even for a moment. One object
 * may take a quarter of it. What is kept beside entries (blob_packed_bytes()) counts as well.
 *
 * Locks: one shard at a time, nothing else is taken under it. Memory is freed outside of it.
 */
#ifndef CACHE_MEMORY_H
#define CACHE_MEMORY_H

#include "cache/entry.h"

#define MEMORY_SHARDS 16 /* a power of two */

struct memory;

struct memory_figures {
	uint64_t entries, bytes, evicted;
};

/* limit: bytes. generations: borrowed until memory_free(). NULL: out of memory. */
struct memory *memory_new(uint64_t limit, const struct generations *generations);
void memory_free(struct memory *m); /* NULL is allowed */

/* The entry with a reference, or NULL. One whose tags were spoilt is retired, removed and not given. No malloc. */
struct entry *memory_peek(struct memory *m, const struct cache_key *key);

/*
 * Keeps the entry (a reference of its own) in place of what was there, which is retired. False when it is too
 * large for the budget or memory ran out: then nothing is kept under the key.
 */
bool memory_put(struct memory *m, struct entry *entry);

/* The number of drops so far where the key lives; for memory_add(). */
uint64_t memory_mark(struct memory *m, const struct cache_key *key);

/*
 * Keeps an entry that was looked up elsewhere since memory_mark() gave that mark. What is there already is newer
 * and stays. Returns what is to be used, with a reference: the one that was there or the one given (also when it
 * could not be kept); NULL when keys were dropped meanwhile and this may have been one of them.
 */
struct entry *memory_add(struct memory *m, struct entry *entry, uint64_t mark);

/* Forgets a key, or all. What was held is retired. */
void memory_drop(struct memory *m, const struct cache_key *key);
void memory_clear(struct memory *m);

/* Shown one entry, borrowed for the call; false: enough. */
typedef bool memory_shown(void *arg, struct entry *entry);

/*
 * Shows every entry that is not spoilt, a shard at a time, without its lock: entries that come or go meanwhile may be shown
 * or not. 0; 1: shown() had enough; -ENOMEM. Slow: not for event threads.
 */
int memory_walk(struct memory *m, memory_shown *shown, void *arg);

/* True when an entry is held under the key. It does not count as a use. */
bool memory_holds(struct memory *m, const struct cache_key *key);

/*
 * Makes room for so many bytes that are kept beside entries: blob_keep_packed() counts them from then on. False: the budget
 * has no such room. Two at once may exceed it by what they add, until the next one comes. Any thread.
 */
bool memory_make_room(struct memory *m, size_t size);

/* A new budget, kept on return. */
void memory_set_limit(struct memory *m, uint64_t limit);

/* Entries and bytes held now (packed ones included), evictions since memory_new(); read one after the other, without a lock. Any thread. */
void memory_get_figures(struct memory *m, struct memory_figures *ret);

#endif
