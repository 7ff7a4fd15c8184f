/*
 * A bounded stream of bytes from one thread to another, with back-pressure:
 * a body on its way between a client and Redmine. Neither side blocks; a side
 * that cannot go on is told to hold and is woken once when it can.
 */
#ifndef BASE_PIPE_H
#define BASE_PIPE_H

#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Neither done nor failed: the side that got it is woken when it can go on. */
#define PIPE_HOLD (-1000)

struct pipe_side {
	/*
	 * Any thread, under the pipe's lock: it must not come back to the pipe. May come without need, never goes
	 * missing; never comes after the side itself has ended (pipe_end, pipe_abandon).
	 */
	void (*wake)(void *arg);
	void *arg;
};

struct pipe {
	unsigned magic;
#define PIPE_MAGIC 0x919e1100
	pthread_mutex_t lock;
	char *ring;
	size_t room;  /* bytes allocated */
	size_t limit; /* a write is held while this much is waiting */
	size_t start, size;
	uint64_t passed; /* bytes read in all */
	bool ended, abandoned, reader_waits, writer_waits;
	int error; /* negative errno: the stream was cut */
	struct pipe_side reader, writer;
};

/* limit: bytes, at least 1. Allocates nothing until the first write. */
void pipe_init(struct pipe *p, size_t limit);
void pipe_release(struct pipe *p);

/* Who is woken. Set before the side is first used; wake may be NULL for a side that never waits. */
void pipe_set_reader(struct pipe *p, void (*wake)(void *arg), void *arg);
void pipe_set_writer(struct pipe *p, void (*wake)(void *arg), void *arg);

/*
 * Adds all of it (0), even a little past the limit, or nothing: PIPE_HOLD while
 * the limit is reached, -EPIPE when the reader is gone, -ENOMEM.
 */
int pipe_write(struct pipe *p, const char *data, size_t size);

/* True while a write would be held; the writer is then woken as after PIPE_HOLD. */
bool pipe_holds(struct pipe *p);

/* As pipe_write, past the limit if need be: for a writer that asked pipe_holds() first. 0, -EPIPE, -ENOMEM. */
int pipe_push(struct pipe *p, const char *data, size_t size);

/* Takes up to size bytes: their number; 0: the end; PIPE_HOLD: nothing yet; the error that pipe_end gave. */
ssize_t pipe_read(struct pipe *p, char *room, size_t size);

/* Copies up to size bytes from the front of what waits, and leaves them there. Returns their number. */
size_t pipe_peek(struct pipe *p, char *room, size_t size);

/* No more comes. error: 0, or the negative errno that cut the stream; the reader sees it after the bytes. Idempotent: the first call counts. */
void pipe_end(struct pipe *p, int error);

/* The reader takes no more: what waits is dropped, writes fail with -EPIPE. */
void pipe_abandon(struct pipe *p);

/* Bytes that wait now. */
size_t pipe_waiting(struct pipe *p);

#endif
