/*
 * How many questions Redmine takes at a time with gain: found by trying, as
 * "workers = auto" wants it. One more step up is kept when the throughput rises
 * with it, one down when it hardly falls; answers of 429, 503 and the like take
 * it down at once. Pure: time is an argument, the caller keeps threads apart.
 */
#ifndef ENGINE_LIMITER_H
#define ENGINE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

enum limiter_phase {
	LIMITER_BASE,  /* the throughput at the limit is measured */
	LIMITER_PROBE, /* ... and at another one */
	LIMITER_REST,  /* neither more nor fewer are better: nothing is tried for a while */
};

struct limiter {
	int limit; /* what may run now */
	int max;

	enum limiter_phase phase;
	int base;         /* the limit that has proved best */
	double base_rate; /* answers a second there, 0: not known */
	double step;      /* by what factor the limit is changed */
	bool up;          /* which way the next step goes */
	int failed;       /* steps since the last that was kept */
	int rests, rest;  /* how long the last rest was, what is left of it: measurements */

	int64_t began_us, last_us; /* of the measurement, of the last end */
	int skip;                  /* ends that still belong to the limit before */
	bool pressed;              /* the last end left the limit reached */
	int ends;                  /* counted, while pressed */
	int64_t measured_us;       /* ... in that time */
	int since_cut;             /* ends since the limit was taken down */
};

/* One question that has ended. */
struct limiter_end {
	int64_t now_us;  /* monotonic */
	int running;     /* as many ran when it ended, it included */
	bool overloaded; /* Redmine had too much: 429, 503, no answer in time */
};

/* start: the limit to begin with, 1 to max. */
void limiter_init(struct limiter *l, int start, int max);

/* Returns the limit from now on, 1 to max. */
int limiter_note(struct limiter *l, const struct limiter_end *end);

#endif
