#include "upstream/idle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void idle_release(struct idle *idle)
{
	free(idle->fds);
	*idle = (struct idle){.epoll = -1};
}

static struct idle_fd *find(const struct idle *idle, int fd)
{
	for (size_t i = 0; i < idle->count; i++)
		if (idle->fds[i].fd == fd)
			return &idle->fds[i];
	return NULL;
}

void idle_add(struct idle *idle, int fd)
{
	if (find(idle, fd))
		return;
	if (idle->count == idle->room) {
		size_t room = idle->room ? idle->room * 2 : 8;
		struct idle_fd *fds = realloc(idle->fds, room * sizeof(*fds));

		if (!fds)
			return;
		idle->fds = fds;
		idle->room = room;
	}
	idle->fds[idle->count++] = (struct idle_fd){.fd = fd};
}

static void leave_set(struct idle *idle, struct idle_fd *known)
{
	if (known->parked)
		epoll_ctl(idle->epoll, EPOLL_CTL_DEL, known->fd, NULL);
	known->parked = 0;
}

void idle_remove(struct idle *idle, int fd)
{
	struct idle_fd *known = find(idle, fd);

	if (!known)
		return;
	leave_set(idle, known);
	*known = idle->fds[--idle->count];
}

bool idle_park(struct idle *idle, int fd, uint32_t events)
{
	struct idle_fd *known = find(idle, fd);

	if (known)
		known->parked = events;
	return known && events;
}

bool idle_unpark(struct idle *idle, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	struct idle_fd *known = find(idle, fd);
	uint32_t parked = known ? known->parked : 0;

	if (parked)
		known->parked = 0;
	return parked && (parked == events || epoll_ctl(idle->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

bool idle_stirred(struct idle *idle, int fd)
{
	struct idle_fd *known = find(idle, fd);

	if (!known || !known->parked)
		return false;
	leave_set(idle, known);
	return true;
}

static bool has_something(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

void idle_check(struct idle *idle)
{
	for (size_t i = idle->count; i > 0; i--) {
		char thrown_away[4096];
		int fd = idle->fds[i - 1].fd;

		if (!has_something(fd))
			continue;
		while (recv(fd, thrown_away, sizeof(thrown_away), MSG_DONTWAIT) > 0)
			continue;
		shutdown(fd, SHUT_RDWR); /* libcurl then finds it dead */
		idle_remove(idle, fd);
	}
}
