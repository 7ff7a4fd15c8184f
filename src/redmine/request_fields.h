/*
 * A client's fields as Redmine will see them. Puma turns names into CGI
 * variables (RFC 3875 4.1.18), where "X_Redmine_API_Key" and
 * "X-Redmine-API-Key" are the same, so whoever asks for a field that decides
 * about the answer must ask here. Every field that changes an answer is either
 * in the key (identity.h, request_key.h) or never forwarded.
 */
#ifndef REDMINE_REQUEST_FIELDS_H
#define REDMINE_REQUEST_FIELDS_H

#include "base/digest.h"
#include "base/fields.h"

/* True when Redmine takes that field's name for the other one: case and "-" against "_" do not count. Pure. */
bool request_field_is(const char *name, const char *other);

/* How often a field occurs in any such spelling. Pure. */
size_t request_field_count(const struct fields *fields, const char *name);

/*
 * Adds how often the field counts and its values in order to the digest. A field that occurs once with an empty value
 * counts as absent, as Rails' present? has it; of several every one counts, because Puma joins them. Returns the
 * count. Pure.
 */
size_t request_field_digest(struct digest *d, const struct fields *fields, const char *name);

/*
 * True when a client's field may go to Redmine. False for what would let one client decide what others read from the
 * cache (X-Forwarded-Host, -Proto and the like change the URLs in bodies, redmine-api.md section 7; Rack 3 reads
 * Forwarded too), what makes Redmine fail (Client-IP: 500) or answer to a front server (X-Sendfile-Type,
 * X-Accel-Mapping, X-Accel-Redirect), for this daemon's own Redmine-Cached-*, and for every name with a "_", which no
 * registered field has. Hop-by-hop fields, Host, Cookie and conditions are not judged here. Pure.
 */
bool request_field_forwardable(const char *name);

#endif
