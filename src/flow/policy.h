/*
 * What may be kept, for how long, and what may be served: pure functions of
 * the settings, the request, the answer and the time.
 *
 * Resources that the table of redmine/resource.h knows have lifetimes of the
 * daemon's own, since Redmine forbids every cache to keep anything. All else,
 * and everything under cache.policy = origin, follows RFC 9111 as a shared cache.
 */
#ifndef FLOW_POLICY_H
#define FLOW_POLICY_H

#include "cache/entry.h"
#include "conf/conf.h"
#include "flow/directives.h"
#include "redmine/resource.h"

enum policy_verdict {
	POLICY_FRESH,   /* serve it */
	POLICY_STALE,   /* ask Redmine first, offering its validator */
	POLICY_REFUSED, /* fresh by time, but the request wants it asked for: no-cache, max-age, min-fresh */
};

/* May this entry answer a request with these directives now? usable_until_ms: with FRESH, until when the same request gets the same verdict. */
enum policy_verdict policy_judge(
        const struct entry *entry, const struct directives *request, int64_t now_ms, int64_t *usable_until_ms);

/* What the decision whether to keep an answer depends on. */
struct policy_answer {
	const struct resource *resource; /* NULL: RFC 9111 decides */
	enum target_format format;
	const struct fields *request; /* as the client sent them */
	bool anonymous;               /* no credential came with the request */
	unsigned status;
	const struct fields *fields; /* of the answer */
	bool framed;                 /* its end could be told from a broken connection */
	int64_t now_ms;
	int64_t delay_ms; /* from the request's leaving to the answer's head */
};

struct policy_keep {
	bool keep;
	bool share;          /* those who asked the same at the same time, with the same credential, may have it, too */
	int64_t lifetime_ms; /* from now */
	int64_t age_ms;      /* that it has already */
	bool must_revalidate;
	int64_t stale_ms; /* past its lifetime it is kept so long, to be validated or served stale */
};

/*
 * Whether and how long an answer is kept: by the lifetimes of conf for a known resource, by RFC 9111 sections 3 and 4.2
 * else. *ret is filled in any case; keep is never true without share, and with a lifetime_ms of 0 only where a
 * validator makes it worth while. Borrows all it is given for the call. Any thread.
 */
void policy_decide(struct policy_keep *ret, const struct conf *conf, const struct policy_answer *answer);

/* The resource row whose rules hold, under these settings: NULL when RFC 9111 decides. */
const struct resource *policy_resource(const struct conf *conf, const struct resource *resource);

/* Kept this long past its lifetime, to be offered to Redmine for validation. */
#define POLICY_STALE_KEPT_MS (24 * 3600 * 1000LL)

#endif
