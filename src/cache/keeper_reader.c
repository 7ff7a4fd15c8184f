#include "cache/keeper_inside.h"

#include <errno.h>

#define SCAN_KEYS 1024 /* read at a time when the presence set is filled, so that no question waits for long */

static void learn_key(void *arg, const struct cache_key *key)
{
	struct keeper *k = arg;

	presence_add(k->presence, key);
}

void keeper_start_scan(struct keeper *k)
{
	pthread_mutex_lock(&k->ask_lock);
	k->scan = true;
	pthread_cond_signal(&k->asked);
	pthread_mutex_unlock(&k->ask_lock);
}

void keeper_report(struct keeper *k, const struct fail *fail)
{
	if (fail->code == -EBUSY || fail->code == -ENOMEM) {
		atomic_fetch_add(&k->errors, 1);
		return;
	}
	pthread_mutex_lock(&k->status_lock);
	k->reader_fail = *fail;
	pthread_mutex_unlock(&k->status_lock);
	keeper_wake_writer(k, true);
}

struct entry *keeper_look_up(struct keeper *k, const struct cache_key *key)
{
	struct entry *entry = NULL;
	struct fail fail = {0};
	int r = -ENOENT;

	if (pending_look(k->pending, key, &entry) != PENDING_UNKNOWN)
		return entry;
	pthread_mutex_lock(&k->store_lock);
	if (k->store)
		r = k->settings.ops->load(k->store, key, &entry, &fail);
	pthread_mutex_unlock(&k->store_lock);
	if (r < 0 && r != -ENOENT)
		keeper_report(k, &fail);
	return r == 0 ? entry : NULL;
}

/* Reads the next keys into the presence set; false when that is over. */
static bool scan_some(struct keeper *k, struct cache_key *cursor)
{
	struct fail fail = {0};
	int r = -ENOENT;

	pthread_mutex_lock(&k->store_lock);
	if (k->store)
		r = k->settings.ops->keys(k->store, cursor, SCAN_KEYS, learn_key, k, &fail);
	if (r == 0)
		presence_complete(k->presence);
	pthread_mutex_unlock(&k->store_lock);
	if (r < 0 && r != -ENOENT)
		keeper_report(k, &fail);
	return r == 1;
}

/* The next question, waiting for it unless keys are to be read meanwhile. NULL: none; *ret_stop: and never again. */
static struct ask *next_ask(struct keeper *k, bool scanning, bool *ret_start_scan, bool *ret_stop)
{
	struct ask *ask;

	pthread_mutex_lock(&k->ask_lock);
	while (!k->first_ask && !k->stop_reader && !k->scan && !scanning)
		pthread_cond_wait(&k->asked, &k->ask_lock);
	ask = k->first_ask;
	if (ask) {
		k->first_ask = ask->next;
		if (!k->first_ask)
			k->last_ask = &k->first_ask;
	}
	*ret_start_scan = k->scan;
	k->scan = false;
	*ret_stop = k->stop_reader && !ask;
	pthread_mutex_unlock(&k->ask_lock);
	return ask;
}

static void answer(struct keeper *k, struct ask *ask)
{
	if (ask->walk)
		walk_step(k, ask->walk);
	else
		ask->found(ask->arg, keeper_look_up(k, &ask->key));
	free(ask);
}

void *keeper_reader_run(void *arg)
{
	struct keeper *k = arg;
	struct cache_key cursor;
	bool scanning = false, start = false, stop = false;

	while (!stop) {
		struct ask *ask = next_ask(k, scanning, &start, &stop);

		if (start) {
			memset(&cursor, 0, sizeof(cursor));
			scanning = true;
		}
		if (ask) {
			answer(k, ask);
		} else if (scanning && !stop) {
			scanning = scan_some(k, &cursor);
		}
	}
	return NULL;
}
