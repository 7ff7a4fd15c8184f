/*
 * What the cache did with one request, in the words of RFC 9211.
 */
#ifndef FLOW_CACHE_STATUS_H
#define FLOW_CACHE_STATUS_H

#include "base/buf.h"

enum cache_forward {
	FORWARD_NOT,      /* answered without Redmine */
	FORWARD_URI_MISS, /* nothing stored for it */
	FORWARD_STALE,    /* stored, but no longer fresh */
	FORWARD_REQUEST,  /* the request's directives did not allow what is stored */
	FORWARD_BYPASS,   /* not a request that the cache handles */
	FORWARD_METHOD,   /* not a GET or HEAD */
};

struct cache_status {
	enum cache_forward forward;
	bool hit;                /* answered from what was stored, without asking */
	bool stale;              /* what was stored is past its lifetime, and was served all the same */
	bool stored;             /* what Redmine said is stored now */
	bool collapsed;          /* shared the answer to another client's equal request */
	unsigned forward_status; /* Redmine's status where it differs from the answer's, 0: not said */
	int64_t ttl_ms;          /* with hit or stale: what is left of the lifetime, may be negative */
	const char *detail;      /* a token that says more, static; NULL: none */
};

#define CACHE_STATUS_NAME "redmine-cached"

/* The field's value: "redmine-cached; hit; ttl=37". 0 or a buffer error. */
int cache_status_print(const struct cache_status *status, struct buf *out) MUST_CHECK;

/* The same in one word, for logs and metrics. */
enum cache_kind {
	CACHE_KIND_HIT,
	CACHE_KIND_STALE_HIT,
	CACHE_KIND_MISS,
	CACHE_KIND_REVALIDATED,
	CACHE_KIND_COLLAPSED,
	CACHE_KIND_BYPASS,
	CACHE_KIND_WRITE,
	CACHE_KIND_NONE,
	CACHE_KINDS,
};

/* Pure. */
enum cache_kind cache_status_kind(const struct cache_status *status);

/* Its word: hit, stale-hit, miss, revalidated, collapsed, bypass, write, none. Static. */
const char *cache_kind_word(enum cache_kind kind);

/* cache_kind_word of cache_status_kind. */
const char *cache_status_word(const struct cache_status *status);

#endif
