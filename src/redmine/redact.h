/*
 * A target fit to be shown: the values of credential parameters (key, access_token, bearer_token, password, token,
 * api_key and their bracketed or %-escaped spellings) replaced by "-"; what cannot be read with certainty loses its query.
 * Control and non-ASCII bytes are %-escaped, so a log line stays one line.
 */
#ifndef REDMINE_REDACT_H
#define REDMINE_REDACT_H

#include "base/buf.h"

/* Appends at most about `limit` bytes, "..." at the end when cut. 0, -ENOMEM, -ENOBUFS. */
int redact_target(const char *raw, size_t limit, struct buf *out) MUST_CHECK;

#endif
