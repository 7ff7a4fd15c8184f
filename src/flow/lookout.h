/*
 * Learns of changes that were made elsewhere: in the web interface, by mail, by other clients of Redmine. With the
 * credential of a named session it looks once in an interval ([watch]) at the issues changed last, the newest time
 * entries, the projects, and those lists of versions that clients read: one small request each, spread over the
 * interval, before all that waits for a worker, and only while an answer that may be served depends on it or somebody listens for events. What
 * differs from the last time is dropped from the cache and told as events. doc/changes.md says what it cannot see.
 */
#ifndef FLOW_LOOKOUT_H
#define FLOW_LOOKOUT_H

#include "flow/flow.h"

struct lookout;

struct lookout_figures {
	uint64_t polls;    /* looks at something */
	uint64_t requests; /* ... and what they took */
	uint64_t failures; /* requests without an answer to go by */
	uint64_t changes;  /* found */
	int64_t seen_ms;   /* wall clock: what was changed before has been seen; 0: nothing is known */
};

/* Starts its thread, which does nothing while [watch] names no session. conf: a reference is taken. NULL: out of memory. */
struct lookout *lookout_new(struct flow *flow, struct conf *conf);

/* Ends it. The engines may run or not. NULL is allowed. */
void lookout_free(struct lookout *lookout);

/* New settings, from the next look on. Any thread. */
void lookout_set_conf(struct lookout *lookout, struct conf *conf);

/*
 * A read that Redmine is asked for: what its answer depends on is watched for as long as that may be served, and ten
 * minutes. Any thread, cheap. NULL is allowed.
 */
void lookout_note_read(struct lookout *lookout, const struct request *r);

/* The same of an answer that is in the cache, fresh until then (wall clock). Event threads: no lock but for versions. */
void lookout_note_hit(struct lookout *lookout, const struct request *r, int64_t until_ms);

/* Counted since the start. Any thread. */
void lookout_get_figures(struct lookout *lookout, struct lookout_figures *ret);

#endif
