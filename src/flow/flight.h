/*
 * One upstream fetch for any number of equal reads at a time. Requests with the
 * same key wait on one flight; whoever makes it leads it, and lands it with
 * what became of the fetch, whatever became of the leader's client.
 */
#ifndef FLOW_FLIGHT_H
#define FLOW_FLIGHT_H

#include "cache/generations.h"
#include "cache/key.h"
#include "flow/request.h"

struct flights;
struct flight;

enum flight_role {
	FLIGHT_LEAD,  /* nobody is fetching: the caller starts the fetch and ends with flight_land() */
	FLIGHT_WAIT,  /* the request waits and is handed back by the flight_land() of another */
	FLIGHT_ALONE, /* out of memory: fetch for this request only */
};

struct flights *flights_new(const struct generations *generations); /* NULL: out of memory */
void flights_free(struct flights *flights);                         /* none may be in the air */

/*
 * Becomes the fetch for r->key or waits for it. r waits on the flight in both
 * cases and must be parked already. tags: what the read depends on; noted here, before Redmine is asked. A flight whose tags were
 * spoilt since it left is not joined: its answer may be from before a write
 * that was answered already. Any thread. LEAD: the flight in *ret.
 */
enum flight_role flight_join(struct flights *flights, struct request *r, const struct tags *tags, struct flight **ret);

/* True while a flight of that key can be joined. *ret_slow: it fetches what Redmine was too slow for before. Any thread. */
bool flights_under_way(struct flights *flights, const struct cache_key *key, bool *ret_slow);

/*
 * Which job fetches it, before that is submitted: it gets the highest rank of those who wait, also of those who join
 * later. The job lasts until the flight has landed. Any thread, once.
 */
void flight_carry(struct flights *flights, struct flight *flight, struct job *job);

/* The generations noted when the flight left. */
const struct tag_notes *flight_notes(const struct flight *flight);

/*
 * Those who wait for it now, the leader's own request first, each with a reference, in an array that is the caller's; *ret_count
 * is 0 when memory is out. Only where it cannot land meanwhile: in a callback of its job.
 */
struct request **flight_waiters(struct flights *flights, struct flight *flight, size_t *ret_count);

/*
 * Ends the flight: nobody joins it any more. Returns those who waited, the leader's own request first, linked by
 * next_waiter, each with the reference that flight_join took. Any thread, once.
 */
struct request *flight_land(struct flights *flights, struct flight *flight);

/*
 * Remembers, for a while, that answers under this key could not be shared, so that the next requests do not
 * wait for each other in vain; and forgets it. A small table: what collides is forgotten. Any thread.
 */
void flights_part(struct flights *flights, const struct cache_key *key);
void flights_unite(struct flights *flights, const struct cache_key *key);
bool flights_parted(const struct flights *flights, const struct cache_key *key);

#endif
