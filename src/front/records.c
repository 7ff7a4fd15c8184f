#include "front/records.h"

#include "base/macros.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define WATCHER_ROOM 1024

struct ring {
	struct record *items;
	size_t room;
	uint64_t count; /* ever added: the next one's place is count % room */
};

struct watcher {
	struct records *records;
	struct watcher *next;
	pthread_cond_t came;
	struct ring ring;
	uint64_t taken, lost;
};

struct records {
	unsigned magic;
#define RECORDS_MAGIC 0x4ec04d50
	pthread_mutex_t lock; /* guards all below */
	struct ring last, bad;
	struct watcher *watchers;
	atomic_int watched;
};

static bool ring_init(struct ring *ring, size_t room)
{
	*ring = (struct ring){.items = calloc(room, sizeof(struct record)), .room = room};
	return ring->items != NULL;
}

static void ring_add(struct ring *ring, const struct record *record)
{
	ring->items[ring->count++ % ring->room] = *record;
}

/* The newest one is number 0. NULL: there are not as many. */
static const struct record *ring_back(const struct ring *ring, size_t number)
{
	if (number >= ring->room || number >= ring->count)
		return NULL;
	return &ring->items[(ring->count - 1 - number) % ring->room];
}

struct records *records_new(void)
{
	struct records *records = calloc(1, sizeof(*records));

	if (!records)
		return NULL;
	records->magic = RECORDS_MAGIC;
	pthread_mutex_init(&records->lock, NULL);
	if (!ring_init(&records->last, RECORDS_LAST) || !ring_init(&records->bad, RECORDS_BAD)) {
		records_free(records);
		return NULL;
	}
	return records;
}

void records_free(struct records *records)
{
	if (!records)
		return;
	CHECK(records, RECORDS_MAGIC);
	ASSERT(!records->watchers);
	pthread_mutex_destroy(&records->lock);
	free(records->last.items);
	free(records->bad.items);
	records->magic = 0;
	free(records);
}

bool records_watched(const struct records *records)
{
	return atomic_load_explicit(&records->watched, memory_order_relaxed) > 0;
}

static bool is_bad(const struct record *record)
{
	return record->status >= 500 || record->duration_us >= RECORD_SLOW_US;
}

static void show(struct watcher *watcher, const struct record *record)
{
	if (watcher->ring.count - watcher->taken == watcher->ring.room) {
		watcher->lost++;
		return;
	}
	ring_add(&watcher->ring, record);
	pthread_cond_signal(&watcher->came);
}

void records_add(struct records *records, const struct record *record, bool last)
{
	CHECK(records, RECORDS_MAGIC);
	pthread_mutex_lock(&records->lock);
	if (last)
		ring_add(&records->last, record);
	if (is_bad(record))
		ring_add(&records->bad, record);
	for (struct watcher *watcher = records->watchers; watcher; watcher = watcher->next)
		show(watcher, record);
	pthread_mutex_unlock(&records->lock);
}

static bool is_hit(const struct record *record)
{
	return record->kind == CACHE_KIND_HIT || record->kind == CACHE_KIND_STALE_HIT;
}

bool records_find_miss(struct records *records, const char *target, struct record *ret)
{
	const struct record *record;
	bool found = false;

	CHECK(records, RECORDS_MAGIC);
	pthread_mutex_lock(&records->lock);
	for (size_t i = 0; !found && (record = ring_back(&records->last, i)); i++) {
		found = !is_hit(record) && strcmp(record->target, target) == 0;
		if (found)
			*ret = *record;
	}
	pthread_mutex_unlock(&records->lock);
	return found;
}

size_t records_bad(struct records *records, struct record *ret, size_t max)
{
	const struct record *record;
	size_t count = 0;

	CHECK(records, RECORDS_MAGIC);
	pthread_mutex_lock(&records->lock);
	while (count < max && (record = ring_back(&records->bad, count)))
		ret[count++] = *record;
	pthread_mutex_unlock(&records->lock);
	return count;
}

struct watcher *watcher_new(struct records *records)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));
	pthread_condattr_t attributes;

	CHECK(records, RECORDS_MAGIC);
	if (!watcher || !ring_init(&watcher->ring, WATCHER_ROOM)) {
		free(watcher);
		return NULL;
	}
	watcher->records = records;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watcher->came, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_lock(&records->lock);
	watcher->next = records->watchers;
	records->watchers = watcher;
	pthread_mutex_unlock(&records->lock);
	atomic_fetch_add(&records->watched, 1);
	return watcher;
}

void watcher_free(struct watcher *watcher)
{
	struct records *records = watcher->records;
	struct watcher **at = &records->watchers;

	atomic_fetch_sub(&records->watched, 1);
	pthread_mutex_lock(&records->lock);
	while (*at != watcher)
		at = &(*at)->next;
	*at = watcher->next;
	pthread_mutex_unlock(&records->lock);
	pthread_cond_destroy(&watcher->came);
	free(watcher->ring.items);
	free(watcher);
}

bool watcher_next(struct watcher *watcher, int64_t timeout_ms, struct record *ret, uint64_t *ret_lost)
{
	struct records *records = watcher->records;
	struct timespec end;
	bool came;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += timeout_ms % 1000 * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&records->lock);
	while (watcher->taken == watcher->ring.count && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&watcher->came, &records->lock, &end);
	came = watcher->taken < watcher->ring.count;
	if (came)
		*ret = watcher->ring.items[watcher->taken++ % watcher->ring.room];
	*ret_lost = watcher->lost;
	pthread_mutex_unlock(&records->lock);
	return came;
}
