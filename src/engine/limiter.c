#include "engine/limiter.h"

#include "base/macros.h"

/* A measurement has so many ends at least, and as many for each that may run. */
#define ENDS_MIN  48
#define ENDS_EACH 4
/* ... and while what they say could be chance, so many times as many. */
#define ENDS_DOUBTFUL 4
#define MEASURE_US    (250 * 1000)
/* ... and of a step that falls short by far these do. */
#define ENDS_HOPELESS 12
/* ... but of a slow Redmine fewer do. */
#define SLOW_US   (3 * 1000 * 1000)
#define SLOW_EACH 2
#define SLOW_MIN  8
/* What cannot be measured, because not so many are asked for, is given up. */
#define GIVE_UP_US (10 * 1000 * 1000)
#define STEP_FIRST 2.0
#define STEP_LEAST 1.5
/* Of what a step could bring so much has to come, and so much may be lost by one down. */
#define GAIN_WANTED  0.4
#define LOSS_ALLOWED 0.3
/* One of so many is left after too much. */
#define CUT          0.7
#define REST_FIRST   8
#define REST_LONGEST 64
/* A throughput that differs so much from what it was ends a rest. */
#define REST_DIFFERS 0.3

static void measure(struct limiter *l, enum limiter_phase phase, int limit)
{
	l->phase = phase;
	l->skip = limit > l->limit ? limit : l->limit;
	l->limit = limit;
	l->began_us = l->last_us;
	l->ends = 0;
	l->measured_us = 0;
	l->pressed = false;
}

void limiter_init(struct limiter *l, int start, int max)
{
	ASSERT(start >= 1 && start <= max);
	*l = (struct limiter){
	        .limit = start, .max = max, .base = start, .step = STEP_FIRST, .up = true, .rests = REST_FIRST / 2};
	l->since_cut = max;
}

static int next_limit(const struct limiter *l)
{
	int limit = (int)(l->up ? l->base * l->step + 0.5 : l->base / l->step);

	if (limit == l->base)
		limit += l->up ? 1 : -1;
	if (limit < 1)
		return 1;
	return limit > l->max ? l->max : limit;
}

static void take_rest(struct limiter *l)
{
	l->rests = l->rests * 2 > REST_LONGEST ? REST_LONGEST : l->rests * 2;
	l->rest = l->rests;
	l->failed = 0;
	measure(l, LIMITER_REST, l->base);
}

/* The other way, by a smaller step. */
static void turn_round(struct limiter *l)
{
	l->up = !l->up;
	l->failed++;
	l->step = STEP_LEAST;
}

/* Leaves a base whose rate is known for another limit, or rests when there is none. */
static void probe(struct limiter *l)
{
	if (next_limit(l) == l->base)
		turn_round(l);
	if (l->failed > 2 || next_limit(l) == l->base)
		take_rest(l);
	else
		measure(l, LIMITER_PROBE, next_limit(l));
}

/* The throughput from which on a step is kept. */
static double wanted_rate(const struct limiter *l)
{
	double change = (double)l->limit / l->base - 1;

	return l->base_rate * (1 + change * (change > 0 ? GAIN_WANTED : LOSS_ALLOWED));
}

static void conclude(struct limiter *l, double rate)
{
	switch (l->phase) {
	case LIMITER_BASE:
		l->base_rate = l->failed > 0 ? (l->base_rate + rate) / 2
		                             : rate; /* known from before the step that failed */
		probe(l);
		return;
	case LIMITER_PROBE:
		if (rate >= wanted_rate(l)) {
			l->base = l->limit;
			l->base_rate = rate;
			l->failed = 0;
			l->rests = REST_FIRST / 2;
			probe(l);
			return;
		}
		turn_round(l);
		measure(l, LIMITER_BASE, l->base);
		return;
	case LIMITER_REST:
		if (rate < l->base_rate * (1 - REST_DIFFERS) || rate > l->base_rate * (1 + REST_DIFFERS)) {
			l->rests = REST_FIRST / 2;
			l->rest = 1;
		}
		measure(l, --l->rest > 0 ? LIMITER_REST : LIMITER_BASE, l->base);
		return;
	}
	WRONG("a phase outside its enum");
}

static void cut(struct limiter *l)
{
	int limit = (int)(l->limit * CUT);

	l->since_cut = 0;
	l->base = limit > 1 ? limit : 1;
	l->base_rate = 0;
	l->step = STEP_LEAST;
	l->up = true;
	l->rests = REST_FIRST / 2;
	take_rest(l);
}

static double rate_of(const struct limiter *l)
{
	return l->ends * 1e6 / (double)l->measured_us;
}

/* Answers take random times: n of them tell their rate to about 1/sqrt(n). In units of that, and negative when a step falls short. */
static double certainty(const struct limiter *l)
{
	double difference = rate_of(l) / wanted_rate(l) - 1;

	return (difference < 0 ? -difference : difference) * difference * l->ends;
}

static bool is_doubtful(const struct limiter *l, int many)
{
	return l->phase == LIMITER_PROBE && l->ends < many * ENDS_DOUBTFUL && certainty(l) > -1 && certainty(l) < 1;
}

/* A step that costs this much is taken back early. */
static bool is_hopeless(const struct limiter *l)
{
	return l->phase == LIMITER_PROBE && l->ends >= ENDS_HOPELESS && certainty(l) < -3;
}

static bool is_measured(const struct limiter *l)
{
	int many = l->limit * ENDS_EACH > ENDS_MIN ? l->limit * ENDS_EACH : ENDS_MIN;
	int few = l->limit * SLOW_EACH > SLOW_MIN ? l->limit * SLOW_EACH : SLOW_MIN;

	return is_hopeless(l) || (l->ends >= many && l->measured_us >= MEASURE_US && !is_doubtful(l, many)) ||
	       (l->ends >= few && l->measured_us >= SLOW_US);
}

int limiter_note(struct limiter *l, const struct limiter_end *end)
{
	int64_t passed_us = end->now_us - l->last_us;

	l->last_us = end->now_us;
	l->since_cut++;
	if (end->overloaded && l->since_cut > l->limit) {
		cut(l);
		return l->limit;
	}
	if (l->skip > 0) {
		l->skip--;
		l->began_us = end->now_us;
		return l->limit;
	}
	if (l->pressed) {
		l->ends += !end->overloaded;
		l->measured_us += passed_us;
	}
	l->pressed = end->running >= l->limit;
	if (is_measured(l))
		conclude(l, rate_of(l));
	else if (l->phase == LIMITER_PROBE && end->now_us - l->began_us > GIVE_UP_US)
		take_rest(l);
	return l->limit;
}
