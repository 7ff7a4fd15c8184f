/*
 * What a request that is not safe makes invalid by RFC 9111 section 4.4: its
 * own URI and, of the same origin, those that the answer's Location and
 * Content-Location name. URIs are tags here, as everything is that a write spoils.
 */
#ifndef FLOW_INVALIDATION_H
#define FLOW_INVALIDATION_H

#include "flow/request.h"
#include "upstream/origin.h"

/* The tag of the URI of r, which every answer stored under it carries. 0: out of memory. Pure. */
uint64_t invalidation_tag(const struct request *r);

/*
 * The tags of what an answer with that status and these fields to r, an unsafe request, makes invalid: none after an
 * error. Pure.
 */
void invalidation_by_answer(struct tags *ret, const struct request *r, const struct origin *origin, unsigned status,
        const struct fields *fields);

#endif
