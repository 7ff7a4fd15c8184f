/*
 * The service manager: the sockets that it gives, and what it is told of
 * readiness, state and life. The only door to libsystemd. The main thread's.
 *
 * sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3).
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "front/front.h"

struct service {
	struct given_sockets given;
	int64_t tick_ms;  /* between two calls of service_tick() */
	bool watched;     /* a watchdog waits for a sign of life */
	char status[160]; /* as told last */
};

/* Takes what was given in the environment, and out of it. Before any fork or thread. 0; -E2BIG, -EINVAL. */
int service_init(struct service *s, struct fail *fail);

/* Closes the sockets that were given; their queues stay with the service manager. */
void service_release(struct service *s);

/* From now on requests are answered. */
void service_ready(struct service *s, struct front *front, struct flow *flow);
/* New settings are being read; service_ready() says that they are in force. */
void service_reloading(void);
void service_stopping(void);

/*
 * Tells what changed in the state, and feeds the watchdog if every event thread has gone round since the last tick.
 * Call each tick_ms.
 */
void service_tick(struct service *s, struct front *front, struct flow *flow);

#endif
