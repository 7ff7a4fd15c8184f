/*
 * Answers that depend on fields of the request (Vary, RFC 9111 section 4.1).
 * Under the primary key lies a marker that says which fields these are; the
 * answers lie under keys derived from it and the values that came. A newer answer that varies on
 * others replaces the marker, and what was found by the old one is forgotten in time.
 */
#ifndef FLOW_VARIANT_H
#define FLOW_VARIANT_H

#include "cache/entry.h"

/* True when an answer with these fields is one of several. Accept-Encoding does not count: Redmine is asked with the daemon's own. Pure. */
bool variant_varies(const struct fields *fields);

/*
 * The key for a request with these fields among the answers that vary as `fields` (an answer's or a marker's) say.
 * Several lines of a field are one list, and white space around its commas does not count. Pure.
 */
void variant_key(struct cache_key *ret, const struct cache_key *primary, const struct fields *fields,
        const struct fields *request, const struct digest_secret *secret);

/* The marker for that answer: one reference, to be put under the primary key. NULL: out of memory. */
struct entry *variant_marker(const struct entry *answer, const struct cache_key *primary);

#endif
