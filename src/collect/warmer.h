/*
 * What [warm] names is read again and again before anyone asks, with a named
 * session's credentials, one read at a time and one rank below everything
 * else: who asks for it next finds it in the cache. What a change has spoilt is read as soon as that is known. Round the clock, or at the
 * times that the settings say.
 */
#ifndef COLLECT_WARMER_H
#define COLLECT_WARMER_H

#include "base/fail.h"
#include "flow/flow.h"

struct warmer;

struct warmer_figures {
	uint64_t reads, failed; /* since the start */
};

/* Starts its thread; it does nothing while the settings name nothing. Both are borrowed, of conf a reference is taken. 0, -ENOMEM, -EAGAIN. */
int warmer_start(struct flow *flow, struct conf *conf, struct warmer **ret);
/* New settings, from the next read on. Any thread. */
void warmer_set_conf(struct warmer *warmer, struct conf *conf);
/* The wall clock was moved: looks whether it is time now. Any thread. */
void warmer_look(struct warmer *warmer);
/* Ends it; what is under way is not waited for. While the flow still takes inner requests. NULL is allowed. */
void warmer_stop(struct warmer *warmer);
/* Any thread. */
void warmer_get_figures(struct warmer *warmer, struct warmer_figures *ret);

#endif
