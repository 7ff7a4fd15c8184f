/*
 * Which fields pass from one side to the other, and how links are led back to
 * the client. All else stays as it came.
 */
#ifndef FLOW_FORWARD_H
#define FLOW_FORWARD_H

#include "flow/request.h"
#include "upstream/origin.h"

enum forward_purpose {
	FORWARD_TO_KEEP, /* the answer may be kept and shared: asked for whole and without conditions */
	FORWARD_TO_PASS, /* the answer is this client's alone */
};

#define FORWARD_VIA "1.1 " CACHE_STATUS_NAME

/*
 * The fields that Redmine is sent for this request: the client's but for hop-by-hop ones, Host,
 * Content-Length, Expect, a Cookie where an API format is asked for under the redmine policy, and those by which a client could decide what others get (redmine/request_fields.h). own_coding: the daemon
 * chooses Accept-Encoding itself. 0 or -ENOMEM.
 */
int forward_request_fields(
        struct fields *ret, const struct request *r, enum forward_purpose purpose, bool own_coding) MUST_CHECK;

/*
 * Redmine's fields for the client: without hop-by-hop ones and Content-Length, without Set-Cookie where
 * forward_passes_cookies() says so, Location, Content-Location and Link led
 * back. rewrite: false leaves links (no-transform). Works in place. 0 or -ENOMEM.
 */
int forward_answer_fields(
        struct fields *fields, const struct request *r, const struct origin *origin, bool rewrite) MUST_CHECK;

/* True for the fields whose value names what may lie at the origin: Location, Content-Location, Link (RFC 8288). */
bool forward_names_links(const char *name);

/* A value of such a field, its links led back to the client of r. 0, -ENOMEM, -ENOBUFS (longer than any sensible one). */
int forward_lead_back(
        const struct field *field, const struct request *r, const struct origin *origin, struct buf *out) MUST_CHECK;

/*
 * True when the answer's Set-Cookie is passed on to the client of r. Not, under the redmine policy, where an API format
 * is answered, or a file or feed to somebody who has a key or password and no cookie yet: Redmine needs none from either,
 * and a client that keeps it would never be answered from the cache again.
 */
bool forward_passes_cookies(const struct request *r, const struct fields *answer);

/* The format of an answer with these fields to r: by the path's extension, or by Content-Type where the query asked for an API format. */
enum target_format forward_format(const struct request *r, const struct fields *answer);

/* True when the request's answers get links rewritten: an API format and no "no-transform". */
bool forward_rewrites(const struct request *r);

/* The target as Redmine is sent it: with the sub-URI in front unless the client wrote it. malloc'ed, NULL: out of memory. */
char *forward_target(const struct request *r, const struct origin *origin);

/* The body that r is to get for its entry: one reference, the entry's own or one with links led back. NULL: out of memory. */
struct blob *forward_body(const struct request *r, const struct origin *origin);

/* The base URL that replaces the origin's in links for this request; malloc'ed, NULL: out of memory. */
char *forward_base(const struct request *r, const struct origin *origin);

#endif
