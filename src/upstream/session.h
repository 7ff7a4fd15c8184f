/*
 * A session: one thread's kept-alive connections to Redmine and the exchanges
 * under way on them. The only door to libcurl's transfers. A worker of the
 * thread engine runs one exchange at a time on its session, the async engine
 * runs thousands on one.
 *
 * Thread: all calls on the thread that runs it, but for session_interrupt() and
 * session_cancel().
 */
#ifndef UPSTREAM_SESSION_H
#define UPSTREAM_SESSION_H

#include "base/fail.h"
#include "upstream/job.h"
#include "upstream/origin.h"

/* How to reach Redmine; borrowed for the life of the session. */
struct session_settings {
	const struct origin *origin;
	const char *ca_file; /* PEM, NULL: the system's */
	const char *proxy;   /* NULL: none */
	bool verify;
	bool http2;       /* when offered by TLS (ALPN) */
	long connections; /* how many are kept alive */
};

/* Once in a process, before any session and any thread or fork: 0 or -ENOMEM. session_library_end() when all are freed. */
int session_library_begin(void);
void session_library_end(void);

/* NULL: out of memory or descriptors. */
struct session *session_new(const struct session_settings *settings, struct fail *fail);

/* No exchange may be under way. */
void session_free(struct session *session);

/* Takes a job up: from now on it ends in done(), called from session_step() or, if it cannot even start, from here. */
void session_start(struct session *session, struct job *job);

/* Waits up to timeout_ms (-1: for ever) for something to do and does it. */
void session_step(struct session *session, int timeout_ms);

/* Runs one job to its end. */
void session_perform(struct session *session, struct job *job);

/*
 * Also waits for fd to become readable (level-triggered), and calls ready(arg) from session_step() then. One
 * descriptor at a time; fd -1: none.
 */
void session_watch(struct session *session, int fd, void (*ready)(void *arg), void *arg);

/* Frees what is kept of exchanges that are over, to be used again, but for their connections. */
void session_forget(struct session *session);

/* Exchanges under way. */
size_t session_active(const struct session *session);

/* Ends the wait of session_step. Any thread. */
void session_interrupt(struct session *session);

/* Every exchange under way, and any started from now on, ends with JOB_CANCELLED. Any thread; returns at once. */
void session_cancel(struct session *session);

#endif
