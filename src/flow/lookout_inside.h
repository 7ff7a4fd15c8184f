/*
 * What lookout.c, which asks, and lookout_issues.c, which knows the list of issues, share. Inside the flow only.
 */
#ifndef FLOW_LOOKOUT_INSIDE_H
#define FLOW_LOOKOUT_INSIDE_H

#include "flow/lookout.h"
#include "redmine/issue_rows.h"

#define WATCH_KNOWN_MAX 1200

struct known_issue {
	struct issue_row row;
	bool again; /* dropped once; a second change within its second would not show */
};

/* The issues that were changed last, as they were at the last round. */
struct watched_issues {
	bool begun;
	uint64_t total, id_max;
	int64_t newest_s;
	int64_t newest_seen_us;    /* when that was seen first, monotonic */
	struct known_issue *known; /* those within the overlap */
	size_t known_count;
};

/* One round. */
struct watch_round {
	struct lookout *lookout;
	struct conf *conf;
	const struct conf_session *session;
};

/* Asks Redmine and waits; the body of a 200 in *body. The status, 0: no answer, or not in JSON. The watcher's thread. */
unsigned lookout_ask(const struct watch_round *round, const char *target, struct buf *body);

/* Raises the tags and tells it. The watcher's thread. */
void lookout_found(const struct watch_round *round, const struct tags *tags);

/* Compares the list of issues with that of the last round. */
void watch_issues(const struct watch_round *round, struct watched_issues *issues);

/* Frees what it holds. */
void watched_issues_release(struct watched_issues *issues);

#endif
