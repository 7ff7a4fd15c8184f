#include "cache/pending.h"

#include <pthread.h>
#include <stdatomic.h>

#define BUCKETS    4096
#define SLOT_WORDS (GENERATION_SLOTS / 64)

struct pending {
	unsigned magic;
#define PENDING_MAGIC 0x9e4d1465
	pthread_mutex_t lock;
	uint64_t bytes_max, batch_bytes;

	struct pending_item *buckets[BUCKETS];
	struct pending_item *newest, *oldest;
	size_t puts, drops;
	uint64_t bytes; /* of the puts */

	uint64_t slots[SLOT_WORDS]; /* a bit for each that rose */
	size_t slot_count;
	bool clear, lost;
	struct pending_waiter *waiters, **waiters_end;

	struct pending_batch *taken; /* being written, NULL: none */
	atomic_uint_fast64_t count;  /* for those who only ask how much there is */
	atomic_bool urgent;
};

struct pending *pending_new(uint64_t bytes_max)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->magic = PENDING_MAGIC;
	pthread_mutex_init(&p->lock, NULL);
	p->bytes_max = bytes_max;
	p->batch_bytes = bytes_max / 2 < PENDING_BATCH_BYTES ? bytes_max / 2 : PENDING_BATCH_BYTES;
	p->waiters_end = &p->waiters;
	return p;
}

static void item_free(struct pending_item *item)
{
	entry_unref(item->entry);
	free(item);
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	CHECK(p, PENDING_MAGIC);
	ASSERT(!p->taken && !p->waiters);
	while (p->oldest) {
		struct pending_item *item = p->oldest;

		p->oldest = item->newer;
		item_free(item);
	}
	pthread_mutex_destroy(&p->lock);
	p->magic = 0;
	free(p);
}

static struct pending_item **find(struct pending *p, const struct cache_key *key)
{
	struct pending_item **at = &p->buckets[cache_key_hash(key) % BUCKETS];

	while (*at && !cache_key_equal(&(*at)->key, key))
		at = &(*at)->chain;
	return at;
}

/* Adds what an item counts for, or takes it off again. */
static void count_item(struct pending *p, const struct pending_item *item, int sign)
{
	if (item->entry) {
		p->puts += (size_t)sign;
		p->bytes += (uint64_t)sign * entry_cost(item->entry);
	} else {
		p->drops += (size_t)sign;
	}
}

static void list_add(struct pending *p, struct pending_item *item)
{
	item->newer = NULL;
	item->older = p->newest;
	if (p->newest)
		p->newest->newer = item;
	else
		p->oldest = item;
	p->newest = item;
}

/* Takes an item out of the table, the list and the counts; it is the caller's. */
static struct pending_item *detach(struct pending *p, struct pending_item **at)
{
	struct pending_item *item = *at;

	*at = item->chain;
	if (item->newer)
		item->newer->older = item->older;
	else
		p->newest = item->older;
	if (item->older)
		item->older->newer = item->newer;
	else
		p->oldest = item->newer;
	count_item(p, item, -1);
	return item;
}

/* After every change, under the lock. */
static void publish_counts(struct pending *p)
{
	atomic_store(&p->count, p->puts + p->drops + p->slot_count + p->clear);
	atomic_store(&p->urgent, p->drops > 0 || p->slot_count > 0 || p->clear || p->lost || p->waiters ||
	                                 p->puts >= PENDING_BATCH_COUNT || p->bytes >= p->batch_bytes);
}

/* Makes the key's one item say this entry (a reference is taken), or drop. False: out of memory. */
static bool set_item(struct pending *p, const struct cache_key *key, struct entry *entry)
{
	struct pending_item **at = find(p, key);
	struct pending_item *item = *at ? detach(p, at) : calloc(1, sizeof(*item));

	if (!item)
		return false;
	entry_unref(item->entry);
	item->key = *key;
	item->entry = entry ? entry_ref(entry) : NULL;
	at = &p->buckets[cache_key_hash(key) % BUCKETS];
	item->chain = *at;
	*at = item;
	list_add(p, item);
	count_item(p, item, 1);
	return true;
}

static void clear_items(struct pending *p)
{
	while (p->oldest)
		item_free(detach(p, find(p, &p->oldest->key)));
	p->clear = true;
}

static void set_drop(struct pending *p, const struct cache_key *key)
{
	if (p->drops >= PENDING_DROPS_MAX || !set_item(p, key, NULL))
		clear_items(p);
}

bool pending_put(struct pending *p, struct entry *entry)
{
	uint64_t cost = entry_cost(entry);
	bool taken;

	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	taken = p->puts < PENDING_PUTS_MAX && (p->puts == 0 || p->bytes + cost <= p->bytes_max) &&
	        set_item(p, &entry->key, entry);
	if (!taken && *find(p, &entry->key))
		set_drop(p, &entry->key);
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
	return taken;
}

void pending_drop(struct pending *p, const struct cache_key *key)
{
	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	set_drop(p, key);
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
}

void pending_clear(struct pending *p)
{
	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	clear_items(p);
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
}

static void mark_slot(struct pending *p, uint32_t slot)
{
	uint64_t bit = UINT64_C(1) << (slot % 64);

	p->slot_count += !(p->slots[slot / 64] & bit);
	p->slots[slot / 64] |= bit;
}

/* Hands the waiter over, or notes that there was no memory for it. */
static void add_waiter(struct pending *p, struct pending_waiter *waiter, pending_noted *noted, void *arg)
{
	if (waiter) {
		*waiter = (struct pending_waiter){.noted = noted, .arg = arg};
		*p->waiters_end = waiter;
		p->waiters_end = &waiter->next;
	} else if (noted) {
		p->lost = true;
	}
}

bool pending_raise(struct pending *p, const uint64_t *tags, size_t count, pending_noted *noted, void *arg)
{
	struct pending_waiter *waiter = noted ? malloc(sizeof(*waiter)) : NULL;

	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < count; i++)
		mark_slot(p, generations_slot(tags[i]));
	add_waiter(p, waiter, noted, arg);
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
	return waiter || !noted;
}

bool pending_raise_all(struct pending *p, const struct generations *g, pending_noted *noted, void *arg)
{
	struct pending_waiter *waiter = malloc(sizeof(*waiter));

	CHECK(p, PENDING_MAGIC);
	if (!waiter)
		return false;
	pthread_mutex_lock(&p->lock);
	for (uint32_t slot = 0; slot < GENERATION_SLOTS; slot++)
		if (generations_get(g, slot) > 0)
			mark_slot(p, slot);
	add_waiter(p, waiter, noted, arg);
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
	return true;
}

static enum pending_seen seen(struct pending_item *item, struct entry **ret_entry)
{
	if (!item->entry)
		return PENDING_GONE;
	*ret_entry = entry_ref(item->entry);
	return PENDING_ENTRY;
}

static enum pending_seen look(struct pending *p, const struct cache_key *key, struct entry **ret_entry)
{
	struct pending_item *item = *find(p, key);

	if (item)
		return seen(item, ret_entry);
	if (p->clear)
		return PENDING_GONE;
	if (!p->taken)
		return PENDING_UNKNOWN;
	for (size_t i = 0; i < p->taken->item_count; i++)
		if (cache_key_equal(&p->taken->items[i]->key, key))
			return seen(p->taken->items[i], ret_entry);
	return p->taken->clear ? PENDING_GONE : PENDING_UNKNOWN;
}

enum pending_seen pending_look(struct pending *p, const struct cache_key *key, struct entry **ret_entry)
{
	enum pending_seen answer;

	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	answer = look(p, key, ret_entry);
	pthread_mutex_unlock(&p->lock);
	return answer;
}

uint64_t pending_count(struct pending *p)
{
	CHECK(p, PENDING_MAGIC);
	return atomic_load(&p->count);
}

bool pending_urgent(struct pending *p)
{
	CHECK(p, PENDING_MAGIC);
	return atomic_load(&p->urgent);
}

static void take_slots(struct pending *p, struct pending_batch *batch)
{
	if (p->slot_count == 0)
		return;
	batch->slots = malloc(p->slot_count * sizeof(*batch->slots));
	if (!batch->slots)
		batch->lost = true;
	for (size_t i = 0; i < SLOT_WORDS; i++) {
		for (uint64_t bits = p->slots[i]; batch->slots && bits; bits &= bits - 1)
			batch->slots[batch->slot_count++] = (uint32_t)(i * 64 + (size_t)__builtin_ctzll(bits));
		p->slots[i] = 0;
	}
	p->slot_count = 0;
}

static void take_items(struct pending *p, struct pending_batch *batch)
{
	bool urgent = batch->slot_count > 0 || batch->waiters;
	size_t most = urgent ? PENDING_URGENT_COUNT : PENDING_BATCH_COUNT;
	uint64_t bytes = 0, bytes_most = urgent ? PENDING_URGENT_BYTES : PENDING_BATCH_BYTES;

	while (p->oldest && batch->item_count < most && bytes < bytes_most) {
		struct pending_item *item = detach(p, find(p, &p->oldest->key));

		bytes += item->entry ? entry_cost(item->entry) : 0;
		batch->items[batch->item_count++] = item;
	}
}

bool pending_take(struct pending *p, struct pending_batch *batch)
{
	bool any;

	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	ASSERT(!p->taken);
	*batch = (struct pending_batch){.clear = p->clear, .lost = p->lost, .waiters = p->waiters};
	take_slots(p, batch);
	take_items(p, batch);
	p->clear = false;
	p->lost = false;
	p->waiters = NULL;
	p->waiters_end = &p->waiters;
	any = batch->clear || batch->lost || batch->waiters || batch->slot_count > 0 || batch->item_count > 0;
	p->taken = any ? batch : NULL;
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
	return any;
}

void pending_done(struct pending *p, struct pending_batch *batch)
{
	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	ASSERT(p->taken == batch);
	p->taken = NULL;
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < batch->item_count; i++)
		item_free(batch->items[i]);
	free(batch->slots);
	batch->item_count = 0;
	batch->slots = NULL;
	batch->slot_count = 0;
}

uint64_t pending_forget_puts(struct pending *p)
{
	uint64_t forgotten = 0;

	CHECK(p, PENDING_MAGIC);
	pthread_mutex_lock(&p->lock);
	for (struct pending_item *item = p->oldest, *newer; item; item = newer) {
		newer = item->newer;
		if (item->entry) {
			item_free(detach(p, find(p, &item->key)));
			forgotten++;
		}
	}
	publish_counts(p);
	pthread_mutex_unlock(&p->lock);
	return forgotten;
}
