/*
 * What the fake Redmine of bench/ answers: no sockets here, only bytes.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum { ANSWER_PARTS = 4, ANSWER_HEAD_LIMIT = 1024 };

/* One answer as the parts of a sendmsg(). They point into the answer itself and into prepared bodies. */
struct answer {
	struct iovec part[ANSWER_PARTS];
	int parts;
	bool last;    /* close the connection afterwards */
	bool counted; /* a request as a proxy makes them; not one to /bench/origin */
	char head[ANSWER_HEAD_LIMIT], lead[192], tail[96];
};

/* What has been asked so far, and how the answers are given. Changed by answer_make() and by whoever sends. */
struct answer_counters {
	uint64_t requests, connections, not_modified;
	unsigned in_flight, in_flight_most;
	uint64_t latency; /* nanoseconds to hold each counted answer back */
};
extern struct answer_counters answer_counters;

/*
 * Make the bodies: a list of total rows of row_size bytes (320 or more), and single issues whose whole
 * body has issue_size bytes (256 or more). Once, before answer_make(). Ends the program if memory is short.
 */
void answers_prepare(unsigned total, unsigned row_size, unsigned issue_size);

/*
 * Fill ret with the answer to the request whose head, up to its empty line and with a NUL after it, is at text.
 * The text is cut up. The answer stays valid, where it is, until it is made again.
 */
void answer_make(struct answer *ret, char *text);

#endif
