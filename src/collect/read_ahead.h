/*
 * Pages fetched before a client asks that reads one after the other. What it
 * gets is what it would have got: the pages go the way of its own requests
 * into the cache, with its own fields, one rank below those who wait.
 */
#ifndef COLLECT_READ_AHEAD_H
#define COLLECT_READ_AHEAD_H

#include "collect/collect.h"

/* A request was set going; it may be over already. Fetches what lies ahead of it. The thread that called flow_start(). */
void read_ahead(struct collect *collect, const struct request *r);

#endif
