/*
 * Entries that leave the cache for a while and come back: what a dump of it
 * has to say, so that what is restored from it never undoes a write or a
 * removal, and never lives longer than it would have.
 *
 * A dump notes the cache's history: the lineage of its generations (an unbroken run of them, store.h) and how often
 * something was removed that no tag tells of. An entry notes the generations of its tags anyway. Back in a
 * cache of the same history it is what it was if its tags were not spoilt, and gone if they were. In any other
 * nobody can tell: it comes back as a thing to be offered to Redmine for validation, and to be served only
 * once Redmine said that it still holds.
 *
 * For that a generation that an entry in a dump has noted must never be given out a second time. So all of them are
 * safely kept before the first entry is shown, and entries that noted later ones are left out: a dump is of the moment
 * at which it began.
 */
#ifndef CACHE_BACKUP_H
#define CACHE_BACKUP_H

#include "cache/cache.h"

struct cache_history {
	uint8_t lineage[STORE_LINEAGE_SIZE]; /* all zero: none that anything can be held against */
	uint32_t removals;
};

/* Both known and the same. Pure. */
bool cache_history_same(const struct cache_history *one, const struct cache_history *other);

/* The history of now, once all generations so far are safely kept. Blocks for that: not for event threads. */
void cache_get_history(struct cache *cache, struct cache_history *ret);

/* Blocks until the store has written a batch of what waits for it, every generation so far included. Not for event threads. False: it cannot be used now. */
bool cache_settle(struct cache *cache);

/* Something is removed, or made stale, that no raised generation tells of. Any thread, no I/O. */
void cache_note_removal(struct cache *cache);

/*
 * Shows what is held, as cache_walk() does, but for what may not be written down (secrets, cookies), which is counted, and
 * for what came after the dump began. ret_history is filled before the first entry is shown. Blocks: not for event
 * threads. 0; 1: shown() had enough; -ENOMEM.
 */
int cache_dump(
        struct cache *cache, struct cache_history *ret_history, uint64_t *ret_left_out, cache_shown *shown, void *arg);

enum cache_restored {
	CACHE_RESTORED_WHOLE,    /* what it was */
	CACHE_RESTORED_DOUBTFUL, /* to be validated before it is served */
	CACHE_RESTORED_PRESENT,  /* not: something was there already, and is newer */
	CACHE_RESTORED_SPOILT,   /* not: a write or a removal spoilt it, or it holds what may not be written down */
	CACHE_RESTORED_USELESS,  /* not: its time is over, or it cannot be validated */
};

/*
 * Puts an entry back that came from a dump of that history. The entry is the caller's own and not published yet; it is changed.
 * May block for the store: not for event threads.
 */
enum cache_restored cache_restore(struct cache *cache, struct entry *entry, const struct cache_history *then);

#endif
