#include "cache/keeper_inside.h"

#include "base/clock.h"

#include <errno.h>

void keeper_wake_writer(struct keeper *k, bool urgent)
{
	pthread_mutex_lock(&k->wake_lock);
	if (!k->any || (urgent && !k->urgent))
		pthread_cond_signal(&k->wake);
	k->any = true;
	k->urgent |= urgent;
	pthread_mutex_unlock(&k->wake_lock);
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
	atomic_init(&k->rules, settings->store.rules);
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
	r = keeper_take_store(k, &own);
	if (r != 0 && fail)
		*fail = own;
	s = pthread_create(&k->reader, NULL, keeper_reader_run, k);
	if (s == 0) {
		s = pthread_create(&k->writer, NULL, keeper_writer_run, k);
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
	if (!atomic_load(&k->usable)) {
		atomic_fetch_add(&k->dropped, 1);
		return;
	}
	presence_add(k->presence, &entry->key); /* on its way is as good as there: a look-up asks the queue first */
	if (!pending_put(k->pending, entry))
		atomic_fetch_add(&k->dropped, 1);
	else
		keeper_wake_writer(k, pending_urgent(k->pending));
}

void keeper_drop(struct keeper *k, const struct cache_key *key)
{
	CHECK(k, KEEPER_MAGIC);
	if (atomic_load(&k->marked))
		return;
	pending_drop(k->pending, key);
	keeper_wake_writer(k, true);
}

void keeper_clear(struct keeper *k)
{
	CHECK(k, KEEPER_MAGIC);
	if (atomic_load(&k->marked))
		return;
	pending_clear(k->pending);
	keeper_wake_writer(k, true);
}

void keeper_set_rules(struct keeper *k, uint32_t rules)
{
	CHECK(k, KEEPER_MAGIC);
	atomic_store(&k->rules, rules);
	keeper_clear(k);
}

void keeper_raise(struct keeper *k, const uint64_t *tags, size_t count, pending_noted *noted, void *arg)
{
	bool waits = false;

	CHECK(k, KEEPER_MAGIC);
	if (!atomic_load(&k->marked)) {
		waits = pending_raise(k->pending, tags, count, noted, arg);
		keeper_wake_writer(k, true);
	}
	if (noted && !waits)
		noted(arg);
}

void keeper_get_lineage(struct keeper *k, uint8_t ret[STORE_LINEAGE_SIZE])
{
	CHECK(k, KEEPER_MAGIC);
	memset(ret, 0, STORE_LINEAGE_SIZE);
	if (!atomic_load(&k->usable))
		return;
	pthread_mutex_lock(&k->status_lock);
	memcpy(ret, k->lineage, STORE_LINEAGE_SIZE);
	pthread_mutex_unlock(&k->status_lock);
}

bool keeper_settle(struct keeper *k, pending_noted *noted, void *arg)
{
	CHECK(k, KEEPER_MAGIC);
	/* a store that is out of use would be distrusted for what could not be kept in it */
	if (!atomic_load(&k->usable) || !pending_raise_all(k->pending, k->settings.generations, noted, arg))
		return false;
	keeper_wake_writer(k, true);
	return true;
}

bool keeper_may_hold(struct keeper *k, const struct cache_key *key)
{
	CHECK(k, KEEPER_MAGIC);
	return atomic_load(&k->usable) && presence_maybe(k->presence, key);
}

void keeper_ask(struct keeper *k, struct ask *ask)
{
	pthread_mutex_lock(&k->ask_lock);
	*k->last_ask = ask;
	k->last_ask = &ask->next;
	pthread_cond_signal(&k->asked);
	pthread_mutex_unlock(&k->ask_lock);
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
	keeper_ask(k, ask);
}

void keeper_set_size_limit(struct keeper *k, uint64_t size_limit)
{
	CHECK(k, KEEPER_MAGIC);
	atomic_store(&k->size_limit, size_limit);
	atomic_store(&k->new_limit, true);
	keeper_wake_writer(k, true);
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
	if (ret->state == KEEPER_READY)
		return;
	pthread_mutex_lock(&k->status_lock);
	snprintf(ret->why, sizeof(ret->why), "%s", k->why);
	pthread_mutex_unlock(&k->status_lock);
}
