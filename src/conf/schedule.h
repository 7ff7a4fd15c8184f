/*
 * Times of the week: "06:30", "mon-fri 06:30-19:00", "sat,sun 22:00-02:00". In
 * the local time of the machine, whatever it does with summer time: a time that
 * the clock skips comes as much later, one that it shows twice comes once.
 */
#ifndef CONF_SCHEDULE_H
#define CONF_SCHEDULE_H

#include "base/fail.h"

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_MAX 64 /* times of one setting */

/* One of them. */
struct schedule_time {
	unsigned days; /* bits; 1 << 0 is Sunday, as in struct tm */
	int from,
	        to; /* minutes since midnight; to: 0 to 1440, not above from: on the next day; -1: a moment, no span */
};

struct schedule {
	const struct schedule_time *items;
	size_t count;
};

/* Reads one. 0, or -EINVAL with what is wrong. Pure. */
int schedule_parse(struct schedule_time *ret, const char *text, struct fail *fail) MUST_CHECK;

/* Is it within a span now? now_ms: since 1970. Any thread. */
bool schedule_open(const struct schedule *schedule, int64_t now_ms);
/* When a moment comes or a span begins next, later than after_ms; INT64_MAX for an empty schedule. Any thread. */
int64_t schedule_next(const struct schedule *schedule, int64_t after_ms);

#endif
