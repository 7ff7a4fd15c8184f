/*
 * The front: listeners, event threads, clients' connections and requests, the
 * daemon's own pages. The only door to libmicrohttpd.
 */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "flow/flow.h"
#include "front/listener.h"

struct front;

struct front_figures {
	uint64_t requests;    /* answered, whoever answered them */
	uint64_t prepared;    /* ... of these from what an event thread keeps ready */
	uint64_t connections; /* open now */
	uint64_t refused;     /* connections beyond listen.max_connections */
	uint64_t bytes;       /* of bodies sent */
};

/*
 * Opens the listeners of conf, or takes those of the service manager where there are any (given: borrowed for the call, may be NULL);
 * a reference to conf is taken. 0 or a negative errno with fail set.
 */
int front_new(
        struct flow *flow, struct conf *conf, const struct given_sockets *given, struct front **ret, struct fail *fail);

/* Starts the event threads: from now on requests are answered. 0 or a negative errno. */
int front_start(struct front *front, struct fail *fail);

/* Reads the certificate for TLS anew, if there is such a listener, for connections that come from now on. 0; else nothing has changed. Main thread. */
int front_load_certificate(struct front *front, const struct conf *conf, struct fail *fail);

/*
 * Puts new settings in force: requests that come after the call are served by them. Waits until each event thread has
 * taken them, some ms, for two seconds at most. Any thread but those.
 */
void front_set_conf(struct front *front, struct conf *conf);

/*
 * The beat of the event threads, for a watchdog: true when each of them has gone round since the last call (true for
 * the first), and asks them to do so again. One thread at a time.
 */
bool front_beat(struct front *front);

/* Appends where clients can connect: "127.0.0.1:7336, unix:/run/redmine-cached.sock". 0 or a buffer error. Any thread. */
int front_print_addresses(const struct front *front, struct buf *out) MUST_CHECK;

/* Accepts no more connections, closes kept-alive ones after their next answer, and waits until no request is
 * under way and none has just been answered, at most limit_ms. True: none is. */
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
