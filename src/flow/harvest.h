/*
 * From an answer of Redmine's to an entry of the cache.
 */
#ifndef FLOW_HARVEST_H
#define FLOW_HARVEST_H

#include "flow/policy.h"
#include "flow/request.h"
#include "upstream/origin.h"

/* What came; the parts are taken over by harvest_make. */
struct harvest {
	unsigned status;
	const char *reason;
	struct fields *fields; /* end-to-end; those that are not kept are removed */
	struct buf *body;
};

/* policy_decide for the answer to r, now. */
void harvest_decide(
        struct policy_keep *ret, const struct request *r, unsigned status, const struct fields *fields, bool framed);

/* The entry of that answer to r, with r's key; NULL: out of memory. */
struct entry *harvest_make(const struct request *r, const struct origin *origin, const struct harvest *harvest,
        const struct policy_keep *keep, const struct tag_notes *notes);

/*
 * r->stale after a 304 with these fields: RFC 9111 section 4.3.4. Whether it may be kept on is decided anew (ret_keep).
 * NULL: out of memory.
 */
struct entry *harvest_renew(const struct request *r, const struct fields *fields, struct policy_keep *ret_keep,
        const struct tag_notes *notes);

#endif
