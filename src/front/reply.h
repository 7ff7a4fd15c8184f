/*
 * From an answer of the flow to a response of libmicrohttpd.
 */
#ifndef FRONT_REPLY_H
#define FRONT_REPLY_H

#include "flow/request.h"
#include "upstream/origin.h"

#include <microhttpd.h>

/* A response ready to be queued, any number of times and on any thread. */
struct reply {
	struct MHD_Response *response; /* one reference */
	unsigned status;
	char *reason;          /* NULL: the usual one */
	struct fields refused; /* fields that libmicrohttpd does not take, for reason_set */
	uint64_t body_size;    /* bytes that the client gets; 0 for HEAD and a 304; of a stream: UINT64_MAX */
};

/* How a stream is read; as MHD_ContentReaderCallback and MHD_ContentReaderFreeCallback. */
struct reply_reader {
	MHD_ContentReaderCallback read;
	void *arg;
};

/* Gives up the reference to the response and frees the rest; a zeroed reply is allowed, and left behind. */
void reply_release(struct reply *reply);

/*
 * The entry as the answer says (200 or 304; where RFC 9111 rules, of a 200 the part that Range asks
 * for, 206 or 416): its fields, Age and Cache-Status as of now_ms, Via, links led back for r. body:
 * NULL, or the entry's body with links rewritten already (forward_body). 0, -ENOMEM.
 */
int reply_from_entry(struct reply *ret, const struct request *r, const struct origin *origin, struct blob *body,
        int64_t now_ms) MUST_CHECK;

/* A whole or streamed answer. reader: for a stream. The body of a whole one is taken over. 0, -ENOMEM. */
int reply_from_answer(struct reply *ret, struct request *r, const struct reply_reader *reader) MUST_CHECK;

/* Adds "Connection: close". */
void reply_close(struct reply *reply);

/* Hands it to libmicrohttpd. From its handler only. */
enum MHD_Result reply_queue(const struct reply *reply, struct MHD_Connection *connection);

#endif
