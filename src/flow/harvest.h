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

struct harvest_head {
	unsigned status;
	const struct fields *fields; /* end-to-end */
	bool framed;
	int64_t delay_ms; /* that it took to come */
};

/* policy_decide for the answer to r, now. */
void harvest_decide(struct policy_keep *ret, const struct request *r, const struct harvest_head *head);

/* The field of an answer to r is not kept with it: it is for the one client whose request brought it, or made anew. Directives: the answer's. */
bool harvest_leaves_out(const struct request *r, const struct directives *directives, const char *name);

/* The entry of that answer to r, with r's key; NULL: out of memory. */
struct entry *harvest_make(const struct request *r, const struct origin *origin, const struct harvest *harvest,
        const struct policy_keep *keep, const struct tag_notes *notes);

/*
 * r->stale after a 304 with these fields: RFC 9111 section 4.3.4. Whether it may be kept on is decided anew (ret_keep).
 * NULL: out of memory.
 */
struct entry *harvest_renew(const struct request *r, const struct fields *fields, int64_t delay_ms,
        struct policy_keep *ret_keep, const struct tag_notes *notes);

#endif
