/*
 * Whom Redmine takes a credential for: GET /users/current asked with it.
 */
#ifndef REDMINE_WHO_H
#define REDMINE_WHO_H

#include "base/buf.h"
#include "base/fields.h"
#include "redmine/target.h"

#include <stdint.h>

/* What Redmine says to a credential. Equal ones: nothing has changed about it. */
struct who {
	unsigned status; /* 200: a user; 401: nobody that it knows; 403, 412: as it says; 0: it did not say */
	uint64_t user;   /* the number of the user, 0 unless status is 200 */
};

/*
 * The request that asks about the credentials of another: the target with the parameters of the query that carry one
 * (query_name_is_credential) added to target, and the fields that do, with Cache-Control: no-cache, added to ret.
 * 0, -ENOMEM, -ENOBUFS. Pure.
 */
int who_question(struct buf *ret_target, struct fields *ret, const struct target *target, const struct fields *fields);

/* Reads the answer; own words of the daemon's or a body that names nobody: status 0. Pure. */
void who_read(struct who *ret, unsigned status, const char *body, size_t size);

/* Both say the same. Pure. */
bool who_equal(const struct who *a, const struct who *b);

#endif
