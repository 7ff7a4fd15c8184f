/*
 * The keeper from the inside, shared by the files that make it up: keeper.c (what others call), keeper_writer.c and
 * keeper_reader.c (its two threads).
 */
#ifndef CACHE_KEEPER_INSIDE_H
#define CACHE_KEEPER_INSIDE_H

#include "cache/keeper.h"
#include "cache/presence.h"

#include <pthread.h>

struct walk;

/* One look-up that waits for the reader, or one step of a walk. */
struct ask {
	struct ask *next;
	struct walk *walk; /* NULL: a look-up */
	struct cache_key key;
	keeper_found *found;
	void *arg;
};

struct keeper {
	unsigned magic;
#define KEEPER_MAGIC 0x4ee9e44a
	struct keeper_settings settings;
	char *path;
	struct pending *pending;
	struct presence *presence;
	pthread_t writer, reader;

	/* Waking the writer. */
	pthread_mutex_t wake_lock;
	pthread_cond_t wake;
	bool any, urgent; /* there is something; it should not wait for a batch to fill */
	int64_t stop_at;  /* 0: runs; else the time at which to give up what is not written yet */

	/* Questions to the reader. */
	pthread_mutex_t ask_lock;
	pthread_cond_t asked;
	struct ask *first_ask, **last_ask;
	bool scan, stop_reader;

	/* Held by the reader while it uses the store, by the writer while it replaces it. */
	pthread_mutex_t store_lock;
	struct store *store; /* NULL while degraded */

	/* The writer's own. */
	bool missed; /* a change that must not be lost was, since the store was last open */
	int64_t pause_us, retry_at, trim_at;
	uint32_t kept[GENERATION_SLOTS]; /* generations as the store has them */

	/* For everybody. */
	atomic_bool usable; /* puts are taken, fetches make sense */
	atomic_bool marked; /* missed, and the store is marked so: whoever raises more need not wait */
	atomic_bool new_limit;
	atomic_uint rules; /* store_settings.rules */
	atomic_uint_fast64_t size_limit, entries, bytes, dropped, errors;
	pthread_mutex_t status_lock;
	char why[FAIL_TEXT_MAX]; /* what was wrong last */
	uint8_t lineage[STORE_LINEAGE_SIZE];
	struct fail reader_fail; /* what the reader met, code 0: nothing */
};

/* Wakes the writer; urgent: it is not to wait for a batch to fill. Any thread. */
void keeper_wake_writer(struct keeper *k, bool urgent);

/*
 * Opens the store and takes it into use. 0; 1: a file was set aside, see fail->text; negative errno: degraded, why
 * is set and the next try planned. The writer, or the caller of keeper_new() before there is one.
 */
int keeper_take_store(struct keeper *k, struct fail *fail);

/* The threads. */
void *keeper_writer_run(void *keeper);
void *keeper_reader_run(void *keeper);

/* Puts a question, malloc'ed, to the reader, who frees it. Any thread. */
void keeper_ask(struct keeper *k, struct ask *ask);

/* keeper_walk.c: the reader's part of one step; whoever waits for it is woken. */
void walk_step(struct keeper *k, struct walk *walk);

/* What the store, or what waits to be written, has under the key: one reference, or NULL. The reader. */
struct entry *keeper_look_up(struct keeper *k, const struct cache_key *key);

/* What the reader can't get over, and that is not -ENOENT, is the writer's to act on. The reader. */
void keeper_report(struct keeper *k, const struct fail *fail);

/* Tells the reader to look through the store's keys. */
void keeper_start_scan(struct keeper *k);

#endif
