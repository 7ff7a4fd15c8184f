/*
 * From what libmicrohttpd knows of a request to a request of the flow, or to
 * the refusal that it gets at the door.
 */
#ifndef FRONT_ADMIT_H
#define FRONT_ADMIT_H

#include "front/loop.h"

/* The token of listen.token_file, where the listener demands one. Never forwarded (redmine/request_fields.h). */
#define ACCESS_FIELD "Redmine-Cached-Access-Token"

struct admission {
	struct front *front;
	struct conf *conf;
	struct guest *guest;
	struct MHD_Connection *connection;
};

/*
 * Makes *ret from method, target (origin-form or absolute-form, RFC 9112 section 3.2) and the connection's
 * fields. True: for the flow. False: *ret has its answer already: a page of the daemon's own, 400, 401, 403, 413, 421, 501, 503; or
 * is NULL: out of memory.
 */
bool admit_request(const struct admission *a, const char *method, const char *target, const struct request_front *front,
        void *visit, struct request **ret);

/* A target as it may be shown; malloc'ed; NULL: out of memory. */
char *admit_show(const char *target);

#endif
