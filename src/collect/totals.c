#include "collect/totals.h"

#include <string.h>

void totals_init(struct totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	pthread_mutex_init(&totals->lock, NULL);
}

void totals_release(struct totals *totals)
{
	pthread_mutex_destroy(&totals->lock);
}

/* Keys are digests: any of their bytes are as good as a hash. */
static uint64_t name_of(const struct cache_key *key)
{
	uint64_t name;

	_Static_assert(
	        sizeof(key->bytes) >= sizeof(name), "a key is long enough to be told from others by its beginning");
	memcpy(&name, key->bytes, sizeof(name));
	return name ? name : 1;
}

void totals_note(struct totals *totals, const struct cache_key *key, int64_t rows)
{
	uint64_t name = name_of(key);

	pthread_mutex_lock(&totals->lock);
	totals->items[name % TOTALS].name = name;
	totals->items[name % TOTALS].rows = rows;
	pthread_mutex_unlock(&totals->lock);
}

int64_t totals_find(struct totals *totals, const struct cache_key *key)
{
	uint64_t name = name_of(key);
	int64_t rows = -1;

	pthread_mutex_lock(&totals->lock);
	if (totals->items[name % TOTALS].name == name)
		rows = totals->items[name % TOTALS].rows;
	pthread_mutex_unlock(&totals->lock);
	return rows;
}
