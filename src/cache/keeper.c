#include "cache/keeper.h"

#include "base/clock.h"
#include "cache/presence.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define BATCH_WAIT_US  50000             /* how long the first put of a batch waits for more */
#define TRIM_REST_US   (60 * 1000000L)   /* between rounds of trimming */
#define TRIM_STEP_US   20000             /* between steps of a round */
#define SCAN_KEYS      1024              /* keys read at a time when the presence set is filled */
#define NEVER          INT64_MAX
#define TEXT_MAX       256

/* One look-up that waits for the reader. */
struct ask {
	struct ask *next;
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
	atomic_uint_fast64_t size_limit, entries, bytes, dropped, errors;
	pthread_mutex_t status_lock;
	char why[TEXT_MAX];
	struct fail reader_fail; /* what the reader met, code 0: nothing */
};

static void wake_writer(struct keeper *k, bool urgent)
{
	pthread_mutex_lock(&k->wake_lock);
	if (!k->any || (urgent && !k->urgent))
		pthread_cond_signal(&k->wake);
	k->any = true;
	k->urgent |= urgent;
	pthread_mutex_unlock(&k->wake_lock);
}

/* Waits on a condition until a time of the monotonic clock; false when that has come. */
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_us)
{
	struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

	if (until_us == NEVER)
		return pthread_cond_wait(condition, lock) == 0;
	return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}

static void set_why(struct keeper *k, const char *why)
{
	pthread_mutex_lock(&k->status_lock);
	snprintf(k->why, sizeof(k->why), "%s", why);
	pthread_mutex_unlock(&k->status_lock);
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
	}
}

static void forget_key(void *arg, const struct cache_key *key)
{
	struct keeper *k = arg;

	presence_remove(k->presence, key);
}

static void learn_key(void *arg, const struct cache_key *key)
{
	struct keeper *k = arg;

	presence_add(k->presence, key);
}

static void learn_generation(void *arg, uint32_t slot, uint32_t generation)
{
	struct keeper *k = arg;

	k->kept[slot] = generation;
	generations_raise_to(k->settings.generations, slot, generation);
}

static void start_scan(struct keeper *k)
{
	pthread_mutex_lock(&k->ask_lock);
	k->scan = true;
	pthread_cond_signal(&k->asked);
	pthread_mutex_unlock(&k->ask_lock);
}

/* Opens the store and takes it into use. 0; 1: a file was set aside; negative errno. */
static int take_store(struct keeper *k, struct fail *fail)
{
	struct store_settings settings = k->settings.store;
	struct store *store = NULL;
	int r, s;

	settings.path = k->path;
	settings.size_limit = atomic_load(&k->size_limit);
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
	pthread_mutex_lock(&k->store_lock);
	k->store = store;
	pthread_mutex_unlock(&k->store_lock);
	read_figures(k);
	presence_reset(k->presence, atomic_load(&k->entries) == 0);
	if (atomic_load(&k->entries) > 0)
		start_scan(k);
	k->missed = false;
	k->trim_at = clock_monotonic_us() + TRIM_STEP_US;
	atomic_store(&k->marked, false);
	atomic_store(&k->usable, true);
	return r;
}

/* After a failure: when to try again. What is corrupt is set aside by then, so the first time at once. */
static void plan_retry(struct keeper *k, int code)
{
	bool first = k->pause_us == 0;
	int64_t most = k->settings.retry_max_ms * INT64_C(1000);

	k->pause_us = first ? k->settings.retry_min_ms * INT64_C(1000) : k->pause_us * 2;
	if (k->pause_us > most)
		k->pause_us = most;
	k->retry_at = clock_monotonic_us() + (first && code == -EUCLEAN ? 0 : k->pause_us);
}

static void retry(struct keeper *k)
{
	struct fail fail = {0};
	int r = take_store(k, &fail);

	if (r < 0) {
		atomic_fetch_add(&k->errors, 1);
		set_why(k, fail.text);
		plan_retry(k, r);
		return;
	}
	set_why(k, "");
	tell_state(k, KEEPER_READY, r == 1 ? fail.text : "");
}

/* The store failed: out of use, and when to try again. */
static void degrade(struct keeper *k, const struct fail *fail)
{
	struct store *store = k->store;

	atomic_fetch_add(&k->errors, 1);
	atomic_store(&k->usable, false);
	pthread_mutex_lock(&k->store_lock);
	k->store = NULL;
	pthread_mutex_unlock(&k->store_lock);
	k->settings.ops->close(store);
	set_why(k, fail->text);
	plan_retry(k, fail->code);
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
	uint32_t generation = generations_get(k->settings.generations, slot);

	if (k->kept[slot] == generation)
		return;
	k->kept[slot] = generation; /* if it fails the store is opened anew, and so is this */
	changes->items[changes->count++] =
	        (struct store_change){.kind = STORE_GENERATION, .slot = slot, .generation = generation};
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
	if (!generations_current(k->settings.generations, tags))
		return false;
	for (uint32_t i = 0; i < tags->count; i++)
		add_generation(k, changes, tags->items[i].slot);
	return true;
}

static int make_changes(struct keeper *k, const struct pending_batch *batch, struct changes *ret)
{
	size_t most = batch->slot_count + 1 + batch->item_count * (TAGS_MAX + 1);

	*ret = (struct changes){.items = malloc(most * sizeof(*ret->items))};
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < batch->slot_count; i++)
		add_generation(k, ret, batch->slots[i]);
	if (batch->clear)
		ret->items[ret->count++] = (struct store_change){.kind = STORE_CLEAR};
	for (size_t i = 0; i < batch->item_count; i++) {
		struct pending_item *item = batch->items[i];
		bool put = wanted(k, ret, item) && item->entry;

		ret->items[ret->count++] = (struct store_change){
		        .kind = put ? STORE_PUT : STORE_DROP, .key = item->key, .entry = put ? item->entry : NULL};
	}
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

/* What is left at the end, with the time for it over. */
static void writer_end(struct keeper *k)
{
	struct pending_batch batch;

	atomic_fetch_add(&k->dropped, pending_forget_puts(k->pending));
	while (pending_take(k->pending, &batch)) {
		give_up(k, &batch);
		pending_done(k->pending, &batch);
		run_waiters(batch.waiters);
	}
	if (k->store)
		k->settings.ops->close(k->store);
	k->store = NULL;
}

static void *writer_run(void *arg)
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
		while ((stop_at == 0 || clock_monotonic_us() < stop_at) && pending_take(k->pending, &batch))
			write_batch(k, &batch);
		if (k->store && stop_at == 0 && clock_monotonic_us() >= k->trim_at)
			trim(k);
	}
	writer_end(k);
	return NULL;
}

/* What the reader can't get over is the writer's to act on. */
static void report(struct keeper *k, const struct fail *fail)
{
	if (fail->code == -EBUSY || fail->code == -ENOMEM) {
		atomic_fetch_add(&k->errors, 1);
		return;
	}
	pthread_mutex_lock(&k->status_lock);
	k->reader_fail = *fail;
	pthread_mutex_unlock(&k->status_lock);
	wake_writer(k, true);
}

static struct entry *look_up(struct keeper *k, const struct cache_key *key)
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
		report(k, &fail);
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
		report(k, &fail);
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

static void *reader_run(void *arg)
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
			ask->found(ask->arg, look_up(k, &ask->key));
			free(ask);
		} else if (scanning && !stop) {
			scanning = scan_some(k, &cursor);
		}
	}
	return NULL;
}

static void init_locks(struct keeper *k)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&k->wake, &attributes);
	pthread_cond_init(&k->asked, NULL);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&k->wake_lock, NULL);
	pthread_mutex_init(&k->ask_lock, NULL);
	pthread_mutex_init(&k->store_lock, NULL);
	pthread_mutex_init(&k->status_lock, NULL);
}

/* Frees what keeper_alloc() made; the threads are not there. */
static void keeper_release(struct keeper *k)
{
	if (k->store)
		k->settings.ops->close(k->store);
	pending_free(k->pending);
	presence_free(k->presence);
	free(k->path);
	pthread_cond_destroy(&k->wake);
	pthread_cond_destroy(&k->asked);
	pthread_mutex_destroy(&k->wake_lock);
	pthread_mutex_destroy(&k->ask_lock);
	pthread_mutex_destroy(&k->store_lock);
	pthread_mutex_destroy(&k->status_lock);
	k->magic = 0;
	free(k);
}

static struct keeper *keeper_alloc(const struct keeper_settings *settings)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->magic = KEEPER_MAGIC;
	k->settings = *settings;
	k->last_ask = &k->first_ask;
	init_locks(k);
	atomic_init(&k->size_limit, settings->store.size_limit);
	k->path = strdup(settings->store.path ? settings->store.path : "");
	k->pending = pending_new(settings->queue_bytes);
	k->presence = presence_new();
	if (!k->path || !k->pending || !k->presence) {
		keeper_release(k);
		return NULL;
	}
	return k;
}

static void stop_reader(struct keeper *k)
{
	pthread_mutex_lock(&k->ask_lock);
	k->stop_reader = true;
	pthread_cond_signal(&k->asked);
	pthread_mutex_unlock(&k->ask_lock);
	pthread_join(k->reader, NULL);
}

int keeper_new(const struct keeper_settings *settings, struct keeper **ret, struct fail *fail)
{
	struct keeper *k = keeper_alloc(settings);
	struct fail own = {0};
	int r, s;

	if (!k)
		return fail_set(fail, -ENOMEM, "out of memory");
	r = take_store(k, &own);
	if (r < 0) {
		atomic_fetch_add(&k->errors, 1);
		set_why(k, own.text);
		plan_retry(k, r);
	}
	if (r != 0 && fail)
		*fail = own;
	s = pthread_create(&k->reader, NULL, reader_run, k);
	if (s == 0) {
		s = pthread_create(&k->writer, NULL, writer_run, k);
		if (s != 0)
			stop_reader(k);
	}
	if (s != 0) {
		keeper_release(k);
		return fail_set(fail, -s, "starting the store's threads: %s", strerror(s));
	}
	*ret = k;
	return r != 0;
}

void keeper_free(struct keeper *k, int64_t limit_ms)
{
	if (!k)
		return;
	CHECK(k, KEEPER_MAGIC);
	stop_reader(k);
	pthread_mutex_lock(&k->wake_lock);
	k->stop_at = clock_monotonic_us() + limit_ms * 1000;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->wake_lock);
	pthread_join(k->writer, NULL);
	keeper_release(k);
}

void keeper_put(struct keeper *k, struct entry *entry)
{
	CHECK(k, KEEPER_MAGIC);
	if (!atomic_load(&k->usable) || !pending_put(k->pending, entry))
		atomic_fetch_add(&k->dropped, 1);
	else
		wake_writer(k, pending_urgent(k->pending));
}

void keeper_drop(struct keeper *k, const struct cache_key *key)
{
	CHECK(k, KEEPER_MAGIC);
	if (atomic_load(&k->marked))
		return;
	pending_drop(k->pending, key);
	wake_writer(k, true);
}

void keeper_clear(struct keeper *k)
{
	CHECK(k, KEEPER_MAGIC);
	if (atomic_load(&k->marked))
		return;
	pending_clear(k->pending);
	wake_writer(k, true);
}

void keeper_raise(struct keeper *k, const uint64_t *tags, size_t count, pending_noted *noted, void *arg)
{
	bool waits = false;

	CHECK(k, KEEPER_MAGIC);
	if (!atomic_load(&k->marked)) {
		waits = pending_raise(k->pending, tags, count, noted, arg);
		wake_writer(k, true);
	}
	if (noted && !waits)
		noted(arg);
}

bool keeper_may_hold(struct keeper *k, const struct cache_key *key)
{
	CHECK(k, KEEPER_MAGIC);
	return atomic_load(&k->usable) && presence_maybe(k->presence, key);
}

void keeper_fetch(struct keeper *k, const struct cache_key *key, keeper_found *found, void *arg)
{
	struct ask *ask = malloc(sizeof(*ask));

	CHECK(k, KEEPER_MAGIC);
	if (!ask) {
		found(arg, NULL);
		return;
	}
	*ask = (struct ask){.key = *key, .found = found, .arg = arg};
	pthread_mutex_lock(&k->ask_lock);
	*k->last_ask = ask;
	k->last_ask = &ask->next;
	pthread_cond_signal(&k->asked);
	pthread_mutex_unlock(&k->ask_lock);
}

void keeper_set_size_limit(struct keeper *k, uint64_t size_limit)
{
	CHECK(k, KEEPER_MAGIC);
	atomic_store(&k->size_limit, size_limit);
	atomic_store(&k->new_limit, true);
	wake_writer(k, true);
}

void keeper_get_figures(struct keeper *k, struct keeper_figures *ret)
{
	CHECK(k, KEEPER_MAGIC);
	*ret = (struct keeper_figures){
	        .entries = atomic_load(&k->entries),
	        .bytes = atomic_load(&k->bytes),
	        .queue = pending_count(k->pending),
	        .dropped = atomic_load(&k->dropped),
	        .errors = atomic_load(&k->errors),
	        .state = atomic_load(&k->usable) ? KEEPER_READY : KEEPER_DEGRADED,
	};
	pthread_mutex_lock(&k->status_lock);
	snprintf(ret->why, sizeof(ret->why), "%s", k->why);
	pthread_mutex_unlock(&k->status_lock);
}
