/*
 * The last requests as people want to see them: those that were not answered
 * from what an event thread keeps ready, those that were slow or failed, and,
 * while somebody watches, all of them as they end.
 */
#ifndef FRONT_RECORDS_H
#define FRONT_RECORDS_H

#include "flow/cache_status.h"

#include <stdint.h>

#define RECORD_TARGET  240 /* bytes shown of a target, with the NUL */
#define RECORDS_LAST   512 /* kept */
#define RECORDS_BAD    32  /* slow or failed ones kept */
#define RECORD_SLOW_US 1000000

/* One request as it ended; plain data. */
struct record {
	int64_t at_ms; /* wall clock, of its end */
	char method[12];
	char target[RECORD_TARGET]; /* with credentials cut (redmine/redact.h) */
	char client[48];
	char identity[8];     /* as in the log */
	const char *resource; /* static */
	unsigned status;      /* 0: the client left before an answer */
	enum cache_kind kind;
	enum cache_forward why; /* why Redmine was asked */
	bool stored;
	uint64_t sent;
	int64_t duration_us, upstream_us; /* upstream: -1 when Redmine was not asked */
};

struct records;
struct watcher;

/* NULL: out of memory. _free: NULL is allowed; no watcher is left. */
struct records *records_new(void);
void records_free(struct records *records);

/* True while somebody watches: then those that are answered from what is kept ready are wanted, too. Any thread, one load. */
bool records_watched(const struct records *records);

/* Keeps a copy, and shows it to those who watch. last: to be kept among the last ones. A short lock, no I/O. Any thread. */
void records_add(struct records *records, const struct record *record, bool last);

/* The newest one of that target (as shown) among the last that was not a hit. Any thread. */
bool records_find_miss(struct records *records, const char *target, struct record *ret);

/* Slow and failed ones, newest first, at most max; returns how many. Any thread. */
size_t records_bad(struct records *records, struct record *ret, size_t max);

/* Sees every request that ends from now on. NULL: out of memory. The caller's until watcher_free. */
struct watcher *watcher_new(struct records *records);
void watcher_free(struct watcher *watcher);

/* The next one into *ret, waiting for it at most so long: true; false: none came. Those for which there was no room are counted in *ret_lost. */
bool watcher_next(struct watcher *watcher, int64_t timeout_ms, struct record *ret, uint64_t *ret_lost);

#endif
