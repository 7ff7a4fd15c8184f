/*
 * The Redmine that stands behind: its base URL taken apart once.
 */
#ifndef UPSTREAM_ORIGIN_H
#define UPSTREAM_ORIGIN_H

#include "base/fail.h"

#include <stdbool.h>

struct origin {
	char *url;  /* "http://host:port", for the connection; a sub-URI is in path */
	char *base; /* as Redmine writes links: scheme, authority without a default port, path; no trailing slash */
	char *authority; /* "host" or "host:port" as the Host field says it */
	char *path;      /* the sub-URI: "" or "/redmine", no trailing slash */
	bool secure;     /* https */
	bool loopback;   /* the host is a loopback address or "localhost" */
};

/* url: http:// or https://, host, optional port and path; what conf/ has checked. 0, -EINVAL, -ENOMEM. */
int origin_init(struct origin *o, const char *url, struct fail *fail);
void origin_release(struct origin *o);

#endif
