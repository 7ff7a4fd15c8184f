/*
 * The connections that a session keeps. Whatever arrives on one of them while
 * no exchange is under way is not an answer to anything (a server's parting
 * 408, its FIN), and libcurl 7.88 would take it for the answer to the next
 * request. So it is thrown away and the connection ended before it can be used
 * again. A session with other exchanges under way cannot tell which of its
 * connections they use, and leaves the matter to libcurl.
 *
 * Such a connection stays in the session's epoll set between two exchanges (it is parked), which saves each exchange two
 * system calls. Only what is known here may: other descriptors of libcurl's are closed without a word.
 *
 * Thread: the session's.
 */
#ifndef UPSTREAM_IDLE_H
#define UPSTREAM_IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idle_fd {
	int fd;
	uint32_t parked; /* the events that it waits for in the epoll set; 0: not parked */
};

struct idle {
	int epoll; /* the session's */
	struct idle_fd *fds;
	size_t count, room;
};

/* Zero-initialised is empty, but for epoll. */
void idle_release(struct idle *idle);

/* An exchange on that connection is over, and it is kept. Out of memory: it is not looked after. */
void idle_add(struct idle *idle, int fd);
/* It is about to be closed, or not to be looked after. */
void idle_remove(struct idle *idle, int fd);
/* Ends every one on which something has arrived; it stays libcurl's to close. Only while no exchange is under way. */
void idle_check(struct idle *idle);

/* libcurl has no use for the descriptor now, which is in the epoll set with these events. True: parked; false: not one of ours. */
bool idle_park(struct idle *idle, int fd, uint32_t events);
/* libcurl uses it again. True: it is in the epoll set with these events; false: it was not parked and is not. */
bool idle_unpark(struct idle *idle, int fd, uint32_t events);
/* Something happened on it. True: it was parked, so it is nobody's business now: it is taken out of the epoll set. */
bool idle_stirred(struct idle *idle, int fd);

#endif
