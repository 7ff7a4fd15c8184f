/*
 * The connections that a session keeps, and which of them no exchange uses at
 * the moment. Whatever arrives on one of those is not an answer to anything (a
 * server's parting 408, its FIN), and libcurl 7.88 would take it for the answer
 * to the next request. So it is thrown away and the connection ended before it
 * can be used again.
 *
 * Thread: the session's.
 */
#ifndef UPSTREAM_IDLE_H
#define UPSTREAM_IDLE_H

#include <stdbool.h>
#include <stddef.h>

struct idle_fd {
	int fd;
	bool used;
};

struct idle {
	struct idle_fd *items;
	size_t count, room;
};

/* Zero-initialised is empty. */
void idle_release(struct idle *idle);

/* The exchange that used the connection is over, and it is kept. Out of memory: it is not looked after. */
void idle_add(struct idle *idle, int fd);
/* An exchange uses it. */
void idle_use(struct idle *idle, int fd);
/* It is closed, or not to be looked after. */
void idle_remove(struct idle *idle, int fd);
/* Ends every unused one on which something has arrived; it stays libcurl's to close. Before an exchange starts. */
void idle_check(struct idle *idle);

#endif
