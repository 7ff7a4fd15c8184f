/*
 * Kept connections that no exchange uses at the moment. Whatever arrives on one
 * of them is not an answer to anything (a server's parting 408, its FIN), and
 * libcurl 7.88 would take it for the answer to the next request. So it is
 * thrown away and the connection ended before it can be used again.
 *
 * Thread: the session's.
 */
#ifndef UPSTREAM_IDLE_H
#define UPSTREAM_IDLE_H

#include <stdbool.h>
#include <stddef.h>

struct idle {
	int epoll; /* borrowed: watches them, with the descriptor as data */
	int *fds;
	size_t count, room;
};

void idle_init(struct idle *idle, int epoll);
void idle_release(struct idle *idle);

/* The connection is in epoll and is used no more: it is watched from now on. Out of memory: it is not, and taken out of epoll. */
void idle_add(struct idle *idle, int fd);
/* The connection is used again, or closed. True: it was idle. */
bool idle_remove(struct idle *idle, int fd);
bool idle_has(const struct idle *idle, int fd);

/* Something happened on it: ended, if anything is there to be read. It stays libcurl's to close. */
void idle_spoil(struct idle *idle, int fd);
/* Ends all on which something has arrived. Before an exchange starts. */
void idle_check(struct idle *idle);

#endif
