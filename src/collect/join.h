/*
 * One list, joined from its pages while they come: asked for side by side,
 * given out in order as bytes, the first as soon as the first page is there.
 *
 * In memory there are as many pages as are asked for side by side, and what is kept: a whole answer up to
 * cache.object_limit is put into the cache when it is complete, with an ETag. HEAD, If-None-Match and inner requests are
 * answered from that whole; where it does not fit HEAD gets its length and a condition does not hold.
 *
 * A page that fails is asked for again, then the answer is cut, so that no client takes it for whole.
 */
#ifndef COLLECT_JOIN_H
#define COLLECT_JOIN_H

#include "collect/collect.h"
#include "collect/wish.h"

/*
 * Answers r, which is parked: flow_resume(r, STEP_DELIVER) follows, now or on another thread. Any thread.
 */
void join_start(struct collect *collect, struct request *r, const struct wish *wish);

#endif
