/*
 * What web pages of other origins need to use the daemon from a browser: CORS
 * (WHATWG Fetch, section 3.2) for the origins of listen.allowed_origins.
 * Redmine itself answers OPTIONS with 404. Pages of other origins see what they
 * would see without the daemon.
 */
#ifndef FRONT_BROWSER_H
#define FRONT_BROWSER_H

#include "flow/request.h"

/* Answers r if it is the preflight of a page of a listed origin. True: it was; false: it is for Redmine. Any thread. */
bool browser_preflight(struct request *r) MUST_CHECK;

/* Adds what the answer to r says to a browser: nothing while no origin is listed. 0, -ENOMEM. Any thread. */
int browser_fields(const struct request *r, struct fields *out) MUST_CHECK;

/* True when a field of Redmine's would contradict those: the answer to r goes without it. Pure. */
bool browser_replaces(const struct request *r, const char *name);

/* True for a request of a page whose origin is neither listed nor the daemon's own. Pure. */
bool browser_is_stranger(const struct request *r);

#endif
