/*
 * The connections that a session keeps. Whatever arrives on one of them while
 * no exchange is under way is not an answer to anything (a server's parting
 * 408, its FIN), and libcurl 7.88 would take it for the answer to the next
 * request. So it is thrown away and the connection ended before it can be used
 * again. A session with other exchanges under way cannot tell which of its
 * connections they use, and leaves the matter to libcurl.
 *
 * Thread: the session's.
 */
#ifndef UPSTREAM_IDLE_H
#define UPSTREAM_IDLE_H

#include <stdbool.h>
#include <stddef.h>

struct idle {
	int *fds;
	size_t count, room;
};

/* Zero-initialised is empty. */
void idle_release(struct idle *idle);

/* An exchange on that connection is over, and it is kept. Out of memory: it is not looked after. */
void idle_add(struct idle *idle, int fd);
/* It is closed, or not to be looked after. */
void idle_remove(struct idle *idle, int fd);
/* Ends every one on which something has arrived; it stays libcurl's to close. Only while no exchange is under way. */
void idle_check(struct idle *idle);

#endif
