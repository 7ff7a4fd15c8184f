/*
 * What the daemon and a worker process say to each other over a stream socket:
 * frames of a kind, a size and bytes. Both ends are the same program on the same
 * machine, so numbers are sent as they lie in memory.
 */
#ifndef ENGINE_WIRE_H
#define ENGINE_WIRE_H

#include "upstream/job.h"

enum wire_kind {
	/* to the worker */
	WIRE_JOB = 1,    /* a request; the worker has none under way */
	WIRE_UPLOAD,     /* bytes of its body */
	WIRE_UPLOAD_END, /* ... that was all */
	WIRE_CANCEL,     /* the answer is no longer wanted */
	/* to the daemon */
	WIRE_HEAD, /* of interim answers, then of the final one */
	WIRE_BODY,
	WIRE_ALIVE, /* nothing has happened, and the worker still looks after its job: now and then */
	WIRE_DONE,
};

struct wire_frame {
	uint32_t kind; /* enum wire_kind */
	uint32_t size;
	const char *bytes; /* borrowed from the reader until it reads again */
};

/* Bytes of a frame at most; what is larger is a broken peer. */
#define WIRE_FRAME_MAX (4 * 1024 * 1024)
/* Bytes of a body that one frame carries. */
#define WIRE_BODY_MAX (64 * 1024)

/* Frames as they arrive; the socket may be non-blocking. */
struct wire_reader {
	struct buf bytes;
	size_t taken; /* of the bytes, by frames already looked at */
	size_t used;  /* so far bytes were written since the last wire_reader_forget() */
};

/* An empty reader; no memory is taken before the first wire_reader_fill(). One thread at a time. */
void wire_reader_init(struct wire_reader *reader);

/* Frees the bytes, and with them every frame that was looked at. The socket stays open. */
void wire_reader_release(struct wire_reader *reader);

/* Reads what is there, once: its size; 0: the peer is gone; -EAGAIN: nothing now; another negative errno. */
ssize_t wire_reader_fill(struct wire_reader *reader, int fd);
/* The next whole frame: 1; 0: not yet; -EPROTO: not a frame. It stays the next until wire_reader_skip. */
int wire_reader_next(struct wire_reader *reader, struct wire_frame *ret);
void wire_reader_skip(struct wire_reader *reader, const struct wire_frame *frame);

/* Overwrites what frames that were looked at have left; what has come behind them stays. */
void wire_reader_forget(struct wire_reader *reader);

/* Adds a frame to what is to be sent. 0, -ENOMEM. */
int wire_add(struct buf *out, enum wire_kind kind, const void *bytes, size_t size) MUST_CHECK;

/*
 * Whose job a frame brings, as far as it shows: a number that is the same where the fields and the route are, and the query
 * if it may name a key. Jobs of one client may differ in it, those of two do. A frame that is no job gives any number.
 */
uint64_t wire_job_asker(const struct wire_frame *frame);

/* A job's request, an answer's head, the result: to bytes (a whole frame) and back. 0, -ENOMEM, -EPROTO. */
int wire_add_job(struct buf *out, const struct job *job) MUST_CHECK;
/* Fills the request part of an initialised job. What it borrows, its method, target and route, is in *ret_text, malloc'ed, also on failure, NULL or not; it must outlive the job. */
int wire_read_job(const struct wire_frame *frame, struct job *job, char **ret_text) MUST_CHECK;
int wire_add_head(struct buf *out, const struct job_head *head) MUST_CHECK;
/* head->fields must point to an empty list; reason points into the frame. */
int wire_read_head(const struct wire_frame *frame, struct job_head *head) MUST_CHECK;
int wire_read_result(const struct wire_frame *frame, struct job_result *result) MUST_CHECK;

#endif
