/* A keeper over the scripted store, and what it told of its state. */
#ifndef TESTS_CACHE_KEEPER_KIT_H
#define TESTS_CACHE_KEEPER_KIT_H

#include "cache/keeper.h"

#include "kit.h"
#include "scripted_store.h"

static struct states {
	atomic_int ready, degraded;
	char first_why[200]; /* of the first time that it was degraded */
} states;

static void see_state(void *arg, enum keeper_state state, const char *why)
{
	ck_assert_ptr_eq(arg, &states);
	if (state == KEEPER_READY) {
		atomic_fetch_add(&states.ready, 1);
	} else {
		if (atomic_load(&states.degraded) == 0)
			snprintf(states.first_why, sizeof(states.first_why), "%s", why);
		atomic_fetch_add(&states.degraded, 1);
	}
}

static struct generations *g;

static int start_result;

static struct keeper *start(int retry_min_ms, int retry_max_ms)
{
	struct keeper_settings settings = {
	        .ops = &scripted,
	        .store = {.path = "the path", .size_limit = 1000000},
	        .generations = g,
	        .queue_bytes = 1 << 20,
	        .retry_min_ms = retry_min_ms,
	        .retry_max_ms = retry_max_ms,
	        .on_state = see_state,
	        .on_state_arg = &states,
	};
	struct keeper *k = NULL;
	struct fail fail = {0};

	memset(&states, 0, sizeof(states));
	start_result = keeper_new(&settings, &k, &fail);
	ck_assert_int_ge(start_result, 0);
	return k;
}

#endif
