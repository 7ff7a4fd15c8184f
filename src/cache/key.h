/*
 * The name of a stored answer: a keyed digest over everything that Redmine's
 * answer can depend on. Equal keys mean that one answer serves both requests.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/digest.h"

#include <stdbool.h>
#include <string.h>

struct cache_key {
	uint8_t bytes[DIGEST_SIZE];
};

/* All bytes count. Not in constant time. */
static inline bool cache_key_equal(const struct cache_key *a, const struct cache_key *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* A key is a digest already, so any of its words spreads well. */
static inline uint64_t cache_key_hash(const struct cache_key *key)
{
	uint64_t word;

	memcpy(&word, key->bytes, sizeof(word));
	return word;
}

#endif
