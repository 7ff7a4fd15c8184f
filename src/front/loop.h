/*
 * One event thread: its share of the listeners, its connections, and what only
 * it touches. Inside the front only.
 *
 * libmicrohttpd 0.9.75 hangs when it waits in epoll itself and a multiple of
 * 128 sockets become ready at once; so the thread polls libmicrohttpd's epoll
 * descriptors from outside and calls MHD_run().
 */
#ifndef FRONT_LOOP_H
#define FRONT_LOOP_H

#include "front/front.h"
#include "front/listener.h"
#include "front/prepared.h"
#include "front/records.h"
#include "front/tally.h"

#include <microhttpd.h>

struct loop;
struct visit;

/* One open connection. Its loop's thread only. */
struct guest {
	struct loop *loop;
	const struct listener *listener;
	int fd;
	struct request_door door;
	char client[48];    /* numeric address, or "unix" */
	bool refused;       /* beyond the limit: gets a 503 */
	bool judged;        /* by TLS: whether it has proved itself was looked at */
	bool unproved;      /* by TLS: it has not: gets a 403 */
	bool busy;          /* between the request line and the end of the answer */
	int64_t since_us;   /* busy: when its request line came; else when it became idle */
	bool receiving;     /* busy: its body is not complete */
	bool head_complete; /* busy: the handler was called */
	struct guest *next, *previous;
};

struct loop_daemon {
	struct loop *loop;
	const struct listener *listener;
	struct MHD_Daemon *mhd;
	int epoll;
};

struct loop {
	unsigned magic;
#define LOOP_MAGIC 0x10090000
	struct front *front;
	struct conf *conf; /* the settings in force on this thread; one reference */
	struct loop_daemon daemons[LISTENERS_MAX];
	size_t count;
	int event;         /* eventfd: something was resumed, settings changed, or it is to end */
	atomic_bool poked; /* the eventfd was written and the thread has not seen it yet */
	pthread_t thread;
	bool started;
	atomic_uint conf_taken; /* the serial of conf */
	struct prepared *prepared;
	struct guest *guests;
	_Atomic(struct visit *) told; /* those that have interim answers for their clients (front/interim.h) */
	int64_t swept_us;
	int64_t wall_ms;         /* of this turn */
	atomic_llong stirred_us; /* when a connection came or an answer ended last; written by this thread */
	atomic_bool closed;      /* it accepts no connections any more */
	atomic_bool beat_asked;  /* until its next turn, see front_beat() */

	/* Written by this thread, read by any. */
	atomic_ullong requests, prepared_hits, bytes;
	struct tally *tally;
};

struct front {
	unsigned magic;
#define FRONT_MAGIC 0xf4047000
	struct flow *flow;
	struct listeners listeners;
	struct loop *loops;
	unsigned loop_count;
	pthread_mutex_t lock; /* guards conf */
	struct conf *conf;    /* the newest settings */
	bool tls;             /* some listener needs a certificate */
	char *client_ca;      /* PEM, for libmicrohttpd; NULL: clients need no certificate */
	atomic_uint conf_serial;
	atomic_bool draining, ending;
	atomic_int active;      /* requests under way */
	atomic_int connections; /* open */
	atomic_ullong refused;
	int64_t started_ms; /* wall clock */
	struct records *records;
};

/* Makes the daemons of one thread on their listeners. 0 or a negative errno. */
int loop_init(struct loop *loop, struct front *front, unsigned number, struct fail *fail);
int loop_start(struct loop *loop, struct fail *fail);
/* Lets the thread look at what changed. Any thread. */
void loop_poke(struct loop *loop);
/* Waits for the thread, which front->ending ends, and closes all. */
void loop_release(struct loop *loop);

#endif
