/*
 * Whether the credentials whose answers are served are still good. Redmine does not say so by itself: to a key that
 * was revoked it answers as to anybody, with 200. So a stored answer that is older than
 * [cache] credential_check is served only when Redmine was asked within that
 * time (GET /users/current, redmine/who.h) and said of the credential what it had said before; when it says something
 * else, all answers to that identity are dropped. Anonymous answers need none of it. While Redmine cannot be
 * asked what is stored stands.
 */
#ifndef FLOW_CREDENTIALS_H
#define FLOW_CREDENTIALS_H

#include "flow/request.h"

struct credentials;

struct credentials_figures {
	uint64_t checks;  /* times that Redmine was asked */
	uint64_t changed; /* ... and said something else than before: partitions dropped */
	uint64_t unknown; /* ... and did not say */
};

enum credentials_verdict {
	CREDENTIALS_STAND, /* the answer may be served */
	CREDENTIALS_ASK,   /* not before credentials_await() */
};

struct credentials *credentials_new(void);              /* NULL: out of memory */
void credentials_free(struct credentials *credentials); /* nobody may be waiting; NULL is allowed */

/*
 * About an answer that is in the cache and was made for r. Lowers *until_ms to when that has to be asked again, and
 * may start a check in the background so that it is answered before. Event threads: one short lock.
 */
enum credentials_verdict credentials_judge(
        struct request *r, const struct entry *entry, int64_t now_ms, int64_t *until_ms);

/*
 * After CREDENTIALS_ASK: r, which is parked, goes on at STEP_LOOKUP when Redmine has said it, and r->vouched is set;
 * perhaps before the call returns. False: it cannot be asked about alone; the answer itself has to be asked for again.
 */
bool credentials_await(struct request *r);

/* Redmine answered 401 to r: asks whether its credential is still what it was. Any thread. */
void credentials_doubt(struct request *r);

/* Counted since the start. Any thread. */
void credentials_get_figures(struct credentials *credentials, struct credentials_figures *ret);

#endif
