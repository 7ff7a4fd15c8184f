/*
 * The front: listeners, event threads, clients' connections and requests, the
 * daemon's own pages. The only door to libmicrohttpd.
 */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "flow/flow.h"

struct front;

struct front_figures {
	uint64_t requests;    /* answered, whoever answered them */
	uint64_t prepared;    /* ... of these from what an event thread keeps ready */
	uint64_t connections; /* open now */
	uint64_t refused;     /* connections beyond listen.max_connections */
	uint64_t bytes;       /* of bodies sent */
};

/* Opens the listeners; a reference to conf is taken. 0 or a negative errno with fail set. */
int front_new(struct flow *flow, struct conf *conf, struct front **ret, struct fail *fail);

/* Starts the event threads: from now on requests are answered. 0 or a negative errno. */
int front_start(struct front *front, struct fail *fail);

/* Puts new settings in force for requests that come from now on. Any thread. */
void front_set_conf(struct front *front, struct conf *conf);

/* Accepts no more connections, closes kept-alive ones after their next answer, and waits until no request is under way, at most limit_ms. True: none is. */
bool front_drain(struct front *front, int64_t limit_ms);

/* Ends the threads and every connection. The engines must have stopped, so that nobody is parked any more. NULL is allowed. */
void front_free(struct front *front);

/* The last requests, and those that end while somebody watches. Borrowed, valid until front_free(). Any thread. */
struct records *front_records(struct front *front);

/* The newest settings; one reference. Any thread. */
struct conf *front_conf(struct front *front);

/* Sums over the event threads, since front_new(), and the connections of now; read one after the other. Any thread. */
void front_get_figures(struct front *front, struct front_figures *ret);

#endif
