#include "cache/keeper_inside.h"

#include "keeper_kit.h"

static struct keeper *fresh(void)
{
	script_reset();
	g = generations_new();
	return start(1, 5);
}

static void end(struct keeper *k)
{
	gate(false);
	keeper_free(k, 5000);
	ck_assert_int_eq(script.opened, script.closes);
	generations_free(g);
}

static struct keeper_figures figures(struct keeper *k)
{
	struct keeper_figures ret;

	keeper_get_figures(k, &ret);
	return ret;
}

static void put(struct keeper *k, uint64_t number, const uint64_t *tags, size_t count)
{
	struct entry *entry = kit_tagged(g, number, 0, 100, tags, count);

	keeper_put(k, entry);
	entry_unref(entry);
}

static bool may_hold(struct keeper *k, uint64_t number)
{
	struct cache_key key = kit_key(number);

	return keeper_may_hold(k, &key);
}

/* What a fetch gives: the entry, or NULL. */
static struct entry *fetch(struct keeper *k, uint64_t number)
{
	struct cache_key key = kit_key(number);
	struct kit_answer answer = {0};

	keeper_fetch(k, &key, kit_found, &answer);
	KIT_WAIT(atomic_load(&answer.times) > 0);
	ck_assert_int_eq(atomic_load(&answer.times), 1);
	return answer.entry;
}

static const uint64_t tag[] = {1};

START_TEST(puts_and_drops_arrive)
{
	struct keeper *k = fresh();
	struct cache_key key = kit_key(2);

	ck_assert_int_eq(start_result, 0);
	ck_assert(!may_hold(k, 1));
	put(k, 1, NULL, 0);
	KIT_WAIT(LOCKED(script.change_count) == 1);
	KIT_WAIT(may_hold(k, 1));
	ck_assert_int_eq(script.changes[0].kind, STORE_PUT);
	keeper_drop(k, &key);
	KIT_WAIT(LOCKED(script.change_count) == 2);
	ck_assert_int_eq(LOCKED(script.changes[1].kind), STORE_DROP);
	keeper_clear(k);
	KIT_WAIT(LOCKED(script.change_count) == 3);
	KIT_WAIT(!may_hold(k, 1));
	KIT_WAIT(figures(k).queue == 0);
	ck_assert_uint_eq(figures(k).bytes, 4711);
	ck_assert_int_eq(figures(k).state, KEEPER_READY);
	end(k);
	keeper_free(NULL, 0);
}
END_TEST

START_TEST(noted_runs_after_the_commit)
{
	struct keeper *k = fresh();
	struct kit_answer answer = {0};

	gate(true);
	generations_write_begin(g, tag, 1);
	keeper_raise(k, tag, 1, kit_noted, &answer);
	KIT_WAIT(LOCKED(script.waiting) == 1);
	ck_assert_int_eq(atomic_load(&answer.times), 0);
	gate(false);
	KIT_WAIT(atomic_load(&answer.times) == 1);
	ck_assert_uint_eq(LOCKED(script.change_count), 1);
	ck_assert_int_eq(script.changes[0].kind, STORE_GENERATION);
	ck_assert_uint_eq(script.changes[0].slot, generations_slot(1));
	ck_assert_uint_eq(script.changes[0].generation, 1);
	generations_write_end(g, tag, 1, true);
	keeper_raise(k, tag, 1, NULL, NULL);
	generations_write_begin(g, tag, 1);
	keeper_raise(k, tag, 1, NULL, NULL);
	KIT_WAIT(LOCKED(script.change_count) == 2);
	ck_assert_uint_eq(script.changes[1].generation, 2);
	end(k);
}
END_TEST

/* A later process must not find a counter lower than an entry's note, however the entry came by it. */
START_TEST(an_entry_brings_its_generations_along)
{
	struct keeper *k = fresh();

	generations_raise_to(g, generations_slot(1), 9); /* raised, and never told */
	put(k, 1, tag, 1);
	put(k, 2, tag, 1);
	KIT_WAIT(LOCKED(script.change_count) >= 3);
	ck_assert_int_eq(script.changes[0].kind, STORE_GENERATION);
	ck_assert_uint_eq(script.changes[0].generation, 9);
	ck_assert_int_eq(script.changes[1].kind, STORE_PUT);
	ck_assert_int_eq(script.changes[2].kind, STORE_PUT);
	end(k);
}
END_TEST

START_TEST(what_was_spoilt_in_the_queue_is_not_written)
{
	struct keeper *k = fresh();

	gate(true);
	put(k, 1, NULL, 0);
	KIT_WAIT(LOCKED(script.waiting) == 1);
	put(k, 2, tag, 1);
	generations_write_begin(g, tag, 1);
	generations_write_end(g, tag, 1, true);
	keeper_raise(k, tag, 1, NULL, NULL);
	gate(false);
	KIT_WAIT(LOCKED(script.change_count) == 3);
	ck_assert_int_eq(script.changes[1].kind, STORE_GENERATION);
	ck_assert_int_eq(script.changes[2].kind, STORE_DROP);
	end(k);
}
END_TEST

START_TEST(what_waits_is_found)
{
	struct keeper *k = fresh();
	struct cache_key dropped = kit_key(7);
	struct entry *entry;

	entry = fetch(k, 7);
	ck_assert_ptr_nonnull(entry);
	entry_unref(entry);
	ck_assert_ptr_null(fetch(k, 8));
	gate(true);
	put(k, 8, NULL, 0);
	entry = fetch(k, 8);
	ck_assert_ptr_nonnull(entry);
	entry_unref(entry);
	keeper_drop(k, &dropped);
	ck_assert_ptr_null(fetch(k, 7));
	KIT_WAIT(LOCKED(script.waiting) == 1);
	ck_assert_ptr_null(fetch(k, 7)); /* also while it is being written */
	keeper_clear(k);
	ck_assert_ptr_null(fetch(k, 8));
	end(k);
}
END_TEST

START_TEST(the_keys_of_an_old_store_are_learnt_in_the_background)
{
	struct keeper *k;

	script_reset();
	g = generations_new();
	script.stored_keys = 95;
	k = start(1, 5);
	KIT_WAIT(!may_hold(k, 1000));
	for (uint64_t i = 0; i < 95; i++)
		ck_assert(may_hold(k, i));
	end(k);
}
END_TEST

START_TEST(a_full_queue_gives_up_puts_but_no_generation)
{
	struct keeper *k = fresh();
	struct kit_answer answer = {0};
	size_t generations = 0;

	gate(true);
	for (uint64_t i = 0; i < 6000; i++)
		put(k, i, NULL, 0);
	generations_write_begin(g, tag, 1);
	keeper_raise(k, tag, 1, kit_noted, &answer);
	ck_assert_uint_gt(figures(k).dropped, 1000);
	ck_assert_uint_le(figures(k).queue, PENDING_PUTS_MAX + 1);
	gate(false);
	KIT_WAIT(atomic_load(&answer.times) == 1);
	KIT_WAIT(figures(k).queue == 0);
	KIT_WAIT(LOCKED(script.waiting) == 0);
	for (size_t i = 0; i < LOCKED(script.change_count); i++)
		generations += script.changes[i].kind == STORE_GENERATION;
	ck_assert_uint_eq(generations, 1);
	end(k);
}
END_TEST

START_TEST(a_failed_put_degrades_and_recovers_in_trust)
{
	struct keeper *k = fresh();

	LOCKED(script.fail_apply = -ENOSPC);
	put(k, 1, NULL, 0);
	KIT_WAIT(atomic_load(&states.degraded) == 1);
	ck_assert_ptr_nonnull(strstr(states.first_why, "as told"));
	KIT_WAIT(atomic_load(&states.ready) == 1);
	ck_assert_int_eq(LOCKED(script.distrusts), 0);
	ck_assert(!LOCKED(script.opened_distrusted));
	ck_assert_uint_eq(figures(k).dropped, 1);
	ck_assert_uint_ge(figures(k).errors, 1);
	ck_assert_str_eq(figures(k).why, "");
	LOCKED(script.fail_apply = 0);
	put(k, 2, NULL, 0);
	KIT_WAIT(LOCKED(script.change_count) == 1);
	end(k);
}
END_TEST

static void note_order(void *arg)
{
	LOCKED(*(int *)arg = ++script.order);
}

START_TEST(a_missed_generation_is_marked_before_it_is_noted)
{
	struct keeper *k = fresh();
	struct kit_answer late = {0};
	int order = 0;

	LOCKED(script.fail_open = -EIO);
	LOCKED(script.fail_apply = -EIO);
	generations_write_begin(g, tag, 1);
	keeper_raise(k, tag, 1, note_order, &order);
	KIT_WAIT(LOCKED(order) > 0);
	ck_assert_int_eq(LOCKED(script.distrusts), 1);
	ck_assert_int_gt(LOCKED(order), LOCKED(script.distrust_order));
	ck_assert_int_eq(figures(k).state, KEEPER_DEGRADED);
	ck_assert(!may_hold(k, 1));
	/* from now on nobody waits, and the mark is not made again */
	keeper_raise(k, tag, 1, kit_noted, &late);
	ck_assert_int_eq(atomic_load(&late.times), 1);
	keeper_clear(k);
	put(k, 1, NULL, 0);
	LOCKED(script.fail_open = 0);
	LOCKED(script.fail_apply = 0);
	KIT_WAIT(atomic_load(&states.ready) == 1);
	ck_assert_int_eq(LOCKED(script.distrusts), 1);
	ck_assert(LOCKED(script.opened_distrusted));
	put(k, 2, tag, 1);
	KIT_WAIT(LOCKED(script.change_count) >= 2);
	ck_assert_int_eq(script.changes[0].kind, STORE_GENERATION); /* the one that was missed */
	ck_assert_uint_eq(script.changes[0].generation, 1);
	end(k);
}
END_TEST

START_TEST(a_missed_drop_counts_as_much)
{
	struct keeper *k = fresh();
	struct cache_key key = kit_key(1);

	LOCKED(script.fail_apply = -EBUSY);
	keeper_drop(k, &key);
	KIT_WAIT(atomic_load(&states.ready) == 1);
	ck_assert_int_eq(LOCKED(script.distrusts), 1);
	ck_assert(LOCKED(script.opened_distrusted));
	LOCKED(script.fail_apply = 0);
	end(k);
}
END_TEST

START_TEST(other_rules_hold_for_a_store_that_is_opened_later)
{
	struct keeper *k = fresh();

	LOCKED(script.fail_apply = -EBUSY);
	keeper_set_rules(k, 8);
	KIT_WAIT(atomic_load(&states.ready) == 1);
	ck_assert_uint_eq(LOCKED(script.rules), 8);
	LOCKED(script.fail_apply = 0);
	end(k);
}
END_TEST

START_TEST(a_store_that_comes_late_raises_the_generations)
{
	struct keeper *k;
	struct tag_notes notes = {.count = 1, .items = {{5, 0}}};

	script_reset();
	g = generations_new();
	script.fail_open = -EACCES;
	script.loaded_generation = 40;
	k = start(1, 2);
	ck_assert_int_eq(start_result, 1);
	ck_assert_int_eq(figures(k).state, KEEPER_DEGRADED);
	ck_assert_ptr_nonnull(strstr(figures(k).why, "as told"));
	ck_assert(generations_current(g, &notes));
	LOCKED(script.fail_open = 0);
	KIT_WAIT(atomic_load(&states.ready) == 1);
	ck_assert_uint_eq(generations_get(g, 5), 40);
	ck_assert(!generations_current(g, &notes));
	end(k);
}
END_TEST

START_TEST(pauses_grow_to_their_limit)
{
	struct keeper *k;

	script_reset();
	g = generations_new();
	script.fail_open = -EACCES;
	k = start(2, 16);
	KIT_WAIT(LOCKED(script.opens) >= 8);
	for (int i = 1; i < 8; i++) {
		int64_t pause = LOCKED(script.open_at[i] - script.open_at[i - 1]), least = 2000 << (i - 1);

		ck_assert_int_ge(pause, least < 16000 ? least : 16000);
	}
	LOCKED(script.fail_open = 0);
	KIT_WAIT(figures(k).state == KEEPER_READY);
	end(k);
}
END_TEST

START_TEST(the_reader_reports_what_it_meets)
{
	struct keeper *k = fresh();

	LOCKED(script.fail_load = -EUCLEAN);
	ck_assert_ptr_null(fetch(k, 7));
	KIT_WAIT(atomic_load(&states.degraded) == 1);
	KIT_WAIT(atomic_load(&states.ready) == 1);
	ck_assert_int_eq(LOCKED(script.opens), 2);
	LOCKED(script.fail_load = -EBUSY); /* that passes */
	ck_assert_ptr_null(fetch(k, 7));
	LOCKED(script.fail_load = 0);
	entry_unref(fetch(k, 7));
	ck_assert_int_eq(atomic_load(&states.degraded), 1);
	end(k);
}
END_TEST

START_TEST(fetching_while_degraded_finds_nothing)
{
	struct keeper *k;

	script_reset();
	g = generations_new();
	script.fail_open = -EACCES;
	k = start(10000, 10000);
	ck_assert_ptr_null(fetch(k, 7));
	ck_assert_int_eq(LOCKED(script.loads), 0);
	put(k, 7, NULL, 0);
	ck_assert_uint_eq(figures(k).dropped, 1);
	end(k);
}
END_TEST

START_TEST(limits_and_trimming_are_the_writers)
{
	struct keeper *k = fresh();

	KIT_WAIT(LOCKED(script.trims) == 1);
	keeper_set_size_limit(k, 777);
	KIT_WAIT(LOCKED(script.size_limit) == 777);
	KIT_WAIT(LOCKED(script.trims) == 2);
	LOCKED(script.fail_trim = -EIO);
	keeper_set_size_limit(k, 778);
	KIT_WAIT(atomic_load(&states.degraded) == 1);
	LOCKED(script.fail_trim = 0);
	KIT_WAIT(atomic_load(&states.ready) >= 1);
	ck_assert_uint_eq(LOCKED(script.size_limit), 778);
	end(k);
}
END_TEST

static void *open_gate_soon(void *arg)
{
	KIT_WAIT(LOCKED(script.waiting) == 1);
	gate(false);
	return NULL;
}

START_TEST(the_end_writes_what_is_queued)
{
	struct keeper *k = fresh();
	struct kit_answer answer = {0};
	pthread_t thread;
	size_t puts = 0;

	gate(true);
	for (uint64_t i = 0; i < 200; i++)
		put(k, i, NULL, 0);
	KIT_WAIT(LOCKED(script.waiting) == 1);
	generations_write_begin(g, tag, 1);
	keeper_raise(k, tag, 1, kit_noted, &answer);
	ck_assert_int_eq(pthread_create(&thread, NULL, open_gate_soon, NULL), 0);
	keeper_free(k, 20000);
	pthread_join(thread, NULL);
	ck_assert_int_eq(atomic_load(&answer.times), 1);
	for (size_t i = 0; i < script.change_count; i++)
		puts += script.changes[i].kind == STORE_PUT;
	ck_assert_uint_eq(puts, 200);
	ck_assert_int_eq(script.closes, 1);
	generations_free(g);
}
END_TEST

static bool is_ending(struct keeper *k)
{
	bool ending;

	pthread_mutex_lock(&k->wake_lock);
	ending = k->stop_at != 0;
	pthread_mutex_unlock(&k->wake_lock);
	return ending;
}

static void *open_gate_at_the_end(void *keeper)
{
	KIT_WAIT(is_ending(keeper));
	gate(false);
	return NULL;
}

START_TEST(the_end_does_not_wait_for_puts_but_for_generations)
{
	struct keeper *k = fresh();
	struct kit_answer answer = {0};
	pthread_t thread;
	size_t puts = 0, raised = 0;

	gate(true);
	for (uint64_t i = 0; i < PENDING_BATCH_COUNT; i++)
		put(k, i, NULL, 0);
	KIT_WAIT(LOCKED(script.waiting) == 1);
	for (uint64_t i = 0; i < PENDING_BATCH_COUNT; i++)
		put(k, PENDING_BATCH_COUNT + i, NULL, 0);
	ck_assert_uint_gt(figures(k).queue, PENDING_URGENT_COUNT);
	generations_write_begin(g, tag, 1);
	keeper_raise(k, tag, 1, kit_noted, &answer);
	ck_assert_int_eq(pthread_create(&thread, NULL, open_gate_at_the_end, k), 0);
	keeper_free(k, 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(atomic_load(&answer.times), 1);
	for (size_t i = 0; i < script.change_count; i++) {
		puts += script.changes[i].kind == STORE_PUT;
		raised += script.changes[i].kind == STORE_GENERATION;
	}
	ck_assert_uint_le(puts, PENDING_BATCH_COUNT); /* those that were being written when the end came */
	ck_assert_uint_eq(raised, 1);
	ck_assert_int_eq(script.distrusts, 0);
	generations_free(g);
}
END_TEST

UNIT_MAIN("cache/keeper", puts_and_drops_arrive, noted_runs_after_the_commit, an_entry_brings_its_generations_along,
        what_was_spoilt_in_the_queue_is_not_written, what_waits_is_found,
        the_keys_of_an_old_store_are_learnt_in_the_background, a_full_queue_gives_up_puts_but_no_generation,
        a_failed_put_degrades_and_recovers_in_trust, a_missed_generation_is_marked_before_it_is_noted,
        a_missed_drop_counts_as_much, other_rules_hold_for_a_store_that_is_opened_later,
        a_store_that_comes_late_raises_the_generations, pauses_grow_to_their_limit, the_reader_reports_what_it_meets,
        fetching_while_degraded_finds_nothing, limits_and_trimming_are_the_writers, the_end_writes_what_is_queued,
        the_end_does_not_wait_for_puts_but_for_generations)
