/*
 * A client's conditions and ranges, judged by what is stored (RFC 9110
 * sections 13 and 14, RFC 9111 section 4.3.2). Pure functions.
 */
#ifndef FLOW_CONDITIONS_H
#define FLOW_CONDITIONS_H

#include "cache/entry.h"

/*
 * RFC 9110 section 13.1.2: does If-None-Match (all fields of that name, lists, "*") name the entity tag?
 * Weak comparison. False when there is no such field or etag is NULL.
 */
bool conditions_none_match(const struct fields *request, const char *etag);

/*
 * True when the client's copy is as good as the entry: 304. If-None-Match counts before If-Modified-Since (13.2.2). dated: an entry
 * without Last-Modified is compared by the time when it was made (RFC 9111 4.3.2), which is of whole seconds only: where
 * a write may have followed within the same one, say false.
 */
bool conditions_not_modified(const struct fields *request, const struct entry *entry, bool dated);

enum range_kind {
	RANGE_NONE,          /* no Range that counts: the whole */
	RANGE_PART,          /* 206 */
	RANGE_UNSATISFIABLE, /* 416 */
};

struct range {
	uint64_t first, size;
};

/*
 * The one range of bytes that is asked for of a body of that size (RFC 9110 14.2), where If-Range allows it (13.1.5).
 * Several ranges, other units and what is malformed are no range: the answer is the whole then.
 */
enum range_kind conditions_range(
        const struct fields *request, const struct entry *entry, uint64_t size, struct range *ret);

#endif
