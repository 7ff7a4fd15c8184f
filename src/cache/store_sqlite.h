/*
 * The SQLite store from the inside, shared by the files that make it up:
 * store_sqlite.c (open, close, what the reader does), store_writer.c (what the writer does).
 */
#ifndef CACHE_STORE_SQLITE_H
#define CACHE_STORE_SQLITE_H

#include "cache/store.h"
#include "cache/store_file.h"
#include "cache/store_link.h"

/* The row of meta, and what the writer makes of it. */
struct store_meta {
	uint8_t token[STORE_TOKEN_SIZE];
	int64_t sequence; /* the last id given */
	int64_t entries;  /* heads with an id above cleared */
	int64_t cleared;  /* heads up to this id count as gone */
};

struct store {
	unsigned magic;
#define STORE_MAGIC 0x0d15c057
	struct store_file file;
	struct link writer, reader;
	struct store_meta meta; /* the writer's, as committed; sequence also counts ids that were rolled back */
	uint64_t life;          /* which opening of a store this is, in this process; part of blob->stored */
	uint64_t size_limit;
	int64_t walked; /* trim: the id up to which this round has looked */
	void (*removed)(void *arg, const struct cache_key *key);
	void *removed_arg;
};

/* blob->stored: an id of bodies, with the store's life in the upper 16 bits. */
static inline uint64_t store_blob_name(const struct store *store, int64_t id)
{
	return store->life << 48 | (uint64_t)id;
}

/* Writes meta as given within the transaction under way. 0 or as link_fail(). */
int store_write_meta(struct store *store, const struct store_meta *meta, struct fail *fail);

int store_writer_apply(struct store *store, struct store_change *changes, size_t count, struct fail *fail);
int store_writer_trim(struct store *store, const struct store_present *present, struct fail *fail);

#endif
