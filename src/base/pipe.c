#include "base/pipe.h"

#include <errno.h>
#include <string.h>

#define PIPE_FIRST_ROOM 4096

void pipe_init(struct pipe *p, size_t limit)
{
	ASSERT(limit > 0);
	*p = (struct pipe){.magic = PIPE_MAGIC, .limit = limit};
	pthread_mutex_init(&p->lock, NULL);
}

void pipe_release(struct pipe *p)
{
	CHECK(p, PIPE_MAGIC);
	pthread_mutex_destroy(&p->lock);
	free(p->ring);
	p->ring = NULL;
	p->magic = 0;
}

void pipe_set_reader(struct pipe *p, void (*wake)(void *arg), void *arg)
{
	pthread_mutex_lock(&p->lock);
	p->reader = (struct pipe_side){.wake = wake, .arg = arg};
	pthread_mutex_unlock(&p->lock);
}

void pipe_set_writer(struct pipe *p, void (*wake)(void *arg), void *arg)
{
	pthread_mutex_lock(&p->lock);
	p->writer = (struct pipe_side){.wake = wake, .arg = arg};
	pthread_mutex_unlock(&p->lock);
}

/* Under the lock, so that a side that has gone is certainly not woken any more. */
static void wake(bool *waits, const struct pipe_side *side)
{
	if (*waits && side->wake)
		side->wake(side->arg);
	*waits = false;
}

/* Grows the ring so that size bytes more fit; the waiting bytes move to its start. */
static int make_room(struct pipe *p, size_t size)
{
	size_t room = p->room ? p->room : PIPE_FIRST_ROOM;
	size_t first;
	char *ring;

	while (room < p->size + size)
		room *= 2;
	if (room == p->room)
		return 0;
	ring = malloc(room);
	if (!ring)
		return -ENOMEM;
	first = p->room - p->start < p->size ? p->room - p->start : p->size;
	if (p->size > 0) {
		memcpy(ring, p->ring + p->start, first);
		memcpy(ring + first, p->ring, p->size - first);
	}
	free(p->ring);
	p->ring = ring;
	p->room = room;
	p->start = 0;
	return 0;
}

static void put(struct pipe *p, const char *data, size_t size)
{
	size_t at = (p->start + p->size) & (p->room - 1);
	size_t first = p->room - at < size ? p->room - at : size;

	memcpy(p->ring + at, data, first);
	memcpy(p->ring, data + first, size - first);
	p->size += size;
}

bool pipe_holds(struct pipe *p)
{
	bool holds;

	CHECK(p, PIPE_MAGIC);
	pthread_mutex_lock(&p->lock);
	holds = !p->abandoned && !p->ended && p->size >= p->limit;
	if (holds)
		p->writer_waits = true;
	pthread_mutex_unlock(&p->lock);
	return holds;
}

int pipe_push(struct pipe *p, const char *data, size_t size)
{
	int r;

	CHECK(p, PIPE_MAGIC);
	if (size == 0)
		return 0;
	pthread_mutex_lock(&p->lock);
	r = p->abandoned || p->ended ? -EPIPE : make_room(p, size);
	if (r == 0) {
		put(p, data, size);
		wake(&p->reader_waits, &p->reader);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

int pipe_write(struct pipe *p, const char *data, size_t size)
{
	return pipe_holds(p) ? PIPE_HOLD : pipe_push(p, data, size);
}

static size_t copy_front(const struct pipe *p, char *room, size_t size)
{
	size_t n = p->size < size ? p->size : size;
	size_t first = p->room - p->start < n ? p->room - p->start : n;

	if (n == 0)
		return 0;
	memcpy(room, p->ring + p->start, first);
	memcpy(room + first, p->ring, n - first);
	return n;
}

size_t pipe_peek(struct pipe *p, char *room, size_t size)
{
	size_t n;

	CHECK(p, PIPE_MAGIC);
	pthread_mutex_lock(&p->lock);
	n = copy_front(p, room, size);
	pthread_mutex_unlock(&p->lock);
	return n;
}

static size_t take(struct pipe *p, char *room, size_t size)
{
	size_t n = copy_front(p, room, size);

	p->start = (p->start + n) & (p->room - 1);
	p->size -= n;
	p->passed += n;
	return n;
}

ssize_t pipe_read(struct pipe *p, char *room, size_t size)
{
	ssize_t r;

	CHECK(p, PIPE_MAGIC);
	pthread_mutex_lock(&p->lock);
	if (p->size > 0) {
		r = (ssize_t)take(p, room, size);
		/* Half empty before the writer is woken: it then has something worth doing. */
		if (p->size <= p->limit / 2)
			wake(&p->writer_waits, &p->writer);
	} else if (p->ended) {
		r = p->error;
	} else {
		p->reader_waits = true;
		r = PIPE_HOLD;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

void pipe_end(struct pipe *p, int error)
{
	CHECK(p, PIPE_MAGIC);
	pthread_mutex_lock(&p->lock);
	if (!p->ended) {
		p->ended = true;
		p->error = error;
	}
	p->writer.wake = NULL;
	wake(&p->reader_waits, &p->reader);
	pthread_mutex_unlock(&p->lock);
}

void pipe_abandon(struct pipe *p)
{
	CHECK(p, PIPE_MAGIC);
	pthread_mutex_lock(&p->lock);
	p->abandoned = true;
	p->size = 0;
	p->reader.wake = NULL;
	wake(&p->writer_waits, &p->writer);
	pthread_mutex_unlock(&p->lock);
}

size_t pipe_waiting(struct pipe *p)
{
	size_t size;

	pthread_mutex_lock(&p->lock);
	size = p->size;
	pthread_mutex_unlock(&p->lock);
	return size;
}
