/*
 * The SQLite store from the inside, shared by the files that make it up:
 * store_sqlite.c (open, close, what the reader does), store_writer.c (what the writer does), store_trim.c (what it
 * does in its free time).
 */
#ifndef CACHE_STORE_SQLITE_H
#define CACHE_STORE_SQLITE_H

#include "cache/store.h"
#include "cache/store_file.h"
#include "cache/store_link.h"

/* The row of meta, and what the writer makes of it. */
struct store_meta {
	uint8_t token[STORE_TOKEN_SIZE];
	uint8_t lineage[STORE_LINEAGE_SIZE]; /* store_figures.lineage */
	int64_t sequence;                    /* the last id given */
	int64_t entries;                     /* heads with an id above cleared */
	int64_t cleared;                     /* heads up to this id count as gone */
	int64_t rules;                       /* store_settings.rules, of all others */
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
	int64_t room; /* pages below the limit as last counted in the transaction under way, less what was put since */
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

/* How the size limit is shared out: pages for the journal and for the file. */
int64_t store_journal_pages(const struct store *store);
int64_t store_file_pages(const struct store *store);

/* Writing to a file that nobody finds any more would go well for ever: 0; -ESTALE when that is so. */
int store_check_place(const struct store *store, struct fail *fail);

/* Removes a row and its body within the transaction under way; meta follows. 0 or as link_fail(). */
int store_remove_row(struct store *store, struct store_meta *meta, int64_t id, int64_t body, struct fail *fail);

/* Tells whoever wants to know that the row is removed whose key is in that column. */
void store_tell_removed(struct store *store, sqlite3_stmt *statement, int column);

enum store_room { STORE_ROOM_MADE, STORE_ROOM_NOT_YET, STORE_ROOM_NEVER };

/*
 * Removes the oldest rows, `most` of them, until so many more pages fit below the limit. enum store_room; or as
 * link_fail().
 */
int store_make_room(struct store *store, struct store_meta *meta, int64_t pages, int most, struct fail *fail);

/*
 * Ends the transaction under way: commits it with meta when r is 0, else rolls back. Ids that were given stay
 * given. Moves the journal into the file when it is long. r, or as link_fail().
 */
int store_end_transaction(struct store *store, const struct store_meta *meta, int r, struct fail *fail);

/* store_ops.apply and .trim. */
int store_apply(struct store *store, struct store_change *changes, size_t count, struct fail *fail);
int store_trim(struct store *store, const struct store_present *present, struct fail *fail);

#endif
