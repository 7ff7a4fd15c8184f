/*
 * Pages fetched before a client asks that reads one after the other. What it
 * gets is what it would have got: the pages go the way of its own requests
 * into the cache, with its own fields, one rank below those who wait.
 */
#ifndef COLLECT_READ_AHEAD_H
#define COLLECT_READ_AHEAD_H

#include "collect/collect.h"

/* A read is classified: notes in it whose walk it may belong to. Before it is looked up; its client waits from now on. */
void read_ahead_begin(struct collect *collect, struct request *r);
/* A request with a walk has its answer. Any thread. */
void read_ahead_end(struct collect *collect, const struct request *r);

/* A request was set going; it may be over already. Fetches what lies ahead of it. The thread that called flow_start(). */
void read_ahead(struct collect *collect, const struct request *r);

#endif
