/*
 * Which keys the store may hold, without asking it: a set of the keys' first
 * 64 bits. A "no" is certain; a "maybe" may be wrong where two keys share their first 64
 * bits, while the set is not yet complete, or after a key left the store unnoticed.
 *
 * Bounded: above PRESENCE_MAX keys it gives up and says "maybe" to everything,
 * which costs a look-up in the store that a "no" would have saved.
 * Any thread; one short lock a shard.
 */
#ifndef CACHE_PRESENCE_H
#define CACHE_PRESENCE_H

#include "cache/key.h"

#define PRESENCE_SHARDS 16
#define PRESENCE_MAX    (1 << 20) /* keys; 16 MB when full */

struct presence;

/* Empty and complete: it says "no" to everything. NULL: out of memory. */
struct presence *presence_new(void);
void presence_free(struct presence *p); /* NULL is allowed */

/* Empties it. complete: the store is known to hold nothing but what is added from now on. */
void presence_reset(struct presence *p, bool complete);

/* What a look through the store found is all added: a "no" is a "no" from now on. */
void presence_complete(struct presence *p);

/* The store holds the key. Never fails: a shard that is full or gets no memory says "maybe" until presence_reset(). */
void presence_add(struct presence *p, const struct cache_key *key);

/* The store holds the key no more. Takes out whatever shares its first 64 bits. */
void presence_remove(struct presence *p, const struct cache_key *key);

/* False: the store does not hold the key. Always true while the set is not complete. */
bool presence_maybe(struct presence *p, const struct cache_key *key);

#endif
