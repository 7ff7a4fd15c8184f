/*
 * POST /-/batch: several reads in one JSON request. Reads the request; the
 * room collect/ does the rest.
 */
#ifndef FRONT_BATCH_PAGE_H
#define FRONT_BATCH_PAGE_H

#include "flow/request.h"

#define BATCH_BODY_MAX (256 * 1024) /* bytes of the request's body */

/* True when r asks for a batch, by its method and target. */
bool batch_page_own(const struct request *r);

/* Before its body is read. False: r has its answer: 411, 413, 415. */
bool batch_page_admit(struct request *r);

struct flow;

/*
 * Its body is in r->upload. True: the answer is there (400: what is wrong, and with which read; 404: there are no batches
 * here). False: r is parked, as flow_start() says.
 */
bool batch_page_start(struct flow *flow, struct request *r);

#endif
