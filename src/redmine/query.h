/*
 * The normal form of a query string, as Rack and Rails read it: parameters
 * with different root names may stand in any order; of a repeated scalar the
 * last one wins; parameters that share a root name and carry brackets keep
 * their order (the two values of "between" are read by position). What cannot be read with
 * certainty (";" which Rack 2 splits at and Rack 3 does not, malformed %XX,
 * brackets at odd places) is kept as it came: two requests may then miss each
 * other in the cache, they never meet wrongly.
 */
#ifndef REDMINE_QUERY_H
#define REDMINE_QUERY_H

#include "base/buf.h"

/* The parameters that carry a credential, wherever they stand. Redmine: ApplicationController#find_current_user. */
bool query_name_is_credential(const char *name, size_t size);

struct query_parts {
	struct buf normal; /* canonical bytes for the key: not text, not for sending. Without credentials. */
	struct buf
	        credentials; /* canonical bytes of key=, access_token=, bearer_token= in every spelling; empty: none */
	bool api_format;     /* format=json or format=xml (decoded, last wins) */
	bool nometa;
	bool jsonp; /* callback= or jsonp= present */
};

void query_parts_release(struct query_parts *parts);

/*
 * raw: the bytes after "?" (no NUL inside), size may be 0. ordered: keep everything in place, for
 * answers that repeat the URL (atom). 0, -ENOMEM, -ENOBUFS when it is longer than QUERY_MAX. Pure.
 */
#define QUERY_MAX (1024 * 1024)
int query_parse(struct query_parts *ret, const char *raw, size_t size, bool ordered) MUST_CHECK;

#endif
