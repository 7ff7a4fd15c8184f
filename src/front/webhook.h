/*
 * Where Redmine 7 delivers its webhooks: a listener of its own ([webhook]), since Redmine refuses to call a loopback address. A
 * delivery is believed only with the right X-Redmine-Signature-256, and only says what to drop: one that comes twice,
 * or late, drops something once more.
 */
#ifndef FRONT_WEBHOOK_H
#define FRONT_WEBHOOK_H

#include "conf/conf.h"
#include "flow/flow.h"

struct webhook;

/*
 * Listens as conf->webhook says, on a thread of its own. 0 with NULL in *ret when no address is given; -EADDRINUSE, -EACCES,
 * what reading the secret brought... with the reason in fail. flow: borrowed.
 */
int webhook_new(struct flow *flow, const struct conf *conf, struct webhook **ret, struct fail *fail);

/* Ends it; deliveries under way are cut. NULL is allowed. */
void webhook_free(struct webhook *webhook);

#endif
