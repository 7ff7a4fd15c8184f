/*
 * One fetch from Redmine: a job, and what becomes of the bytes of its answer:
 * collected to be kept and shared, or passed on as they come.
 *
 * A fetch for a flight belongs to the flight, not to the client that caused
 * it: it goes on when that client leaves. A fetch that passes belongs to its one request.
 */
#ifndef FLOW_FETCH_H
#define FLOW_FETCH_H

#include "flow/flight.h"
#include "flow/flow.h"

/*
 * Asks Redmine for a flight. r: the leader, whose fields are sent; its reference is taken anew. When it ends the flight is landed and
 * every waiter has an answer, or is sent on alone (STEP_PASS).
 */
void fetch_for_flight(struct request *r, struct flight *flight);

/*
 * Asks Redmine for this request only: reads that are not shared, and writes (write: write_begin was called, the fetch
 * calls the rest of flow/write.h). may_keep: what comes may be kept for others.
 */
void fetch_for_request(struct request *r, bool write);

#endif
