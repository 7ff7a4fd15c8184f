/*
 * The cache as the rest of the daemon sees it: a memory tier (cache/memory.h)
 * over a store (cache/store.h), generations that writes raise, and nothing of
 * HTTP or Redmine. The cache is only a cache: whatever happens to the store,
 * every call here still works, from memory alone, and the state says so.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "cache/entry.h"
#include "cache/generations.h"
#include "cache/store.h"

struct cache;

enum cache_store_state {
	CACHE_STORE_OFF, /* no path configured */
	CACHE_STORE_READY,
	CACHE_STORE_DEGRADED, /* not usable now; tried again with growing pauses, recovers by itself */
};

/*
 * Called on a store thread when the state changed, or a file was set aside (READY with a text). why: "" for
 * nothing to say.
 */
typedef void cache_on_state(void *arg, enum cache_store_state state, const char *why);

struct cache_settings {
	const struct store_ops *store;        /* NULL, &store_null or an empty path: memory alone, no threads */
	struct store_settings store_settings; /* path (copied), size_limit and rules; the rest is the cache's to set */
	uint64_t memory_limit;                /* bytes */
	int retry_min_ms, retry_max_ms;       /* pauses while degraded; 0: 100 ms and 30 s */
	cache_on_state *on_state;             /* may be NULL */
	void *on_state_arg;
};

struct cache_figures {
	uint64_t memory_entries, memory_bytes, memory_evicted;
	uint64_t store_entries, store_bytes;
	uint64_t store_queue;   /* changes not yet written */
	uint64_t store_dropped; /* changes given up because the queue was full or the store was down */
	uint64_t store_errors;
	uint64_t invalidated; /* tags that writes have spoilt */
	enum cache_store_state state;
	char why[FAIL_TEXT_MAX]; /* the last error while degraded, "" otherwise */
};

/*
 * Called once, on a store thread: the entry (one reference, the callee's) or NULL. At once on the caller's thread, with
 * NULL, when the store is OFF or memory is out. Must not block.
 */
typedef void cache_found(void *arg, struct entry *entry);

/*
 * Called once, on a store thread or at once on the caller's: the spoilt tags are safely noted (or no store can be
 * had). Must not block.
 */
typedef void cache_noted(void *arg);

/*
 * Opens the store (a failure degrades, it does not fail the start: the reason
 * is in fail->text and the return value is 1, as it is when a file was set aside), loads the generations,
 * starts the threads. 0, 1, or -ENOMEM, -EAGAIN. Called before the listeners, after any fork.
 */
int cache_new(const struct cache_settings *settings, struct cache **ret, struct fail *fail);

/*
 * Answers fetches, writes what is queued (bounded by limit_ms) and ends the threads. No other call may be under
 * way. NULL is allowed.
 */
void cache_free(struct cache *cache, int64_t limit_ms);

/* The generations that writes raise and entries are held against. Borrowed, valid until cache_free(). Any thread. */
struct generations *cache_generations(struct cache *cache);

/*
 * What memory holds under the key, with a reference, or NULL. Also what is
 * stale by time: freshness is the caller's judgement. An entry whose tags were spoilt is
 * retired and not given; while a write on them is open it is not given. Event threads: a short shard lock, nothing else.
 */
struct entry *cache_peek(struct cache *cache, const struct cache_key *key);

/*
 * True when the store may hold the key: worth a cache_fetch. False answers are
 * certain (a filter over what this process wrote and, once loaded in the background, what it found).
 */
bool cache_may_hold(struct cache *cache, const struct cache_key *key);

/*
 * Looks the key up in the store and puts what it finds into memory. found() runs exactly once, also when degraded.
 * Any thread.
 */
void cache_fetch(struct cache *cache, const struct cache_key *key, cache_found *found, void *arg);

/*
 * Publishes an entry under its key: memory at once, the store soon (not with
 * ENTRY_SECRET or a Set-Cookie field). Borrowed: takes references of its own. False when its tags
 * were spoilt meanwhile or a write on them is open: it is then not kept. Any thread, no I/O.
 */
bool cache_put(struct cache *cache, struct entry *entry);

/* Forgets one key, everywhere. Any thread. */
void cache_drop(struct cache *cache, const struct cache_key *key);

/* Forgets everything, everywhere. Any thread. */
void cache_clear(struct cache *cache);

/*
 * The same, because what is kept from now on is kept by other rules than what was before (store_settings.rules): nothing
 * that is still put by the old ones is given out by a later process either that goes by those again. Any thread.
 */
void cache_set_rules(struct cache *cache, uint32_t rules);

/*
 * A write on these tags begins: what they cover is not served from now on. noted() runs
 * once the store holds the new generations, so that an answer delivered after it
 * survives even kill -9. cache_write_end() when the write was answered, or its
 * outcome is unknown. effect: false when it surely changed nothing; what was stored before is then served
 * again. Any thread. tags are copied.
 */
void cache_write_begin(struct cache *cache, const uint64_t *tags, size_t count, cache_noted *noted, void *arg);
void cache_write_end(struct cache *cache, const uint64_t *tags, size_t count, bool effect);

/* Shown one entry, borrowed for the call. in_memory: else it is in the store only. False: enough. */
typedef bool cache_shown(void *arg, struct entry *entry, bool in_memory);

/*
 * Shows everything that is held and not spoilt: memory's first, then what is in the store only. What comes or goes meanwhile is
 * shown or not. Blocks, for as long as reading the whole store takes: not for event threads. shown() may call anything
 * here. 0; 1: shown() had enough; -ENOMEM.
 */
int cache_walk(struct cache *cache, cache_shown *shown, void *arg);

/* As memory_make_room(): for a body's packed form, before blob_keep_packed(). Any thread. */
bool cache_make_room(struct cache *cache, size_t size);

/* New limits after a reload. Any thread. */
void cache_set_limits(struct cache *cache, uint64_t memory_limit, uint64_t size_limit);

/*
 * How much is held, queued and lost, and the store's state. The numbers are read one after the other; the store's
 * entries and bytes are as of its last batch. No store: zero and CACHE_STORE_OFF. Any thread, no I/O.
 */
void cache_get_figures(struct cache *cache, struct cache_figures *ret);

#endif
