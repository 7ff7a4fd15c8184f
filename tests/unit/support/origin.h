/*
 * An HTTP/1.1 server inside the test program, in the place of Redmine. A
 * thread for each connection reads a request's head and calls the act of the
 * first route that fits; the act answers as it likes, byte by byte, waits at
 * gates, and may break the connection at any point. What came is recorded.
 */
#ifndef SUPPORT_ORIGIN_H
#define SUPPORT_ORIGIN_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct http_origin;

/* One request as it came. */
struct http_seen {
	unsigned connection; /* number of its connection, from 1 */
	unsigned number;     /* which one on that connection, from 1 */
	char *method, *target;
	struct buf head; /* raw bytes, the empty line included */
	struct buf body; /* without chunks */
	bool whole;      /* the body came to its end */
};

/* A request that is being answered; its thread only. */
struct http_visit {
	struct http_origin *origin;
	void *arg; /* of http_origin_new */
	int fd;
	bool over; /* the connection ends after this act */
	struct http_seen *seen;
	bool chunked;
	long long left; /* bytes of the body (or of its present chunk) not read yet */
};

struct http_route {
	const char *method; /* NULL: any */
	const char *path;   /* the target up to "?"; NULL: any */
	void (*act)(struct http_visit *visit);
};

/* Listens on a free port of 127.0.0.1. Ends the test when it cannot. routes: borrowed. Without a fitting route: 404. */
struct http_origin *http_origin_new(const struct http_route *routes, size_t count, void *arg);
/* Starts its thread, from when on it answers. */
void http_origin_start(struct http_origin *origin);
/* Ends every connection and thread, and frees it. */
void http_origin_stop(struct http_origin *origin);

/* "http://127.0.0.1:PORT" */
const char *http_origin_url(const struct http_origin *origin);

/* So far; any thread. */
size_t http_origin_request_count(struct http_origin *origin);
unsigned http_origin_connection_count(struct http_origin *origin);
/* Connections open now. */
unsigned http_origin_open_count(struct http_origin *origin);
/* A copy of the request of that index, from 0. */
void http_origin_seen(struct http_origin *origin, size_t index, struct http_seen *ret);
void http_seen_release(struct http_seen *seen);
/* Requests with that method and target. */
size_t http_origin_count_of(struct http_origin *origin, const char *method, const char *target);
/* Ends the connections that are open now, as a server does that has waited long enough. */
void http_origin_hang_up(struct http_origin *origin);

/* Whether what comes from now on is recorded, which it is at first: records take memory. */
void http_origin_record(struct http_origin *origin, bool records);

/* For acts. False once the connection is broken. */
bool http_send(struct http_visit *visit, const char *data, size_t size);
bool http_send_text(struct http_visit *visit, const char *text);
bool http_printf(struct http_visit *visit, const char *format, ...) PRINTF_LIKE(2, 3);
/* "HTTP/1.1 STATUS", the length of the body, the body. status: "200 OK" with further field lines behind "\r\n". */
bool http_answer(struct http_visit *visit, const char *status, const char *body);
/* The rest of the body into seen->body: true when it came whole. */
bool http_read_body(struct http_visit *visit);
/* Up to size further bytes of the body: their number; 0 at the end, -1 when it broke off. */
ssize_t http_read_some(struct http_visit *visit, char *room, size_t size);
/* A reset at once (RST). */
void http_reset(struct http_visit *visit);
/* The end after what was sent (FIN). */
void http_close(struct http_visit *visit);
/* Answers with the raw head of the request, and its body behind it. */
void http_echo(struct http_visit *visit);

#endif
