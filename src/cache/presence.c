#include "cache/presence.h"

#include <pthread.h>
#include <stdatomic.h>

#define FIRST_ROOM 64
#define SHARD_MAX  (PRESENCE_MAX / PRESENCE_SHARDS)

/* Open addressing with linear probing, at most half full; 0 marks a free place (a key of 0 is stored as 1). */
struct shard {
	_Alignas(64) pthread_mutex_t lock;
	uint64_t *words; /* NULL while empty */
	size_t room;     /* a power of two, or 0 */
	size_t count;
	bool overflown; /* gave up: anything may be there */
};

struct presence {
	unsigned magic;
#define PRESENCE_MAGIC 0x9e5e9ce5
	atomic_bool complete;
	struct shard shards[PRESENCE_SHARDS];
};

struct presence *presence_new(void)
{
	struct presence *p = aligned_alloc(64, sizeof(*p));

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->magic = PRESENCE_MAGIC;
	atomic_init(&p->complete, true);
	for (size_t i = 0; i < PRESENCE_SHARDS; i++)
		pthread_mutex_init(&p->shards[i].lock, NULL);
	return p;
}

static void shard_empty(struct shard *shard)
{
	free(shard->words);
	shard->words = NULL;
	shard->room = 0;
	shard->count = 0;
	shard->overflown = false;
}

void presence_free(struct presence *p)
{
	if (!p)
		return;
	CHECK(p, PRESENCE_MAGIC);
	for (size_t i = 0; i < PRESENCE_SHARDS; i++) {
		shard_empty(&p->shards[i]);
		pthread_mutex_destroy(&p->shards[i].lock);
	}
	p->magic = 0;
	free(p);
}

void presence_reset(struct presence *p, bool complete)
{
	CHECK(p, PRESENCE_MAGIC);
	if (!complete)
		atomic_store(&p->complete, false);
	for (size_t i = 0; i < PRESENCE_SHARDS; i++) {
		pthread_mutex_lock(&p->shards[i].lock);
		shard_empty(&p->shards[i]);
		pthread_mutex_unlock(&p->shards[i].lock);
	}
	if (complete)
		atomic_store(&p->complete, true);
}

void presence_complete(struct presence *p)
{
	CHECK(p, PRESENCE_MAGIC);
	atomic_store(&p->complete, true);
}

static uint64_t word_of(const struct cache_key *key)
{
	uint64_t word = cache_key_hash(key);

	return word ? word : 1;
}

static struct shard *shard_of(struct presence *p, uint64_t word)
{
	return &p->shards[word >> 60 & (PRESENCE_SHARDS - 1)];
}

/* The place of the word, or the free one where it belongs. There is room. */
static size_t place_of(const uint64_t *words, size_t room, uint64_t word)
{
	size_t at = word & (room - 1);

	while (words[at] && words[at] != word)
		at = (at + 1) & (room - 1);
	return at;
}

static bool shard_grow(struct shard *shard)
{
	size_t room = shard->room ? shard->room * 2 : FIRST_ROOM;
	uint64_t *words;

	if (shard->count * 2 < shard->room)
		return true;
	words = shard->count < SHARD_MAX ? calloc(room, sizeof(*words)) : NULL;
	if (!words)
		return false;
	for (size_t i = 0; i < shard->room; i++)
		if (shard->words[i])
			words[place_of(words, room, shard->words[i])] = shard->words[i];
	free(shard->words);
	shard->words = words;
	shard->room = room;
	return true;
}

void presence_add(struct presence *p, const struct cache_key *key)
{
	uint64_t word = word_of(key);
	struct shard *shard = shard_of(p, word);

	CHECK(p, PRESENCE_MAGIC);
	pthread_mutex_lock(&shard->lock);
	if (!shard->overflown && !shard_grow(shard)) {
		shard_empty(shard);
		shard->overflown = true;
	}
	if (!shard->overflown) {
		size_t at = place_of(shard->words, shard->room, word);

		shard->count += shard->words[at] == 0;
		shard->words[at] = word;
	}
	pthread_mutex_unlock(&shard->lock);
}

/* Frees a place and moves up what had to step over it. */
static void shard_remove_at(struct shard *shard, size_t hole)
{
	size_t mask = shard->room - 1;

	for (size_t at = (hole + 1) & mask; shard->words[at]; at = (at + 1) & mask) {
		size_t home = shard->words[at] & mask;

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			shard->words[hole] = shard->words[at];
			hole = at;
		}
	}
	shard->words[hole] = 0;
	shard->count--;
}

void presence_remove(struct presence *p, const struct cache_key *key)
{
	uint64_t word = word_of(key);
	struct shard *shard = shard_of(p, word);

	CHECK(p, PRESENCE_MAGIC);
	pthread_mutex_lock(&shard->lock);
	if (shard->room > 0) {
		size_t at = place_of(shard->words, shard->room, word);

		if (shard->words[at])
			shard_remove_at(shard, at);
	}
	pthread_mutex_unlock(&shard->lock);
}

bool presence_maybe(struct presence *p, const struct cache_key *key)
{
	uint64_t word = word_of(key);
	struct shard *shard = shard_of(p, word);
	bool maybe;

	CHECK(p, PRESENCE_MAGIC);
	if (!atomic_load_explicit(&p->complete, memory_order_acquire))
		return true;
	pthread_mutex_lock(&shard->lock);
	maybe = shard->overflown ||
	        (shard->room > 0 && shard->words[place_of(shard->words, shard->room, word)] == word);
	pthread_mutex_unlock(&shard->lock);
	return maybe;
}
