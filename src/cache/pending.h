/*
 * Changes on their way to the store: the writer's queue. At most one change a
 * key, the latest; generations are slots to be written with whatever value
 * they have by then; so a queue of bounded size never has to lose anything
 * but puts. Too many drops become one clear: forgetting more is always right.
 *
 * What a batch has taken stays visible to pending_look() until the batch is done, so that
 * whoever reads the store never sees what a change under way replaces.
 *
 * Any thread may add and look; one thread, the writer, takes. One lock, held shortly.
 */
#ifndef CACHE_PENDING_H
#define CACHE_PENDING_H

#include "cache/entry.h"

#define PENDING_PUTS_MAX  4096
#define PENDING_DROPS_MAX 16384

/*
 * How many keyed changes one batch takes. Many, because rows of one transaction share pages of the file; but few beside
 * a raised generation, so that whoever waits for that does not wait for them.
 */
#define PENDING_BATCH_COUNT  1024
#define PENDING_BATCH_BYTES  (4 << 20) /* at most half of bytes_max: the other half takes what comes meanwhile */
#define PENDING_URGENT_COUNT 64
#define PENDING_URGENT_BYTES (1 << 20)

struct pending;

/* Called when the generations queued so far are safely kept, or can't be. */
typedef void pending_noted(void *arg);

struct pending_waiter {
	struct pending_waiter *next;
	pending_noted *noted;
	void *arg;
};

/* What the writer does next. In this order: slots, clear, then items. */
struct pending_batch {
	uint32_t *slots; /* NULL when there are none */
	size_t slot_count;
	bool clear;
	bool lost; /* something could not be queued for want of memory: the store is not to be trusted any more */
	struct pending_item *items[PENDING_BATCH_COUNT];
	size_t item_count;
	struct pending_waiter *waiters; /* oldest first */
};

struct pending_item {
	struct cache_key key;
	struct entry *entry; /* NULL: a drop */
	struct pending_item *chain;
	struct pending_item *newer, *older;
};

enum pending_seen {
	PENDING_UNKNOWN, /* nothing about that key: the store knows */
	PENDING_ENTRY,   /* a put; the entry was given with a reference */
	PENDING_GONE,    /* a drop or a clear */
};

/*
 * bytes_max: of entries queued, by entry_cost(); one larger than that is taken when no other is queued. NULL: out
 * of memory.
 */
struct pending *pending_new(uint64_t bytes_max);

/* Nothing may be taken by a batch any more. Frees what is queued; waiters must have been taken. */
void pending_free(struct pending *p);

/* Takes a reference. False: full, the put is given up (an older put of the key becomes a drop). */
bool pending_put(struct pending *p, struct entry *entry);
void pending_drop(struct pending *p, const struct cache_key *key);
void pending_clear(struct pending *p);

/*
 * Slots whose generations rose. noted may be NULL; else it is handed to the writer with them. False: out of
 * memory, noted is not taken.
 */
bool pending_raise(struct pending *p, const uint64_t *tags, size_t count, pending_noted *noted, void *arg);

/*
 * Every slot that ever rose, with noted as above: once it runs, what entries can have noted so far is safely kept.
 * False: out of memory, noted is not taken.
 */
bool pending_raise_all(struct pending *p, const struct generations *g, pending_noted *noted, void *arg);

/* What is under way for a key; *ret_entry is set for PENDING_ENTRY only. */
enum pending_seen pending_look(struct pending *p, const struct cache_key *key, struct entry **ret_entry);

/* Changes queued and not taken. A keyed one, a slot, a clear count one each. Any thread, cheap. */
uint64_t pending_count(struct pending *p);

/*
 * True when there is something that should not wait for a batch to fill: generations, drops, a clear, or a batch
 * that is full.
 */
bool pending_urgent(struct pending *p);

/* Writer: takes a batch; false when there is nothing. Then writes it, and ends with pending_done(). */
bool pending_take(struct pending *p, struct pending_batch *batch);

/* Writer: the batch is written, or given up. Frees what it holds but the waiters. */
void pending_done(struct pending *p, struct pending_batch *batch);

/* Gives up all puts that are queued; returns how many. */
uint64_t pending_forget_puts(struct pending *p);

#endif
