/*
 * Cache-Control (RFC 9111 section 5.2, RFC 5861), of a request or an answer.
 */
#ifndef FLOW_DIRECTIVES_H
#define FLOW_DIRECTIVES_H

#include "base/fields.h"

#include <stdint.h>

#define SECONDS_NONE (-1) /* the directive is not there */
#define SECONDS_ANY  INT32_MAX

/* A part of a field's value; borrowed from the fields that were read. */
struct directive_text {
	const char *text;
	size_t size;
};

#define QUALIFIED_MAX 4

/* Seconds are 0 to SECONDS_ANY; what is larger counts as SECONDS_ANY (RFC 9111 1.2.2), what is not a number as 0. */
struct directives {
	bool no_cache, no_store, no_transform, only_if_cached;
	bool is_public, is_private, must_revalidate, proxy_revalidate, must_understand;
	bool qualified_no_cache, qualified_private; /* no-cache="field", private="field": about these fields only */
	bool targeted; /* of an answer: CDN-Cache-Control said it, Cache-Control and Expires do not count */
	int64_t max_age, s_maxage, max_stale, min_fresh, stale_while_revalidate, stale_if_error;
	/* The lists of fields that the qualified forms name: "field, field". */
	struct directive_text qualified[QUALIFIED_MAX];
	size_t qualified_count;
};

/* Nothing is said. */
void directives_init(struct directives *ret);

/* Reads every Cache-Control field; without one, a request's "Pragma: no-cache" (RFC 9111 5.4). Of a directive given twice the stricter counts. */
void directives_read(struct directives *ret, const struct fields *fields);

/*
 * The same of an answer, where Pragma means nothing. targeted: a CDN-Cache-Control (flow/targeted.h) counts instead of
 * Cache-Control. *ret borrows from the fields.
 */
void directives_of_answer(struct directives *ret, const struct fields *fields, bool targeted);

/* The answer's field of that name must not be reused as it is: a qualified no-cache or private names it. */
bool directives_qualify(const struct directives *directives, const char *name);

/* What one directive says, put into *ret. value: NULL when there is none. For the parsers. */
void directives_add(struct directives *ret, const char *name, size_t name_size, const char *value, size_t value_size);

#endif
