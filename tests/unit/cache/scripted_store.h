/* A store for tests of the keeper, which each includes for itself. */
#ifndef CACHE_SCRIPTED_STORE_H
#define CACHE_SCRIPTED_STORE_H

#include "cache/store.h"

#include "kit.h"

#include <time.h>

/*
 * A store that does as it is told: it keeps nothing, writes down what it was
 * asked, fails with the code it was given, and holds an apply() back while its gate is shut.
 */
static struct script {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool gate_shut;
	int waiting; /* applies at the gate */

	int fail_open, fail_apply, fail_load, fail_trim; /* 0 or a negative errno */
	int opens, opened, closes, distrusts, loads, trims;
	bool opened_distrusted;
	uint32_t rules; /* of the last opening */
	int64_t open_at[64];
	uint64_t size_limit;
	uint64_t stored_keys; /* what keys() gives: the kit's keys from 0 on */

	struct store_change changes[4096];
	size_t change_count;
	uint32_t loaded_generation; /* of slot 5 */
	int order;                  /* of events, for those who ask which came first */
	int distrust_order;
} script;

static void script_reset(void)
{
	memset(&script, 0, sizeof(script));
	pthread_mutex_init(&script.lock, NULL);
	pthread_cond_init(&script.moved, NULL);
}

#define LOCKED(expression)                                                                                             \
	({                                                                                                             \
		pthread_mutex_lock(&script.lock);                                                                      \
		__typeof__(expression) value_ = (expression);                                                          \
		pthread_mutex_unlock(&script.lock);                                                                    \
		value_;                                                                                                \
	})

static int said(struct fail *fail, int code)
{
	return code < 0 ? fail_set(fail, code, "as told (%d)", code) : code;
}

static int script_open(const struct store_settings *settings, struct store **ret, struct fail *fail)
{
	int r;

	pthread_mutex_lock(&script.lock);
	script.open_at[script.opens++ % 64] = clock_monotonic_us();
	script.opened_distrusted = settings->distrusted;
	script.rules = settings->rules;
	script.size_limit = settings->size_limit;
	r = said(fail, script.fail_open);
	script.opened += r >= 0;
	pthread_mutex_unlock(&script.lock);
	if (r >= 0)
		*ret = (struct store *)&script;
	return r;
}

static void script_close(struct store *store)
{
	LOCKED(script.closes++);
}

static int script_distrust(const struct store_settings *settings, struct fail *fail)
{
	ck_assert_str_eq(settings->path, "the path");
	pthread_mutex_lock(&script.lock);
	script.distrusts++;
	script.distrust_order = ++script.order;
	pthread_mutex_unlock(&script.lock);
	return 0;
}

static int script_load_generations(
        struct store *store, void (*each)(void *, uint32_t, uint32_t), void *arg, struct fail *fail)
{
	if (script.loaded_generation)
		each(arg, 5, script.loaded_generation);
	return 0;
}

static int script_load(struct store *store, const struct cache_key *key, struct entry **ret, struct fail *fail)
{
	struct cache_key known = kit_key(7);
	int r;

	pthread_mutex_lock(&script.lock);
	script.loads++;
	r = script.fail_load ? said(fail, script.fail_load) : cache_key_equal(key, &known) ? 0 : -ENOENT;
	pthread_mutex_unlock(&script.lock);
	if (r == 0)
		*ret = kit_entry(7, 0, 10);
	return r;
}

static int script_keys(struct store *store, struct cache_key *cursor, unsigned max,
        void (*each)(void *, const struct cache_key *), void *arg, struct fail *fail)
{
	uint64_t from;

	memcpy(&from, cursor->bytes, sizeof(from)); /* the cursor is the store's to make sense of */
	for (unsigned i = 0; i < 10 && from < script.stored_keys; i++, from++) {
		struct cache_key key = kit_key(from);

		each(arg, &key);
	}
	memcpy(cursor->bytes, &from, sizeof(from));
	return from < script.stored_keys;
}

static int script_apply(struct store *store, struct store_change *changes, size_t count, struct fail *fail)
{
	int r;

	pthread_mutex_lock(&script.lock);
	script.waiting++;
	pthread_cond_broadcast(&script.moved);
	while (script.gate_shut)
		pthread_cond_wait(&script.moved, &script.lock);
	script.waiting--;
	r = said(fail, script.fail_apply);
	for (size_t i = 0; r == 0 && i < count && script.change_count < ARRAY_SIZE(script.changes); i++) {
		script.changes[script.change_count] = changes[i];
		script.changes[script.change_count++].entry = NULL;
	}
	script.order++;
	pthread_mutex_unlock(&script.lock);
	return r;
}

static int script_trim(struct store *store, const struct store_present *present, struct fail *fail)
{
	ck_assert_ptr_nonnull(present->generations);
	pthread_mutex_lock(&script.lock);
	script.trims++;
	int r = said(fail, script.fail_trim);
	pthread_mutex_unlock(&script.lock);
	return r;
}

static void script_set_size_limit(struct store *store, uint64_t size_limit)
{
	LOCKED(script.size_limit = size_limit);
}

static int script_figures(struct store *store, struct store_figures *ret, struct fail *fail)
{
	*ret = (struct store_figures){.entries = script.stored_keys, .bytes = 4711};
	return 0;
}

static const struct store_ops scripted = {
        .name = "scripted",
        .open = script_open,
        .close = script_close,
        .distrust = script_distrust,
        .load_generations = script_load_generations,
        .load = script_load,
        .keys = script_keys,
        .apply = script_apply,
        .trim = script_trim,
        .set_size_limit = script_set_size_limit,
        .figures = script_figures,
};

static void gate(bool shut)
{
	pthread_mutex_lock(&script.lock);
	script.gate_shut = shut;
	pthread_cond_broadcast(&script.moved);
	pthread_mutex_unlock(&script.lock);
}

#endif
