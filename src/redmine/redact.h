/*
 * A target fit to be shown: the values of credential parameters (key, access_token, bearer_token, password, token,
 * api_key and their bracketed or %-escaped spellings) replaced by "-"; what cannot be read with certainty loses its query.
 * Control and non-ASCII bytes are %-escaped, so a log line stays one line.
 *
 * Rather too much is cut than too little: every name counts that has a word
 * ending in key, token, password, passwd or secret, in any case, escaped once
 * or several times, before a "=" anywhere, thus also inside of other values
 * (back_url=%2Fissues.atom%3Fkey%3D...) and in the path.
 */
#ifndef REDMINE_REDACT_H
#define REDMINE_REDACT_H

#include "base/buf.h"

/*
 * Adds at most about `limit` bytes of the target, "..." at the end when cut. raw: any text, not only what
 * target_parse accepts; of an absolute-form (http://user:password@host/path) the user information goes too, and what
 * is neither it nor begins with "/" is shown as "-" ("*" as it is). 0, -ENOMEM, -ENOBUFS. Pure.
 */
int redact_target(const char *raw, size_t limit, struct buf *out) MUST_CHECK;

#endif
