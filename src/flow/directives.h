/*
 * Cache-Control (RFC 9111 section 5.2, RFC 5861), of a request or an answer.
 */
#ifndef FLOW_DIRECTIVES_H
#define FLOW_DIRECTIVES_H

#include "base/fields.h"

#include <stdint.h>

#define SECONDS_NONE (-1) /* the directive is not there */
#define SECONDS_ANY  INT32_MAX

/* Seconds are 0 to SECONDS_ANY; what is larger counts as SECONDS_ANY (RFC 9111 1.2.2), what is not a number as 0. */
struct directives {
	bool no_cache, no_store, no_transform, only_if_cached;
	bool is_public, is_private, must_revalidate, proxy_revalidate, must_understand;
	bool qualified_no_cache, qualified_private; /* no-cache="field", private="field": about these fields only */
	int64_t max_age, s_maxage, max_stale, min_fresh, stale_while_revalidate, stale_if_error;
};

/* Reads every Cache-Control field; without one, a request's "Pragma: no-cache" (RFC 9111 5.4). Of a directive given twice the stricter counts. */
void directives_read(struct directives *ret, const struct fields *fields);

#endif
