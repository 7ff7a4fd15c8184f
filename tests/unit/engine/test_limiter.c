/* "workers = auto" before a Redmine of known capacity, by a clock of the test's own. */
#include "base/macros.h"
#include "engine/limiter.h"

#include "../unit.h"

#include <math.h>
#include <stdlib.h>

#define MAX_RUNNING 256

/* Renders `capacity` answers at a time; what comes beyond stands in its line, or is refused. */
struct redmine {
	int capacity;
	double service_us; /* on average */
	double jitter;     /* 0: always the same; 1: exponential */
	int line;          /* requests that may stand in line; more are answered 503. -1: any number */
};

struct world {
	struct redmine redmine;
	struct limiter limiter;
	int clients; /* ask again as soon as they are answered */
	int64_t now_us;
	int64_t ends_us[MAX_RUNNING]; /* when those that are rendered are ready */
	int rendered, in_line, running;
	long answered, refused;
	unsigned short seed[3];
};

static int64_t service_time(struct world *w)
{
	double random = -log(1 - erand48(w->seed));

	return (int64_t)(w->redmine.service_us * (1 - w->redmine.jitter + w->redmine.jitter * random)) + 1;
}

static void render(struct world *w)
{
	w->ends_us[w->rendered++] = w->now_us + service_time(w);
}

static void end(struct world *w, bool overloaded)
{
	struct limiter_end end = {.now_us = w->now_us, .running = w->running, .overloaded = overloaded};

	limiter_note(&w->limiter, &end);
	if (w->limiter.limit < 1 || w->limiter.limit > w->limiter.max)
		ck_abort_msg("limit %d", w->limiter.limit);
	w->running--;
	if (overloaded)
		w->refused++;
	else
		w->answered++;
}

/* Whatever may run is sent. */
static void send_more(struct world *w)
{
	while (w->running < w->limiter.limit && w->running < w->clients) {
		w->running++;
		if (w->rendered < w->redmine.capacity) {
			render(w);
		} else if (w->redmine.line < 0 || w->in_line < w->redmine.line) {
			w->in_line++;
		} else {
			w->now_us += 1000;
			end(w, true);
		}
	}
}

static void run_for(struct world *w, double seconds)
{
	int64_t until_us = w->now_us + (int64_t)(seconds * 1e6);

	while (w->now_us < until_us) {
		int first = 0;

		send_more(w);
		for (int i = 1; i < w->rendered; i++)
			if (w->ends_us[i] < w->ends_us[first])
				first = i;
		if (w->now_us < w->ends_us[first])
			w->now_us = w->ends_us[first];
		w->ends_us[first] = w->ends_us[--w->rendered];
		if (w->in_line > 0 && w->rendered < w->redmine.capacity) {
			w->in_line--;
			render(w);
		}
		end(w, false);
	}
}

static struct world world_of(struct redmine redmine, int start, int max, int clients)
{
	struct world w = {.redmine = redmine, .clients = clients, .seed = {1, 2, 3}};

	limiter_init(&w.limiter, start, max);
	return w;
}

/* Answers in those seconds. */
static double throughput(struct world *w, double seconds)
{
	long before = w->answered;

	run_for(w, seconds);
	return (double)(w->answered - before) / seconds;
}

/* Within 20% of the best fixed number of workers, 30 s after a start from either side. */
START_TEST(finds_what_is_sustained)
{
	static const struct redmine redmines[] = {
	        {4, 20e3, 0, -1},
	        {4, 50e3, 1, -1},
	        {4, 200e3, 0.3, -1},
	        {1, 30e3, 0.5, -1},
	        {10, 50e3, 0.5, -1},
	        {32, 100e3, 0.5, -1},
	};
	static const int starts[] = {1, 2, 8, 16, 64};

	for (size_t i = 0; i < ARRAY_SIZE(redmines); i++) {
		double best = redmines[i].capacity * 1e6 / redmines[i].service_us;

		for (size_t j = 0; j < ARRAY_SIZE(starts); j++) {
			struct world w = world_of(redmines[i], starts[j], 64, 200);
			double got;

			run_for(&w, 30);
			got = throughput(&w, 60);
			ck_assert_msg(got > best * 0.8, "capacity %d, started with %d: %.1f of %.1f a second with %d",
			        redmines[i].capacity, starts[j], got, best, w.limiter.base);
			ck_assert_msg(w.limiter.base <= redmines[i].capacity * 2, "capacity %d, started with %d: %d",
			        redmines[i].capacity, starts[j], w.limiter.base);
		}
	}
}
END_TEST

/* Redmine is given more processes, then fewer: followed within a minute. */
START_TEST(follows_what_changes)
{
	struct world w = world_of((struct redmine){4, 50e3, 0.3, -1}, 8, 64, 200);

	run_for(&w, 60);
	w.redmine.capacity = 16;
	run_for(&w, 60);
	ck_assert_double_gt(throughput(&w, 20), 16 * 20 * 0.8);
	w.redmine.capacity = 4;
	run_for(&w, 60);
	ck_assert_double_gt(throughput(&w, 20), 4 * 20 * 0.8);
	ck_assert_int_le(w.limiter.base, 8);
}
END_TEST

/* Where what stands in line is answered 503, few are. */
START_TEST(refusals_take_it_down)
{
	struct world w = world_of((struct redmine){4, 50e3, 0.3, 2}, 64, 64, 200);
	long refused;
	double got;

	run_for(&w, 5);
	ck_assert_int_le(w.limiter.limit, 8);
	refused = w.refused;
	got = throughput(&w, 60);
	ck_assert_double_gt(got, 4 * 20 * 0.8);
	ck_assert_double_lt((double)(w.refused - refused), got * 60 * 0.05);
}
END_TEST

/* Fewer clients than may run say nothing about what would be if there were more. */
START_TEST(idleness_says_nothing)
{
	struct world w = world_of((struct redmine){16, 50e3, 0.3, -1}, 8, 64, 3);

	run_for(&w, 120);
	ck_assert_int_eq(w.limiter.limit, 8);
	w.clients = 200;
	run_for(&w, 30);
	ck_assert_double_gt(throughput(&w, 20), 16 * 20 * 0.8);
	w.clients = 5; /* in the midst of trying */
	run_for(&w, 60);
	w.clients = 200;
	run_for(&w, 30);
	ck_assert_double_gt(throughput(&w, 20), 16 * 20 * 0.8);
}
END_TEST

START_TEST(one_is_the_least)
{
	struct world w = world_of((struct redmine){1, 50e3, 0, 0}, 1, 1, 200);

	run_for(&w, 20);
	ck_assert_int_eq(w.limiter.limit, 1);
	w = world_of((struct redmine){1, 50e3, 0, 0}, 64, 64, 200);
	run_for(&w, 30);
	ck_assert_int_le(w.limiter.limit, 2);
}
END_TEST

UNIT_MAIN("limiter", finds_what_is_sustained, follows_what_changes, refusals_take_it_down, idleness_says_nothing,
        one_is_the_least)
