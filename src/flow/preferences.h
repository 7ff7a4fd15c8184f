/*
 * What a request asks for itself beside its target: Prefer (RFC 7240) and the
 * daemon's own fields. Pure.
 */
#ifndef FLOW_PREFERENCES_H
#define FLOW_PREFERENCES_H

#include "base/fail.h"
#include "base/fields.h"
#include "conf/conf.h"

/* None of these fields is ever forwarded (redmine/request_fields.h). */
#define SESSION_FIELD "Redmine-Cached-Session"
#define TOKEN_FIELD   "Redmine-Cached-Token"
#define WORKERS_FIELD "Redmine-Cached-Workers"

/* Zeroed: the request asks for nothing. */
struct preferences {
	int64_t wait_ms;    /* Prefer: wait=S, cut to session.wait_limit; 0: not said */
	bool minimal;       /* Prefer: return=minimal */
	bool respond_async; /* Prefer: respond-async */
	int workers;        /* Redmine-Cached-Workers; 0: not said */
};

/*
 * Reads them. Preferences that are not known here are none of our business (RFC 7240 section 2), and of one given
 * several times the first counts. 0; -EINVAL with a sentence in fail that names the field and what is wrong with it.
 */
int preferences_read(
        struct preferences *ret, const struct fields *fields, const struct conf *conf, struct fail *fail) MUST_CHECK;

/* Takes out of Prefer what is the daemon's own; what is left goes to Redmine. 0 or -ENOMEM. */
int preferences_take_out(struct fields *fields) MUST_CHECK;

/*
 * The value of Preference-Applied (RFC 7240 section 3) for an answer of that status: "wait=5, return=minimal", or
 * nothing. 0 or -ENOMEM.
 */
int preferences_applied(const struct preferences *p, unsigned status, struct buf *out) MUST_CHECK;

/* True when the answer of that status goes without its body: a success of a request that asked for return=minimal. */
bool preferences_cut_body(const struct preferences *p, unsigned status);

#endif
