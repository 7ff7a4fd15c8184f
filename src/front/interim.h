/*
 * Interim answers (1xx, RFC 9110 section 15.2) to clients that wait.
 *
 * libmicrohttpd 0.9.75 sends none but 100. But while a handler was called and
 * has queued nothing yet, nothing is being written to its connection: what came
 * before has been sent to its last byte, or libmicrohttpd would not have gone
 * on. So the connection's event thread, and only that, writes the few bytes
 * itself, between two rounds of libmicrohttpd or within a call of the handler.
 *
 * It writes them whole or not at all: where the socket's buffer might not take
 * them, or one record of TLS does not hold them, they are left out. Clients of HTTP/1.0 get none (section 15.2).
 */
#ifndef FRONT_INTERIM_H
#define FRONT_INTERIM_H

#include "front/visit_inside.h"

/* Bytes that wait for one client: a few of the largest. */
#define INTERIM_WAITING_MAX (4 * JOB_INTERIM_SIZE)

/* request_front.interim: remembers it for the event thread and wakes that. */
void interim_tell(struct request *r, unsigned status, const char *reason, const struct fields *fields);

/* Writes what is remembered of a request that the handler is called for, and that has no answer queued. Its event thread. */
void interim_write(struct visit *v);

/* Writes what was remembered since the last turn for those that are suspended; between two rounds of libmicrohttpd. */
void interims_write(struct loop *loop);

#endif
