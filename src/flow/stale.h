/*
 * Stale on purpose (RFC 5861, RFC 9111 section 4.2.4): what is past its
 * lifetime is served while it is fetched anew, and when Redmine does not
 * answer. Never what a write has spoilt, and never as if it were fresh.
 */
#ifndef FLOW_STALE_H
#define FLOW_STALE_H

#include "flow/request.h"

/* Why a stale answer is served: the detail of Cache-Status. */
enum stale_reason {
	STALE_NOT,        /* it is not */
	STALE_REFRESHING, /* it is fetched anew at this moment */
	STALE_ERROR,      /* Redmine was asked and failed */
	STALE_SLOW,       /* Redmine was asked and takes its time */
	STALE_WAITING,    /* it was asked by another, who did not wait either */
	STALE_BREAKER,    /* Redmine failed so often that it is not asked for now */
};

/* How long past its lifetime an entry may be served. */
struct stale_spans {
	int64_t refreshing_ms, error_ms;
};

/*
 * The spans of an entry: what its own stale-while-revalidate and stale-if-error say where RFC 9111 rules (resource NULL), of
 * what they do not say the settings. None of what must be validated. Pure.
 */
void stale_spans(struct stale_spans *ret, const struct conf *conf, const struct resource *resource,
        const struct fields *fields, bool must_revalidate);

/*
 * May r be answered from that entry, which is past its lifetime, for this reason? The request must not forbid it
 * (no-cache, max-age, min-fresh), its own stale-if-error widens the span. generations: those of the cache, for an entry
 * that a write has spoilt since it was looked up. Any thread.
 */
bool stale_may_serve(const struct request *r, const struct entry *entry, const struct generations *generations,
        enum stale_reason reason, int64_t now_ms);

/* Answers r with its stale entry; r->answer.cache says why. */
void stale_answer(struct request *r, enum stale_reason reason, int64_t now_ms);

/* Answers r with its stale entry now if it may, without waiting for Redmine, which is asked in the background. False: it has to be asked first. */
bool stale_serve_at_once(struct request *r, int64_t now_ms);

/* Asks Redmine for r->stale anew in the background, unless somebody does already. slow: what is stored is served to those who come meanwhile. */
void stale_refresh(struct request *r, bool slow);

#endif
