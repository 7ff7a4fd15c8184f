#include "upstream/idle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

void idle_release(struct idle *idle)
{
	free(idle->items);
	*idle = (struct idle){0};
}

static struct idle_fd *find(const struct idle *idle, int fd)
{
	for (size_t i = 0; i < idle->count; i++)
		if (idle->items[i].fd == fd)
			return &idle->items[i];
	return NULL;
}

void idle_add(struct idle *idle, int fd)
{
	struct idle_fd *item = find(idle, fd);

	if (item) {
		item->used = false;
		return;
	}
	if (idle->count == idle->room) {
		size_t room = idle->room ? idle->room * 2 : 8;
		struct idle_fd *items = realloc(idle->items, room * sizeof(*items));

		if (!items)
			return;
		idle->items = items;
		idle->room = room;
	}
	idle->items[idle->count++] = (struct idle_fd){.fd = fd};
}

void idle_use(struct idle *idle, int fd)
{
	struct idle_fd *item = find(idle, fd);

	if (item)
		item->used = true;
}

void idle_remove(struct idle *idle, int fd)
{
	struct idle_fd *item = find(idle, fd);

	if (item)
		*item = idle->items[--idle->count];
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
		int fd = idle->items[i - 1].fd;

		if (idle->items[i - 1].used || !has_something(fd))
			continue;
		while (recv(fd, thrown_away, sizeof(thrown_away), MSG_DONTWAIT) > 0)
			continue;
		shutdown(fd, SHUT_RDWR); /* libcurl then finds it dead */
		idle_remove(idle, fd);
	}
}
