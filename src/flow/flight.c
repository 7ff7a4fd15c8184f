#include "flow/flight.h"

#include <pthread.h>

#define SHARDS  64
#define BUCKETS 64
#define PARTED  1024

struct flight {
	unsigned magic;
#define FLIGHT_MAGIC 0xf1194700
	struct cache_key key;
	struct tag_notes notes;
	uint64_t begun; /* writes on these when it left */
	struct request *first, *last;
	struct flight *next; /* in its bucket */
	bool boarding;       /* still in the table */
	bool slow;           /* its leader is a REFRESH_SLOW */
	enum job_rank rank;  /* of those who wait for it the highest */
	struct job *job;     /* that fetches it; NULL: not yet */
};

struct shard {
	pthread_mutex_t lock;
	struct flight *buckets[BUCKETS];
};

struct flights {
	const struct generations *generations;
	struct shard shards[SHARDS];
	_Atomic uint64_t parted[PARTED]; /* first words of keys */
};

struct flights *flights_new(const struct generations *generations)
{
	struct flights *flights = calloc(1, sizeof(*flights));

	if (!flights)
		return NULL;
	flights->generations = generations;
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&flights->shards[i].lock, NULL);
	return flights;
}

void flights_free(struct flights *flights)
{
	if (!flights)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		for (size_t j = 0; j < BUCKETS; j++)
			ASSERT(!flights->shards[i].buckets[j]);
		pthread_mutex_destroy(&flights->shards[i].lock);
	}
	free(flights);
}

static struct shard *shard_of(struct flights *flights, const struct cache_key *key)
{
	return &flights->shards[cache_key_hash(key) % SHARDS];
}

static struct flight **bucket_of(struct shard *shard, const struct cache_key *key)
{
	return &shard->buckets[cache_key_hash(key) / SHARDS % BUCKETS];
}

/* Where the pointer to the flight of that key is, or to NULL at the end of its bucket. */
static struct flight **find(struct shard *shard, const struct cache_key *key)
{
	struct flight **at = bucket_of(shard, key);

	while (*at && !cache_key_equal(&(*at)->key, key))
		at = &(*at)->next;
	return at;
}

static void unlink_at(struct flight **at)
{
	struct flight *flight = *at;

	*at = flight->next;
	flight->next = NULL;
	flight->boarding = false;
}

static void board(struct flight *flight, struct request *r)
{
	r->next_waiter = NULL;
	request_ref(r);
	if (flight->last)
		flight->last->next_waiter = r;
	else
		flight->first = r;
	flight->last = r;
}

static struct flight *make(struct flights *flights, struct shard *shard, struct request *r, const struct tags *tags)
{
	struct flight *flight = calloc(1, sizeof(*flight));
	struct flight **bucket = bucket_of(shard, &r->key);

	if (!flight)
		return NULL;
	*flight = (struct flight){.magic = FLIGHT_MAGIC, .key = r->key, .next = *bucket, .boarding = true};
	flight->slow = r->refresh == REFRESH_SLOW;
	flight->rank = r->rank;
	generations_note(flights->generations, tags->items, tags->count, &flight->notes);
	flight->begun = generations_begun(flights->generations, &flight->notes);
	*bucket = flight;
	return flight;
}

/* A write on its tags has begun, or ended, since it left: what it brings may be from before. */
static bool is_spoilt(const struct flights *flights, const struct flight *flight)
{
	return generations_begun(flights->generations, &flight->notes) != flight->begun ||
	       !generations_intact(flights->generations, &flight->notes);
}

/* True when a request would not wait as long as the flight may take: with "Prefer: wait" behind one that waits longer. */
static bool gives_up_sooner(const struct request *r, const struct request *leader)
{
	int64_t limit_ms = r->preferences.wait_ms, leader_ms = leader->preferences.wait_ms;

	return limit_ms > 0 && (leader_ms == 0 || leader_ms > limit_ms);
}

/* Whoever waits for it is not served later for not having asked first. */
static void hasten(struct flight *flight, enum job_rank rank)
{
	if (rank >= flight->rank)
		return;
	flight->rank = rank;
	if (flight->job)
		job_hasten(flight->job, rank);
}

enum flight_role flight_join(struct flights *flights, struct request *r, const struct tags *tags, struct flight **ret)
{
	struct shard *shard = shard_of(flights, &r->key);
	enum flight_role role = FLIGHT_WAIT;
	struct flight **at, *flight;

	pthread_mutex_lock(&shard->lock);
	at = find(shard, &r->key);
	if (*at && is_spoilt(flights, *at))
		unlink_at(at);
	flight = *find(shard, &r->key);
	if (!flight) {
		flight = make(flights, shard, r, tags);
		role = flight ? FLIGHT_LEAD : FLIGHT_ALONE;
	} else if (gives_up_sooner(r, flight->first)) {
		role = FLIGHT_ALONE;
	} else {
		hasten(flight, r->rank);
	}
	if (role != FLIGHT_ALONE)
		board(flight, r);
	pthread_mutex_unlock(&shard->lock);
	if (role == FLIGHT_LEAD)
		*ret = flight;
	return role;
}

bool flights_under_way(struct flights *flights, const struct cache_key *key, bool *ret_slow)
{
	struct shard *shard = shard_of(flights, key);
	struct flight *flight;

	pthread_mutex_lock(&shard->lock);
	flight = *find(shard, key);
	*ret_slow = flight && flight->slow;
	pthread_mutex_unlock(&shard->lock);
	return flight != NULL;
}

void flight_carry(struct flights *flights, struct flight *flight, struct job *job)
{
	struct shard *shard = shard_of(flights, &flight->key);

	CHECK(flight, FLIGHT_MAGIC);
	pthread_mutex_lock(&shard->lock);
	flight->job = job;
	job_hasten(job, flight->rank);
	pthread_mutex_unlock(&shard->lock);
}

const struct tag_notes *flight_notes(const struct flight *flight)
{
	CHECK(flight, FLIGHT_MAGIC);
	return &flight->notes;
}

struct request **flight_waiters(struct flights *flights, struct flight *flight, size_t *ret_count)
{
	struct shard *shard = shard_of(flights, &flight->key);
	struct request **waiters;
	size_t count = 0;

	CHECK(flight, FLIGHT_MAGIC);
	pthread_mutex_lock(&shard->lock);
	for (struct request *r = flight->first; r; r = r->next_waiter)
		count++;
	waiters = malloc(count * sizeof(*waiters));
	*ret_count = 0;
	for (struct request *r = flight->first; r && waiters; r = r->next_waiter)
		waiters[(*ret_count)++] = request_ref(r);
	pthread_mutex_unlock(&shard->lock);
	return waiters;
}

struct request *flight_land(struct flights *flights, struct flight *flight)
{
	struct shard *shard = shard_of(flights, &flight->key);
	struct request *first;

	CHECK(flight, FLIGHT_MAGIC);
	pthread_mutex_lock(&shard->lock);
	if (flight->boarding) {
		struct flight **at = bucket_of(shard, &flight->key);

		while (*at != flight)
			at = &(*at)->next;
		unlink_at(at);
	}
	first = flight->first;
	pthread_mutex_unlock(&shard->lock);
	flight->magic = 0;
	free(flight);
	return first;
}

static _Atomic uint64_t *parted_slot(struct flights *flights, const struct cache_key *key)
{
	return &flights->parted[cache_key_hash(key) / SHARDS % PARTED];
}

void flights_part(struct flights *flights, const struct cache_key *key)
{
	atomic_store_explicit(parted_slot(flights, key), cache_key_hash(key), memory_order_relaxed);
}

void flights_unite(struct flights *flights, const struct cache_key *key)
{
	uint64_t word = cache_key_hash(key);

	atomic_compare_exchange_strong(parted_slot(flights, key), &word, 0);
}

bool flights_parted(const struct flights *flights, const struct cache_key *key)
{
	return atomic_load_explicit(parted_slot((struct flights *)flights, key), memory_order_relaxed) ==
	       cache_key_hash(key);
}
