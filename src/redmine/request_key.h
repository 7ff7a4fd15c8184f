/*
 * From a read to the key of its answer: identity, path bytes, query normal
 * form and every field that Redmine's answer depends on (redmine-api.md 2.2):
 * Accept-Language, X-Redmine-Nometa (any value, also none), and for what is
 * not an API format X-Requested-With (a page without its frame) and, where the
 * path has no extension, Accept.
 */
#ifndef REDMINE_REQUEST_KEY_H
#define REDMINE_REQUEST_KEY_H

#include "base/digest.h"
#include "redmine/identity.h"
#include "redmine/target.h"

/*
 * origin: base URL of the Redmine, so that a changed setting shares nothing. GET and HEAD share a key: who asks
 * Redmine must ask it with GET for both (a HEAD of a feed with an atom key runs as anonymous, redmine-api.md 2.1).
 * Other fields that change answers must not be forwarded, see request_fields.h. ret: DIGEST_SIZE bytes. Pure.
 */
void request_key(uint8_t ret[DIGEST_SIZE], const char *origin, const struct target *target,
        const struct query_parts *query, const struct identity *identity, const struct fields *fields,
        const struct digest_secret *secret);

#endif
