/*
 * The keeper stands between the cache and a store that may fail: two threads, one that writes and one that
 * reads, and the decision whether the store can be used now.
 *
 *  READY     changes are queued (cache/pending.h) and written in batches, 200 ms after the first of one or when it is
 *            full, at once for raised generations and for drops.
 *  DEGRADED  the store is closed. Puts are given up and counted. It is opened again after a pause that
 *            doubles with each failure, and from then on READY.
 *
 * A raised generation, a drop or a clear that could not be written must not be lost: an entry that it covers
 * would come back. The first time that happens while degraded the store is marked as distrusted
 * (store_ops.distrust), which holds for a later process too, and whoever waits for his generation is told only then.
 *
 * Threads: all calls but _new and _free from any thread; they take short locks and do no I/O.
 * Order of locks: none is held while another is taken.
 */
#ifndef CACHE_KEEPER_H
#define CACHE_KEEPER_H

#include "cache/pending.h"
#include "cache/store.h"

struct keeper;

enum keeper_state {
	KEEPER_READY,
	KEEPER_DEGRADED,
};

struct keeper_settings {
	const struct store_ops *ops;
	struct store_settings store;     /* path is copied; removed is the keeper's to set */
	struct generations *generations; /* borrowed until keeper_free() */
	uint64_t queue_bytes;            /* of entries not yet written */
	int retry_min_ms, retry_max_ms;
	/*
	 * The state changed, or a file was set aside; why says it, "" else. Writer thread, from after
	 * keeper_new(). May be NULL.
	 */
	void (*on_state)(void *arg, enum keeper_state state, const char *why);
	void *on_state_arg;
};

struct keeper_figures {
	uint64_t entries, bytes; /* of the store, as of the last batch */
	uint64_t queue, dropped, errors;
	enum keeper_state state;
	char why[FAIL_TEXT_MAX]; /* while degraded; else "" */
};

/* Once, on the reader thread, or on the caller's when memory is out: what the store holds, one reference, or NULL. */
typedef void keeper_found(void *arg, struct entry *entry);

/*
 * Opens the store, loads its generations, starts the threads. 0; 1: degraded, or a file was set aside, see
 * fail->text; -ENOMEM, -EAGAIN.
 */
int keeper_new(const struct keeper_settings *settings, struct keeper **ret, struct fail *fail);

/*
 * Answers what is asked, writes what is queued until so many milliseconds have passed, closes the store. NULL is
 * allowed.
 */
void keeper_free(struct keeper *k, int64_t limit_ms);

/* Takes a reference. The put may be given up. */
void keeper_put(struct keeper *k, struct entry *entry);
void keeper_drop(struct keeper *k, const struct cache_key *key);
void keeper_clear(struct keeper *k);
/* The same, and what is put from now on is kept by other rules (store_settings.rules). */
void keeper_set_rules(struct keeper *k, uint32_t rules);

/*
 * The generations of these tags rose. noted (may be NULL) runs once they are safely kept or the store is marked as
 * distrusted.
 */
void keeper_raise(struct keeper *k, const uint64_t *tags, size_t count, pending_noted *noted, void *arg);

/* The run of generations that the store carries (store_figures.lineage); zeros while it cannot be used. */
void keeper_get_lineage(struct keeper *k, uint8_t ret[STORE_LINEAGE_SIZE]);

/*
 * noted runs once every generation that rose so far is safely kept. False: it will not, as the store cannot be used now or
 * memory is out.
 */
bool keeper_settle(struct keeper *k, pending_noted *noted, void *arg);

/* True when the store can be used now and may hold the key (cache/presence.h). While degraded: false. */
bool keeper_may_hold(struct keeper *k, const struct cache_key *key);

/*
 * Asks the reader for a key, which is copied. found() runs exactly once. What waits to be written is found, too;
 * while the store is closed, nothing else.
 */
void keeper_fetch(struct keeper *k, const struct cache_key *key, keeper_found *found, void *arg);

/* Shown one entry, borrowed for the call; false: enough. */
typedef bool keeper_shown(void *arg, struct entry *entry);

/*
 * Shows every entry of the store, in the order of their keys, read a few at a time by the reader between other questions.
 * Blocks the caller for as long as that takes: not for event threads, nor for the keeper's. 0; 1: shown() had enough; -ENOMEM.
 * A store that is closed has none.
 */
int keeper_walk(struct keeper *k, keeper_shown *shown, void *arg);

/* A new limit in bytes of the store, which the writer makes it keep soon. */
void keeper_set_size_limit(struct keeper *k, uint64_t size_limit);

/* The numbers of now, read one after the other; ret->why is a copy. */
void keeper_get_figures(struct keeper *k, struct keeper_figures *ret);

#endif
