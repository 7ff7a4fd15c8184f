/*
 * RFC 9111 as a shared cache follows it: may an answer be stored (section 3),
 * how old is it (4.2.3), how long is it fresh (4.2.1, 4.2.2). For paths that
 * the resource table does not know, and for all under cache.policy = origin.
 */
#ifndef FLOW_ORIGIN_POLICY_H
#define FLOW_ORIGIN_POLICY_H

#include "flow/policy.h"

/*
 * Fills keep, lifetime_ms, age_ms, must_revalidate of *ret; share is left alone. A Redmine key counts as
 * Authorization (3.5). Under the redmine policy an answer with Set-Cookie is not kept; under the origin policy the cookie
 * is kept with it (7.3). Pure.
 */
void origin_policy_decide(struct policy_keep *ret, enum cache_policy policy, const struct policy_answer *answer);

/* The answer's Age (RFC 9111 5.1): the first of several, 0 for what is no number. Milliseconds. Pure. */
int64_t origin_policy_age_ms(const struct fields *fields);

#endif
