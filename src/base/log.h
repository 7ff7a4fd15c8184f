/*
 * The log: lines to stderr as text or as JSON objects, with a "<N>" priority
 * in front when stderr is journald's (see sd-daemon(3); with fields, log_journal.h, once started), else a text line with
 * its time and level. Lines are put into a bounded queue and written by a
 * thread of the log's own, so that no caller ever waits for the reader of
 * stderr; when the queue is full lines are dropped and counted, and a line says
 * how many as soon as there is room. The process is to ignore SIGPIPE, or it
 * ends when the reader of stderr does.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* One answered request. Strings are borrowed for the call; the target has its secrets cut already. */
struct log_request {
	const char *method;
	const char *target;   /* path and query with credentials cut, see redmine/redact.h */
	const char *client;   /* address of the peer, "unix" for a Unix socket */
	const char *cache;    /* what the cache did: "hit", "miss", "stale", "bypass", "-" ... */
	const char *identity; /* first hex digits of the identity's keyed hash, "-" for none */
	unsigned status;      /* 0: the client left before an answer */
	uint64_t sent;        /* bytes of the body sent */
	int64_t duration_us;  /* from the request's head to the end of the answer */
	int64_t upstream_us;  /* time spent waiting for Redmine, -1 when it was not asked */
};

/* Before log_start() lines are written at once by the caller (start-up errors). Also usable after log_stop(). */
void log_set(enum log_level level, enum log_format format);

/* True when lines of that level are wanted; cheap, any thread. */
bool log_wants(enum log_level level);

/* Starts the writing thread: 0 or a negative errno. Called once, before other threads exist, after any fork. */
int log_start(void);

/*
 * Writes what is queued and ends the thread. At most one second: when stderr takes nothing for that long the rest is
 * left, and later lines are dropped. Called when no other thread logs any more.
 */
void log_stop(void);

/* One line; a newline in it is written as a space. Never blocks after log_start(). Any thread. */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * The line of one request, at level info. Made for the hot path: formatted by
 * hand on the caller's stack and copied into the queue without a lock (about
 * 0.2 us). It is written within a moment, together with others. Any thread.
 */
void log_request(const struct log_request *request);

/* Lines dropped since the start because the queue was full. */
uint64_t log_dropped(void);

#endif
