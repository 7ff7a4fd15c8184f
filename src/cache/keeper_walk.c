#include "cache/keeper_inside.h"

#include <errno.h>

#define STEP_KEYS 16 /* read at a time, bodies and all */

/* One step: the walker waits for it on its own thread, the reader makes it. */
struct walk {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool over; /* the reader has made this step */
	bool more;
	struct cache_key cursor;
	struct cache_key keys[STEP_KEYS];
	struct entry *entries[STEP_KEYS];
	size_t count;
};

static void take_key(void *arg, const struct cache_key *key)
{
	struct walk *walk = arg;

	walk->keys[walk->count++] = *key;
}

static void read_step(struct keeper *k, struct walk *walk)
{
	struct fail fail = {0};
	int r = -ENOENT;

	walk->count = 0;
	pthread_mutex_lock(&k->store_lock);
	if (k->store)
		r = k->settings.ops->keys(k->store, &walk->cursor, STEP_KEYS, take_key, walk, &fail);
	pthread_mutex_unlock(&k->store_lock);
	if (r < 0 && r != -ENOENT)
		keeper_report(k, &fail);
	walk->more = r == 1;
	for (size_t i = 0; i < walk->count; i++)
		walk->entries[i] = keeper_look_up(k, &walk->keys[i]);
}

void walk_step(struct keeper *k, struct walk *walk)
{
	read_step(k, walk);
	pthread_mutex_lock(&walk->lock);
	walk->over = true;
	pthread_cond_signal(&walk->done);
	pthread_mutex_unlock(&walk->lock);
}

/* Has the reader make the next step, and waits for it. */
static int next_step(struct keeper *k, struct walk *walk)
{
	struct ask *ask = malloc(sizeof(*ask));

	if (!ask)
		return -ENOMEM;
	*ask = (struct ask){.walk = walk};
	walk->over = false;
	keeper_ask(k, ask);
	pthread_mutex_lock(&walk->lock);
	while (!walk->over)
		pthread_cond_wait(&walk->done, &walk->lock);
	pthread_mutex_unlock(&walk->lock);
	return 0;
}

int keeper_walk(struct keeper *k, keeper_shown *shown, void *arg)
{
	struct walk walk = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .more = true};
	bool wanted = true;
	int r = 0;

	CHECK(k, KEEPER_MAGIC);
	while (r == 0 && wanted && walk.more) {
		r = next_step(k, &walk);
		for (size_t i = 0; r == 0 && i < walk.count; i++) {
			wanted = wanted && (!walk.entries[i] || shown(arg, walk.entries[i]));
			entry_unref(walk.entries[i]);
		}
	}
	pthread_cond_destroy(&walk.done);
	pthread_mutex_destroy(&walk.lock);
	return r < 0 ? r : !wanted;
}
