/*
 * One exchange: a job on a libcurl handle. What libcurl calls back is turned
 * into the job's calls; nothing here knows of threads or waiting.
 */
#ifndef UPSTREAM_EXCHANGE_H
#define UPSTREAM_EXCHANGE_H

#include "upstream/coding.h"
#include "upstream/session.h"

#include <curl/curl.h>

struct exchange {
	unsigned magic;
#define EXCHANGE_MAGIC 0xe8c4a26e
	struct session *session;
	struct job *job;
	CURL *easy;
	struct curl_slist *lines; /* the request's fields as libcurl wants them */

	struct fields fields; /* of the answer, while its head arrives */
	unsigned status;
	unsigned interims; /* heads that went before */
	char reason[256];
	bool http2, head_told, body_held, upload_held, gave_up;
	int64_t length;        /* of the answer's body as it comes, bytes, -1: not said */
	struct coding *coding; /* undone here, NULL: none */
	int fd;                /* of the connection made for it, -1: none, or it is closed */
	struct buf parting;    /* what had come on that connection and libcurl had not read when it closed it */
	const char *nonsense;  /* what is wrong with the head that came, NULL: nothing */

	int64_t started_us, progress_us; /* monotonic */

	/* The session's lists. */
	struct exchange *next, *previous;
	struct exchange *poked_next;
	bool poked;
};

/* True for what most jobs are, a GET by the session's own route: of two such only little differs on their handles. */
bool exchange_is_usual(const struct job *job);

/*
 * Sets a handle up for the job: a reset one, or (used) for a usual job one that a usual job of the same session was done
 * on. url: the origin's, taken apart; outlives the exchange. 0 or -ENOMEM.
 */
int exchange_prepare(struct exchange *e, const struct session_settings *settings, CURLU *url, bool used) MUST_CHECK;

/* When the session began to look at what has come, as clock_monotonic_us() says it; in session.c. */
int64_t session_now_us(const struct session *session);

/*
 * To be told before the connection of an upload is closed. A server that refuses one early answers and closes; what is
 * still sent then fails, and libcurl gives up without having read the answer that lies there.
 */
void exchange_before_close(struct exchange *e);

/* libcurl's CURLOPT_CLOSESOCKETFUNCTION, with the session as argument; in session.c. */
int session_close_socket(void *session, curl_socket_t fd);

/* Lets what was held go on; it may hold again. Not CURLE_OK: the exchange failed and is to be concluded with that code. */
CURLcode exchange_resume(struct exchange *e);

/* True while it is Redmine's turn and its time is over. now: clock_monotonic_us(). */
bool exchange_overdue(const struct exchange *e, int64_t now_us);

/* What the end means for the job. code: libcurl's; overdue: ended by us for time. Frees what belongs to the one exchange. */
void exchange_conclude(struct exchange *e, CURLcode code, bool overdue, struct job_result *ret);

#endif
