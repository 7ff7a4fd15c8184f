#include "upstream/idle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

void idle_release(struct idle *idle)
{
	free(idle->fds);
	*idle = (struct idle){0};
}

static size_t find(const struct idle *idle, int fd)
{
	size_t i = 0;

	while (i < idle->count && idle->fds[i] != fd)
		i++;
	return i;
}

void idle_add(struct idle *idle, int fd)
{
	if (find(idle, fd) < idle->count)
		return;
	if (idle->count == idle->room) {
		size_t room = idle->room ? idle->room * 2 : 8;
		int *fds = realloc(idle->fds, room * sizeof(*fds));

		if (!fds)
			return;
		idle->fds = fds;
		idle->room = room;
	}
	idle->fds[idle->count++] = fd;
}

void idle_remove(struct idle *idle, int fd)
{
	size_t i = find(idle, fd);

	if (i < idle->count)
		idle->fds[i] = idle->fds[--idle->count];
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
		int fd = idle->fds[i - 1];

		if (!has_something(fd))
			continue;
		while (recv(fd, thrown_away, sizeof(thrown_away), MSG_DONTWAIT) > 0)
			continue;
		shutdown(fd, SHUT_RDWR); /* libcurl then finds it dead */
		idle_remove(idle, fd);
	}
}
