/*
 * The cache from the inside, shared by cache.c and backup.c.
 */
#ifndef CACHE_CACHE_INSIDE_H
#define CACHE_CACHE_INSIDE_H

#include "cache/backup.h"
#include "cache/keeper.h"
#include "cache/memory.h"

struct cache {
	unsigned magic;
#define CACHE_MAGIC 0xcac4ecac
	struct generations *generations;
	struct memory *memory;
	struct keeper *keeper; /* NULL: the store is off */
	cache_on_state *on_state;
	void *on_state_arg;
	atomic_uint_fast64_t invalidated;
	uint8_t lineage[STORE_LINEAGE_SIZE]; /* of generations that are in no store: this process's own */
};

/* True when nothing in it forbids writing it down. Pure. */
bool cache_fit_for_file(const struct entry *entry);

#endif
