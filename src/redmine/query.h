/*
 * The normal form of a query string, as Rack and Rails read it: parameters
 * with different root names may stand in any order; of a repeated scalar the
 * last one wins; parameters that share a root name and carry brackets keep
 * their order (the two values of "between" are read by position). What cannot
 * be read with certainty is kept as it came: two requests may then miss each
 * other in the cache, they never meet wrongly. That is a query with a ";"
 * (Rack 2 splits there, Rack 3 does not, Rails 8 warns), a "%" without two
 * digits, brackets at odd places (Rack 2 and 3 see other names), bytes that
 * are not UTF-8 or NUL (an error, but not in every version for a value that a
 * later one replaces), and one so long or of so many parameters that a limit
 * of Puma's or Rack's could be hit.
 */
#ifndef REDMINE_QUERY_H
#define REDMINE_QUERY_H

#include "base/buf.h"

/*
 * The root of a decoded name as Rack 2 reads it, the version that finds most: leading brackets skipped, then
 * everything up to the next bracket (Rack::QueryParser#normalize_params). *ret_root points into name. Returns its
 * size, 0 where there is none. Pure.
 */
size_t query_name_root(const char *name, size_t size, const char **ret_root);

/*
 * The parameters that carry a credential, wherever they stand and however bracketed: key, access_token,
 * bearer_token. name: decoded. Redmine: ApplicationController#find_current_user; Doorkeeper's
 * from_access_token_param, from_bearer_param. Pure.
 */
bool query_name_is_credential(const char *name, size_t size);

struct query_parts {
	struct buf normal; /* canonical bytes for the key: not text, not for sending. Without credentials, but where the
	                      query is kept as it came: feed it to a keyed digest only. Empty: no parameters */
	struct buf
	        credentials; /* canonical bytes of the credential parameters in every spelling; empty: none. Secret */
	bool api_format;     /* format=json or format=xml (decoded, last wins) */
	bool nometa;         /* nometa= with anything but white space */
	bool jsonp;          /* callback= or jsonp= is there */
};

/* Frees the bytes; for CLEANUP too. */
void query_parts_release(struct query_parts *parts);

#define QUERY_MAX            (1024 * 1024) /* bytes; longer is refused */
#define QUERY_READ_MAX       4096          /* bytes; longer is kept as it came (nginx and Puma refuse from 8 KiB on) */
#define QUERY_PARAMETERS_MAX 256           /* more are kept as they came (Rack refuses from 4096 on) */

/*
 * raw: the bytes after "?" (no NUL inside), size may be 0 and raw then NULL. ordered: keep everything in place,
 * repeated scalars too, for answers that repeat the URL (atom). ret need not be initialised; on success the
 * caller releases it, on failure it is empty. 0, -ENOMEM, -ENOBUFS when it is longer than QUERY_MAX. Pure.
 */
int query_parse(struct query_parts *ret, const char *raw, size_t size, bool ordered) MUST_CHECK;

#endif
