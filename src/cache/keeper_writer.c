#include "cache/keeper_inside.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

#define BATCH_WAIT_US 200000          /* how long the first put of a batch waits for more */
#define TRIM_REST_US  (60 * 1000000L) /* between rounds of trimming */
#define TRIM_STEP_US  20000           /* between steps of a round */

/* Waits on a condition until a time of the monotonic clock; false when that has come. */
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_us)
{
	struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

	return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}

static void tell_state(struct keeper *k, enum keeper_state state, const char *why)
{
	if (k->settings.on_state)
		k->settings.on_state(k->settings.on_state_arg, state, why);
}

static void read_figures(struct keeper *k)
{
	struct store_figures figures;

	if (k->settings.ops->figures(k->store, &figures, NULL) == 0) {
		atomic_store(&k->entries, figures.entries);
		atomic_store(&k->bytes, figures.bytes);
		pthread_mutex_lock(&k->status_lock);
		memcpy(k->lineage, figures.lineage, sizeof(k->lineage));
		pthread_mutex_unlock(&k->status_lock);
	}
}

static void forget_key(void *arg, const struct cache_key *key)
{
	struct keeper *k = arg;

	presence_remove(k->presence, key);
}

static void learn_generation(void *arg, uint32_t slot, uint32_t generation)
{
	struct keeper *k = arg;

	k->kept[slot] = generation;
	generations_raise_to(k->settings.generations, slot, generation);
}

/* After a failure: when to try again. What is corrupt is set aside by then, so the first time at once. */
static void plan_retry(struct keeper *k, const struct fail *fail)
{
	bool first = k->pause_us == 0;
	int64_t most = k->settings.retry_max_ms * INT64_C(1000);

	atomic_fetch_add(&k->errors, 1);
	pthread_mutex_lock(&k->status_lock);
	snprintf(k->why, sizeof(k->why), "%s", fail->text);
	pthread_mutex_unlock(&k->status_lock);
	k->pause_us = first ? k->settings.retry_min_ms * INT64_C(1000) : k->pause_us * 2;
	if (k->pause_us > most)
		k->pause_us = most;
	k->retry_at = clock_monotonic_us() + (first && fail->code == -EUCLEAN ? 0 : k->pause_us);
}

static int open_store(struct keeper *k, struct store **ret, struct fail *fail)
{
	struct store_settings settings = k->settings.store;
	struct store *store = NULL;
	int r, s;

	settings.path = k->path;
	settings.size_limit = atomic_load(&k->size_limit);
	settings.rules = atomic_load(&k->rules);
	settings.distrusted = k->missed;
	settings.removed = forget_key;
	settings.removed_arg = k;
	r = k->settings.ops->open(&settings, &store, fail);
	if (r < 0)
		return r;
	memset(k->kept, 0, sizeof(k->kept));
	s = k->settings.ops->load_generations(store, learn_generation, k, fail);
	if (s < 0) {
		k->settings.ops->close(store);
		return s;
	}
	*ret = store;
	return r;
}

int keeper_take_store(struct keeper *k, struct fail *fail)
{
	struct store *store = NULL;
	struct fail first = {0};
	int r = open_store(k, &store, fail);

	if (r == -EUCLEAN) { /* found and set aside when it was in use already: a new one is to be had at once */
		first = *fail;
		r = open_store(k, &store, fail);
		if (r == 0) {
			*fail = first;
			r = 1;
		}
	}
	if (r < 0) {
		plan_retry(k, fail);
		return r;
	}
	pthread_mutex_lock(&k->store_lock);
	k->store = store;
	pthread_mutex_unlock(&k->store_lock);
	read_figures(k);
	presence_reset(k->presence, atomic_load(&k->entries) == 0);
	if (atomic_load(&k->entries) > 0)
		keeper_start_scan(k);
	k->missed = false;
	k->trim_at = clock_monotonic_us() + TRIM_STEP_US;
	atomic_store(&k->marked, false);
	atomic_store(&k->usable, true);
	return r;
}

static void retry(struct keeper *k)
{
	struct fail fail = {0};
	int r = keeper_take_store(k, &fail);

	if (r >= 0)
		tell_state(k, KEEPER_READY, r == 1 ? fail.text : "");
}

/* The store failed: out of use, and when to try again. */
static void degrade(struct keeper *k, const struct fail *fail)
{
	struct store *store = k->store;

	plan_retry(k, fail);
	atomic_store(&k->usable, false);
	pthread_mutex_lock(&k->store_lock);
	k->store = NULL;
	pthread_mutex_unlock(&k->store_lock);
	k->settings.ops->close(store);
	tell_state(k, KEEPER_DEGRADED, fail->text);
}

/* A batch that can't be written: what must not be lost makes the store distrusted. */
static void give_up(struct keeper *k, const struct pending_batch *batch)
{
	struct store_settings settings = k->settings.store;
	bool must = batch->slot_count > 0 || batch->clear || batch->lost;

	for (size_t i = 0; i < batch->item_count; i++) {
		atomic_fetch_add(&k->dropped, 1);
		must |= !batch->items[i]->entry;
	}
	if (!must || atomic_load(&k->marked))
		return;
	k->missed = true;
	settings.path = k->path;
	if (k->settings.ops->distrust(&settings, NULL) < 0)
		atomic_fetch_add(&k->errors, 1); /* a later process may trust it; this one does not */
	atomic_store(&k->marked, true);
}

/* The changes of a batch, as the store is told them; malloc'ed. */
struct changes {
	struct store_change *items;
	size_t count;
};

static void add_generation(struct keeper *k, struct changes *changes, uint32_t slot)
{
	uint32_t generation = generations_to_keep(k->settings.generations, slot);

	if (k->kept[slot] == generation)
		return;
	k->kept[slot] = generation; /* if it fails the store is opened anew, and so is this */
	changes->items[changes->count++] = (struct store_change){
	        .kind = STORE_GENERATION, .slot = slot, .generation = generation};
}

/*
 * Puts that are spoilt by now are left out. For the others the store must
 * hold every generation that they noted: a counter that a later process finds lower than an entry's note would
 * reach that number again with the entry still there.
 */
static bool wanted(struct keeper *k, struct changes *changes, const struct pending_item *item)
{
	const struct tag_notes *tags = item->entry ? &item->entry->tags : NULL;

	if (!tags)
		return true;
	if (!generations_intact(k->settings.generations, tags))
		return false;
	for (uint32_t i = 0; i < tags->count; i++)
		add_generation(k, changes, tags->items[i].slot);
	return true;
}

static size_t most_changes(const struct pending_batch *batch)
{
	size_t most = batch->slot_count + 1 + batch->item_count;

	for (size_t i = 0; i < batch->item_count; i++)
		most += batch->items[i]->entry ? batch->items[i]->entry->tags.count : 0;
	return most;
}

static int by_key(const void *left, const void *right)
{
	const struct store_change *a = left, *b = right;

	return memcmp(a->key.bytes, b->key.bytes, sizeof(a->key.bytes));
}

static void add_item(struct changes *changes, const struct pending_item *item, bool put)
{
	changes->items[changes->count++] = (struct store_change){
	        .kind = put ? STORE_PUT : STORE_DROP, .key = item->key, .entry = put ? item->entry : NULL};
}

/* Keyed changes, one a key, come last and in the order of their keys: those that share a page of the index find it at hand. */
static int make_changes(struct keeper *k, const struct pending_batch *batch, struct changes *ret)
{
	bool puts[PENDING_BATCH_COUNT];
	size_t most = most_changes(batch), keyed;

	*ret = (struct changes){.items = malloc(most * sizeof(*ret->items))};
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < batch->slot_count; i++)
		add_generation(k, ret, batch->slots[i]);
	if (batch->clear)
		ret->items[ret->count++] = (struct store_change){.kind = STORE_CLEAR, .rules = atomic_load(&k->rules)};
	for (size_t i = 0; i < batch->item_count; i++)
		puts[i] = wanted(k, ret, batch->items[i]) && batch->items[i]->entry;
	keyed = ret->count;
	for (size_t i = 0; i < batch->item_count; i++)
		add_item(ret, batch->items[i], puts[i]);
	qsort(ret->items + keyed, ret->count - keyed, sizeof(*ret->items), by_key);
	return 0;
}

/* What a "maybe" is said to from now on. */
static void note_presence(struct keeper *k, const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct store_change *change = &changes->items[i];

		if (change->kind == STORE_CLEAR)
			presence_reset(k->presence, true);
		else if (change->kind == STORE_PUT && !change->skipped)
			presence_add(k->presence, &change->key);
		else if (change->kind == STORE_PUT || change->kind == STORE_DROP)
			presence_remove(k->presence, &change->key);
	}
}

static int write_changes(struct keeper *k, const struct pending_batch *batch, struct fail *fail)
{
	CLEANUP(freep) struct store_change *items = NULL;
	struct changes changes;
	int r = make_changes(k, batch, &changes);

	items = changes.items;
	if (r < 0 || batch->lost)
		return fail_set(fail, -ENOMEM, "out of memory");
	r = k->settings.ops->apply(k->store, changes.items, changes.count, fail);
	if (r == 0)
		note_presence(k, &changes);
	return r;
}

static void run_waiters(struct pending_waiter *waiters)
{
	while (waiters) {
		struct pending_waiter *next = waiters->next;

		waiters->noted(waiters->arg);
		free(waiters);
		waiters = next;
	}
}

static void write_batch(struct keeper *k, struct pending_batch *batch)
{
	struct fail fail = {0};
	int r = 0;

	if (k->store) {
		r = write_changes(k, batch, &fail);
		if (r < 0)
			degrade(k, &fail);
		else
			k->pause_us = 0;
	}
	if (k->store)
		read_figures(k);
	else
		give_up(k, batch);
	pending_done(k->pending, batch);
	run_waiters(batch->waiters);
}

/* The reader can't close the store: it says what it met and the writer does. */
static void heed_reader(struct keeper *k)
{
	struct fail fail;

	pthread_mutex_lock(&k->status_lock);
	fail = k->reader_fail;
	k->reader_fail.code = 0;
	pthread_mutex_unlock(&k->status_lock);
	if (fail.code != 0 && k->store)
		degrade(k, &fail);
}

static void trim(struct keeper *k)
{
	struct store_present present = {.now_ms = clock_wall_ms(), .generations = k->settings.generations};
	struct fail fail = {0};
	int r = k->settings.ops->trim(k->store, &present, &fail);

	k->trim_at = clock_monotonic_us() + (r > 0 ? TRIM_STEP_US : TRIM_REST_US);
	if (r < 0)
		degrade(k, &fail);
	else
		read_figures(k);
}

static int64_t next_chore(const struct keeper *k)
{
	return k->store ? k->trim_at : k->retry_at;
}

/* Waits for something to do; returns the time to stop at, 0: none. */
static int64_t writer_wait(struct keeper *k)
{
	int64_t until = next_chore(k), stop_at;

	pthread_mutex_lock(&k->wake_lock);
	while (!k->stop_at && !k->any && wait_until(&k->wake, &k->wake_lock, until))
		;
	if (k->any && k->store) {
		until = clock_monotonic_us() + BATCH_WAIT_US;
		while (!k->stop_at && !k->urgent && wait_until(&k->wake, &k->wake_lock, until))
			;
	}
	k->any = false;
	k->urgent = false;
	stop_at = k->stop_at;
	pthread_mutex_unlock(&k->wake_lock);
	return stop_at;
}

/* True while there is no end in sight, or time until then. */
static bool has_time(struct keeper *k)
{
	int64_t stop_at;

	pthread_mutex_lock(&k->wake_lock);
	stop_at = k->stop_at;
	pthread_mutex_unlock(&k->wake_lock);
	return stop_at == 0 || clock_monotonic_us() < stop_at;
}

/* What is left at the end: puts only if there was time, but what must not be lost. */
static void writer_end(struct keeper *k)
{
	struct pending_batch batch;

	atomic_fetch_add(&k->dropped, pending_forget_puts(k->pending));
	while (pending_take(k->pending, &batch))
		write_batch(k, &batch);
	if (k->store)
		k->settings.ops->close(k->store);
	k->store = NULL;
}

void *keeper_writer_run(void *arg)
{
	struct keeper *k = arg;
	struct pending_batch batch;
	int64_t stop_at = 0;

	while (stop_at == 0) {
		stop_at = writer_wait(k);
		heed_reader(k);
		if (!k->store && stop_at == 0 && clock_monotonic_us() >= k->retry_at)
			retry(k);
		if (k->store && atomic_exchange(&k->new_limit, false)) {
			k->settings.ops->set_size_limit(k->store, atomic_load(&k->size_limit));
			k->trim_at = 0;
		}
		while (has_time(k) && pending_take(k->pending, &batch))
			write_batch(k, &batch);
		if (k->store && stop_at == 0 && clock_monotonic_us() >= k->trim_at)
			trim(k);
	}
	writer_end(k);
	return NULL;
}
