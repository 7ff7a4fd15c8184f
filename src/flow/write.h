/*
 * What a write spoils: worked out when the write begins, open while Redmine has it, raised when it is answered. The
 * answer waits for two: Redmine's head, and that what the write spoils is noted where kill -9 does not reach.
 */
#ifndef FLOW_WRITE_H
#define FLOW_WRITE_H

#include "flow/request.h"

/* Before the write is sent; r is parked. Any thread. */
void write_begin(struct request *r);

/*
 * Redmine's answer came, or will not come. effect: false when nothing was changed for sure. Once; more calls do
 * nothing. Any thread.
 */
void write_end(struct request *r, bool effect);

/* r has its answer: it is delivered when its other wait is over, too. After write_end. Any thread. */
void write_deliver(struct request *r);

#endif
