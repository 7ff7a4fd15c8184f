/*
 * What lookout.c, which asks and has the thread, lookout_lists.c, which knows what is watched, and lookout_issues.c, which
 * knows the list of issues, share. Inside the flow only.
 */
#ifndef FLOW_LOOKOUT_INSIDE_H
#define FLOW_LOOKOUT_INSIDE_H

#include "flow/lookout.h"
#include "redmine/issue_rows.h"

#define WATCH_KNOWN_MAX 400
#define WATCH_PATH_SIZE 160
#define WATCH_LISTS_MAX 16 /* lists of versions, single ones */
#define WATCH_MAX       (3 + WATCH_LISTS_MAX)
#define WATCH_THREADS                                                                                                  \
	4 /* one for each of the three lists, and one for versions: no look waits for another one's answer */

struct known_issue {
	struct issue_row row;
	int64_t again_us; /* monotonic: until then another change within its second would not show; 0: it would */
};

/* The issues that were changed last, as they were at the last look. */
struct watched_issues {
	bool begun;
	uint64_t total, id_max;
	int64_t newest_s;
	int64_t newest_seen_ms;    /* when that was seen first, wall clock */
	int64_t wide_ms;           /* of the last look at all of the overlap, wall clock */
	struct known_issue *known; /* those within the overlap */
	size_t known_count;
};

/* Something that is looked at once in an interval. Under the lookout's lock but where it says so. */
struct watched {
	char target[WATCH_PATH_SIZE]; /* a list, compared byte for byte; "": the list of issues, or a free place */
	unsigned classes;             /* what a difference raises */
	bool begun;                   /* how it was is known */
	bool busy;                    /* somebody looks at it now */
	bool failing;                 /* the last look had no answer to go by */
	uint64_t digest;
	int64_t due_us;            /* monotonic */
	int64_t seen_ms;           /* wall clock: begin of the last look that had an answer; 0: none */
	_Atomic int64_t wanted_ms; /* wall clock: an answer that depends on it may be served until then; no lock */
};

enum { WATCH_ISSUES, WATCH_TIME_ENTRIES, WATCH_PROJECTS, WATCH_VERSIONS };

struct lookout {
	struct flow *flow;
	pthread_t threads[WATCH_THREADS];
	size_t thread_count;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct conf *conf;
	bool stop;
	struct watched watched[WATCH_MAX];
	size_t looking; /* looks under way */
	char *session;  /* whose eyes these are; stays while somebody looks */

	struct watched_issues issues; /* of whoever looks at them */

	atomic_bool idle; /* no session is named */
	atomic_ullong polls, requests, failures, changes;
};

/* One look. */
struct watch_round {
	struct lookout *lookout;
	struct conf *conf;
	const struct conf_session *session;
	size_t index; /* of what is looked at */
};

/* Asks Redmine and waits; the body of a 200 in *body. The status, 0: no answer, or not in JSON. A thread of the watcher's. */
unsigned lookout_ask(const struct watch_round *round, const char *target, struct buf *body);

/* Raises the tags and tells it. A thread of the watcher's. */
void lookout_found(const struct watch_round *round, const struct tags *tags);

/* Everything begins anew: another session sees other things. Locked. */
void watched_reset(struct lookout *lookout);

/*
 * The index of what is to be looked at next, or -1 where nothing of what is watched is wanted, but what somebody looks at
 * already, and with one of versions all of these; *ret_due_us: when, on the monotonic clock. listened: somebody listens for events, so that all but the lists of versions are wanted. Locked.
 */
int watched_next(struct lookout *lookout, bool listened, int64_t *ret_due_us);

/* Looks at it and compares. False: there was no answer to go by. A thread of the watcher's, unlocked. */
bool watched_look(const struct watch_round *round);

/* Compares the list of issues with that of the last look. False: there was no answer to go by. */
bool watch_issues(const struct watch_round *round, struct watched_issues *issues);

/* Frees what it holds. */
void watched_issues_release(struct watched_issues *issues);

#endif
