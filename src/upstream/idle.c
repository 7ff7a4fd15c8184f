#include "upstream/idle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void idle_init(struct idle *idle, int epoll)
{
	*idle = (struct idle){.epoll = epoll};
}

void idle_release(struct idle *idle)
{
	free(idle->fds);
	*idle = (struct idle){.epoll = -1};
}

static size_t find(const struct idle *idle, int fd)
{
	size_t i = 0;

	while (i < idle->count && idle->fds[i] != fd)
		i++;
	return i;
}

bool idle_has(const struct idle *idle, int fd)
{
	return find(idle, fd) < idle->count;
}

bool idle_remove(struct idle *idle, int fd)
{
	size_t i = find(idle, fd);

	if (i == idle->count)
		return false;
	idle->fds[i] = idle->fds[--idle->count];
	return true;
}

void idle_add(struct idle *idle, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};

	if (idle->count == idle->room) {
		size_t room = idle->room ? idle->room * 2 : 8;
		int *fds = realloc(idle->fds, room * sizeof(*fds));

		if (!fds) {
			epoll_ctl(idle->epoll, EPOLL_CTL_DEL, fd, NULL);
			return;
		}
		idle->fds = fds;
		idle->room = room;
	}
	if (epoll_ctl(idle->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
		idle->fds[idle->count++] = fd;
}

void idle_spoil(struct idle *idle, int fd)
{
	char thrown_away[4096];

	while (recv(fd, thrown_away, sizeof(thrown_away), MSG_DONTWAIT) > 0)
		continue;
	shutdown(fd, SHUT_RDWR); /* libcurl then finds it dead */
	epoll_ctl(idle->epoll, EPOLL_CTL_DEL, fd, NULL);
	idle_remove(idle, fd);
}

void idle_check(struct idle *idle)
{
	for (size_t i = idle->count; i > 0; i--) {
		char byte;
		ssize_t n = recv(idle->fds[i - 1], &byte, 1, MSG_PEEK | MSG_DONTWAIT);

		if (n >= 0 || errno != EAGAIN)
			idle_spoil(idle, idle->fds[i - 1]);
	}
}
