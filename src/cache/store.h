/*
 * What outlives the process, behind a small table: SQLite today, others may
 * follow. All verbs but open and close are called on the cache's own store
 * threads only (one writer, one or more readers), never on an event thread.
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "base/fail.h"
#include "cache/entry.h"

struct store;

struct store_settings {
	const char *path;    /* borrowed for the call */
	uint64_t size_limit; /* bytes of the file with its journal */
};

/* What the writer does in one transaction. */
enum store_change_kind {
	STORE_PUT,        /* entry: insert or replace */
	STORE_DROP,       /* key */
	STORE_GENERATION, /* slot, generation */
	STORE_CLEAR,      /* everything but the generations */
};

struct store_change {
	enum store_change_kind kind;
	struct entry *entry;
	struct cache_key key;
	uint32_t slot, generation;
};

struct store_figures {
	uint64_t entries, bytes;
};

struct store_ops {
	const char *name;
	/*
	 * Opens or makes the store, migrates older schemas, sets aside a file that is
	 * corrupt or of a newer schema (renamed, said in fail->text with return 1) and starts
	 * anew. No scan of the content. 0 or 1: usable; negative errno: not now.
	 */
	int (*open)(const struct store_settings *settings, struct store **ret, struct fail *fail);
	void (*close)(struct store *store);
	/* Every generation kept, given to each(); at most GENERATION_SLOTS. */
	int (*load_generations)(struct store *store, void (*each)(void *arg, uint32_t slot, uint32_t generation),
	        void *arg, struct fail *fail);
	/* 0 and a reference in *ret; -ENOENT; -EIO... Reader threads. */
	int (*load)(struct store *store, const struct cache_key *key, struct entry **ret, struct fail *fail);
	/* All of it or none of it, durable against the end of the process on return. Writer thread. */
	int (*apply)(struct store *store, const struct store_change *changes, size_t count, struct fail *fail);
	/* Makes room: removes expired and least recently stored entries until below the limit. Writer thread, bounded work a call; 1: more to do. */
	int (*trim)(struct store *store, int64_t now_ms, struct fail *fail);
	int (*figures)(struct store *store, struct store_figures *ret, struct fail *fail);
};

extern const struct store_ops store_sqlite;
extern const struct store_ops store_null; /* keeps nothing; the twin for tests and for cache.path = "" */

#endif
