/*
 * The fields that pages are asked with which a client's request brings about.
 */
#ifndef COLLECT_JOIN_FIELDS_H
#define COLLECT_JOIN_FIELDS_H

#include "flow/request.h"

/*
 * r's fields without what is about its one answer: conditions, ranges, forms. A session's credential is among them. 0 or
 * -ENOMEM.
 */
int join_fields_copy(struct fields *ret, const struct request *r) MUST_CHECK;

#endif
