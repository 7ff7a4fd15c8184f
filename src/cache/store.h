/*
 * What outlives the process, behind a small table: SQLite today, others may
 * follow. After open() all verbs are called on the keeper's own threads only (cache/keeper.h: one writer, one
 * reader), never on an event thread; distrust() needs no open store.
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "base/fail.h"
#include "cache/entry.h"

struct store;

struct store_settings {
	const char *path;    /* borrowed for the call */
	uint64_t size_limit; /* bytes of the file with its journal */
	uint32_t
	        rules; /* by which entries are kept: the caller's number, not 0; what was kept by others is not given out */
	bool distrusted; /* changes were missed since it was last open: nothing that it holds may be given out */
	/* Told each key that was removed to make room or because it had no use any more. Writer thread; may be NULL. */
	void (*removed)(void *arg, const struct cache_key *key);
	void *removed_arg;
};

/* What the writer does. */
enum store_change_kind {
	STORE_GENERATION, /* slot, generation */
	STORE_CLEAR,      /* everything but the generations; rules: from now on, as store_settings.rules */
	STORE_PUT,        /* entry: insert or replace */
	STORE_DROP,       /* key */
};

struct store_change {
	enum store_change_kind kind;
	bool skipped; /* set by apply: the entry was too large to be kept */
	struct entry *entry;
	struct cache_key key;
	uint32_t slot, generation, rules;
};

#define STORE_LINEAGE_SIZE 16

struct store_figures {
	uint64_t entries, bytes;
	/*
	 * Names the unbroken run of generations that the store carries on: random, kept with them, and another one from
	 * the moment on that any of them may be missing. All zero: it has none.
	 */
	uint8_t lineage[STORE_LINEAGE_SIZE];
};

/* What trimming is told about the present. */
struct store_present {
	int64_t now_ms; /* wall clock */
	const struct generations *generations;
};

struct store_ops {
	const char *name;
	/*
	 * Opens or makes the store, migrates older schemas, sets aside a file that is
	 * corrupt or of a newer schema (renamed, said in fail->text with return 1) and starts
	 * anew. No scan of the content. 0 or 1: usable; negative errno: not now.
	 */
	int (*open)(const struct store_settings *settings, struct store **ret, struct fail *fail);
	/* Ends it; what was applied is kept. A store that turned out to be corrupt is set aside. Writer thread. */
	void (*close)(struct store *store);
	/*
	 * Changes can not be applied that must not be lost: makes a mark, in whatever way works where ordinary
	 * changes do not, that the next open(), of this process or a later one, gives out nothing that the store
	 * holds now. 0 or negative errno.
	 */
	int (*distrust)(const struct store_settings *settings, struct fail *fail);
	/* Every generation kept, given to each(); at most GENERATION_SLOTS. Before the threads use the store. */
	int (*load_generations)(struct store *store, void (*each)(void *arg, uint32_t slot, uint32_t generation),
	        void *arg, struct fail *fail);
	/* 0 and a reference in *ret; -ENOENT; -EUCLEAN: the store is corrupt; -EIO... Reader thread. */
	int (*load)(struct store *store, const struct cache_key *key, struct entry **ret, struct fail *fail);
	/*
	 * The next keys in their order after the one in *cursor (all zero bytes to start), each given to each(),
	 * at most max; *cursor is moved on. 1: there may be more; 0: that was the last; negative errno. Reads keys
	 * only. Reader thread.
	 */
	int (*keys)(struct store *store, struct cache_key *cursor, unsigned max,
	        void (*each)(void *arg, const struct cache_key *key), void *arg, struct fail *fail);
	/*
	 * Makes the changes in their order, durable against the end of the process on return. On failure (-ESTALE:
	 * somebody took the file away) those of the front may have been made. Sets blob->stored as it likes. Never
	 * grows the store past its limit: the least recently stored go. Writer thread.
	 */
	int (*apply)(struct store *store, struct store_change *changes, size_t count, struct fail *fail);
	/*
	 * Removes what is expired or spoilt and what is above the limit. Bounded work a call; 1: more to do, 0: a
	 * whole round is done; negative errno as apply. Writer thread.
	 */
	int (*trim)(struct store *store, const struct store_present *present, struct fail *fail);
	/* A new limit, reached by trim(). Writer thread. */
	void (*set_size_limit)(struct store *store, uint64_t size_limit);
	/* O(1). Writer thread. */
	int (*figures)(struct store *store, struct store_figures *ret, struct fail *fail);
};

extern const struct store_ops store_sqlite;
extern const struct store_ops store_null; /* keeps nothing; the twin for tests and for cache.path = "" */

#endif
