/*
 * A circuit breaker: after so many failures in a row Redmine is left alone for
 * a while, then asked one question to see whether it is back. Pure but for its
 * lock; the time is an argument.
 *
 *   closed ──limit failures in a row──▶ open ──pause over──▶ half-open (one probe is out)
 *      ▲                                  ▲                       │
 *      └──────────any success─────────────┼────── success ────────┤
 *                                         └─ failure, pause twice as long
 */
#ifndef FLOW_BREAKER_H
#define FLOW_BREAKER_H

#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The first pause; each failed probe doubles it, up to the setting. */
#define BREAKER_PAUSE_MS 1000

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_HALF_OPEN,
};

enum breaker_leave {
	BREAKER_GO,    /* ask, and tell how it went */
	BREAKER_PROBE, /* ask: all others wait for how this one goes; it must be told whatever happens */
	BREAKER_STOP,  /* do not ask */
};

/* How one question went. */
enum breaker_news {
	BREAKER_GOOD, /* Redmine answered */
	BREAKER_BAD,  /* it could not be reached, did not answer in time, or its front server says so (502, 503, 504) */
	BREAKER_UNKNOWN, /* it was not asked after all, or it cannot be told */
};

struct breaker_settings {
	int limit;            /* failures in a row; 0: never open */
	int64_t pause_max_ms; /* the longest pause */
};

struct breaker {
	pthread_mutex_t lock; /* guards all */
	enum breaker_state state;
	int failures;      /* in a row */
	int64_t pause_ms;  /* of the last opening */
	int64_t until_ms;  /* OPEN: the pause ends */
	uint64_t openings; /* since the start */
};

void breaker_init(struct breaker *b);    /* closed; one thread, before any other call */
void breaker_release(struct breaker *b); /* nobody asks any more */

/* May Redmine be asked now? STOP: *ret_wait_ms says how long the pause still is, at least 1. now_ms: monotonic. Any thread. */
enum breaker_leave breaker_ask(
        struct breaker *b, const struct breaker_settings *settings, int64_t now_ms, int64_t *ret_wait_ms);

/* How it went with one that was asked: probe: what breaker_ask had said PROBE to. True: the state changed. Any thread. */
bool breaker_tell(
        struct breaker *b, const struct breaker_settings *settings, int64_t now_ms, enum breaker_news news, bool probe);

/* The state of now, and how often it has opened. Any thread. */
enum breaker_state breaker_get(struct breaker *b, uint64_t *ret_openings);

/* Its word: closed, open, half-open. Static. */
const char *breaker_state_word(enum breaker_state state);

#endif
