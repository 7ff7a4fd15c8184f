#include "cache/pending.h"

#include "kit.h"

static bool put(struct pending *p, uint64_t number, unsigned version, size_t size)
{
	struct entry *entry = kit_entry(number, version, size);
	bool taken = pending_put(p, entry);

	entry_unref(entry);
	return taken;
}

static void drop(struct pending *p, uint64_t number)
{
	struct cache_key key = kit_key(number);

	pending_drop(p, &key);
}

static enum pending_seen look(struct pending *p, uint64_t number)
{
	struct cache_key key = kit_key(number);
	struct entry *entry = NULL;
	enum pending_seen seen = pending_look(p, &key, &entry);

	ck_assert_int_eq(entry != NULL, seen == PENDING_ENTRY);
	entry_unref(entry);
	return seen;
}

static void free_waiters(struct pending_batch *batch)
{
	while (batch->waiters) {
		struct pending_waiter *next = batch->waiters->next;

		batch->waiters->noted(batch->waiters->arg);
		free(batch->waiters);
		batch->waiters = next;
	}
}

static void finish(struct pending *p)
{
	struct pending_batch batch;

	while (pending_take(p, &batch)) {
		pending_done(p, &batch);
		free_waiters(&batch);
	}
	pending_free(p);
}

START_TEST(keeps_the_order_and_the_latest)
{
	struct pending *p = pending_new(1 << 20);
	struct pending_batch batch;

	ck_assert(!pending_take(p, &batch));
	ck_assert(put(p, 1, 0, 10));
	ck_assert(put(p, 2, 0, 10));
	ck_assert(put(p, 1, 1, 10));
	drop(p, 2);
	drop(p, 3);
	ck_assert(put(p, 3, 0, 10));
	ck_assert_uint_eq(pending_count(p), 3);
	ck_assert(pending_take(p, &batch));
	ck_assert_uint_eq(batch.item_count, 3);
	ck_assert_int_eq(batch.items[0]->entry->status, 201);
	ck_assert_ptr_null(batch.items[1]->entry);
	ck_assert_ptr_nonnull(batch.items[2]->entry);
	ck_assert_uint_eq(pending_count(p), 0);
	pending_done(p, &batch);
	finish(p);
	pending_free(NULL);
}
END_TEST

START_TEST(what_is_under_way_stays_visible)
{
	struct pending *p = pending_new(1 << 20);
	struct pending_batch batch;

	ck_assert_int_eq(look(p, 1), PENDING_UNKNOWN);
	ck_assert(put(p, 1, 0, 10));
	drop(p, 2);
	ck_assert_int_eq(look(p, 1), PENDING_ENTRY);
	ck_assert_int_eq(look(p, 2), PENDING_GONE);
	ck_assert(pending_take(p, &batch));
	ck_assert_int_eq(look(p, 1), PENDING_ENTRY);
	ck_assert_int_eq(look(p, 2), PENDING_GONE);
	drop(p, 1);
	ck_assert_int_eq(look(p, 1), PENDING_GONE);
	pending_done(p, &batch);
	ck_assert_int_eq(look(p, 1), PENDING_GONE);
	ck_assert_int_eq(look(p, 2), PENDING_UNKNOWN);
	finish(p);
}
END_TEST

START_TEST(a_clear_covers_what_came_before)
{
	struct pending *p = pending_new(1 << 20);
	struct pending_batch batch;

	ck_assert(put(p, 1, 0, 10));
	drop(p, 2);
	pending_clear(p);
	ck_assert(put(p, 3, 0, 10));
	ck_assert_int_eq(look(p, 1), PENDING_GONE);
	ck_assert_int_eq(look(p, 99), PENDING_GONE);
	ck_assert_int_eq(look(p, 3), PENDING_ENTRY);
	ck_assert_uint_eq(pending_count(p), 2);
	ck_assert(pending_take(p, &batch));
	ck_assert(batch.clear);
	ck_assert_uint_eq(batch.item_count, 1);
	ck_assert_int_eq(look(p, 1), PENDING_GONE);
	ck_assert_int_eq(look(p, 3), PENDING_ENTRY);
	pending_done(p, &batch);
	ck_assert_int_eq(look(p, 1), PENDING_UNKNOWN);
	finish(p);
}
END_TEST

START_TEST(puts_are_given_up_by_bytes)
{
	struct pending *p = pending_new(100000);
	struct pending_batch batch;

	ck_assert(put(p, 1, 0, 200000)); /* the only one */
	ck_assert(!put(p, 2, 0, 10));
	ck_assert(!put(p, 1, 1, 10)); /* an older one must not outlive a newer one */
	ck_assert_int_eq(look(p, 1), PENDING_GONE);
	ck_assert_int_eq(look(p, 2), PENDING_UNKNOWN);
	for (uint64_t i = 10; i < 100; i++)
		if (!put(p, i, 0, 9000))
			break;
	ck_assert_uint_le(pending_count(p), 11);
	ck_assert_uint_ge(pending_count(p), 9);
	ck_assert(pending_take(p, &batch));
	pending_done(p, &batch);
	ck_assert(put(p, 2, 0, 10));
	finish(p);
}
END_TEST

START_TEST(puts_are_given_up_by_number)
{
	struct pending *p = pending_new(UINT64_C(1) << 40);

	for (uint64_t i = 0; i < PENDING_PUTS_MAX; i++)
		ck_assert(put(p, i, 0, 1));
	ck_assert(!put(p, PENDING_PUTS_MAX, 0, 1));
	drop(p, PENDING_PUTS_MAX); /* drops are not */
	ck_assert_int_eq(look(p, PENDING_PUTS_MAX), PENDING_GONE);
	ck_assert_uint_eq(pending_forget_puts(p), PENDING_PUTS_MAX);
	ck_assert_uint_eq(pending_count(p), 1);
	finish(p);
}
END_TEST

START_TEST(too_many_drops_become_a_clear)
{
	struct pending *p = pending_new(1 << 20);
	struct pending_batch batch;

	for (uint64_t i = 0; i <= PENDING_DROPS_MAX; i++)
		drop(p, i);
	ck_assert_int_eq(look(p, 0), PENDING_GONE);
	ck_assert(pending_take(p, &batch));
	ck_assert(batch.clear);
	ck_assert_uint_eq(batch.item_count, 0);
	pending_done(p, &batch);
	finish(p);
}
END_TEST

START_TEST(slots_coalesce_and_waiters_do_not)
{
	const uint64_t tags[] = {1, 2}, more[] = {2, 3};
	struct pending *p = pending_new(1 << 20);
	struct pending_batch batch;
	struct kit_answer first = {0}, second = {0};

	ck_assert(pending_raise(p, tags, 2, kit_noted, &first));
	ck_assert(pending_raise(p, more, 2, kit_noted, &second));
	ck_assert(pending_raise(p, more, 2, NULL, NULL));
	ck_assert_uint_eq(pending_count(p), 3);
	ck_assert(pending_take(p, &batch));
	ck_assert_uint_eq(batch.slot_count, 3);
	for (size_t i = 1; i < 3; i++)
		ck_assert_uint_lt(batch.slots[i - 1], batch.slots[i]);
	ck_assert_ptr_eq(batch.waiters->arg, &first);
	ck_assert_ptr_eq(batch.waiters->next->arg, &second);
	ck_assert_ptr_null(batch.waiters->next->next);
	pending_done(p, &batch);
	free_waiters(&batch);
	ck_assert_int_eq(atomic_load(&first.times), 1);
	ck_assert(!pending_take(p, &batch));
	finish(p);
}
END_TEST

START_TEST(every_slot_can_wait)
{
	struct pending *p = pending_new(1 << 20);
	struct pending_batch batch;
	bool well = true;

	for (uint64_t tag = 0; tag < 10 * GENERATION_SLOTS; tag++)
		well &= pending_raise(p, &tag, 1, NULL, NULL);
	ck_assert(well);
	ck_assert(pending_take(p, &batch));
	ck_assert_uint_gt(batch.slot_count, GENERATION_SLOTS * 9 / 10);
	ck_assert_uint_le(batch.slot_count, GENERATION_SLOTS);
	pending_done(p, &batch);
	finish(p);
}
END_TEST

START_TEST(says_what_is_urgent)
{
	const uint64_t tags[] = {1};
	struct pending *p = pending_new(UINT64_C(1) << 40);
	struct pending_batch batch;

	ck_assert(!pending_urgent(p));
	ck_assert(put(p, 1, 0, 10));
	ck_assert(!pending_urgent(p));
	drop(p, 2);
	ck_assert(pending_urgent(p));
	ck_assert(pending_take(p, &batch));
	pending_done(p, &batch);
	ck_assert(!pending_urgent(p));
	ck_assert(pending_raise(p, tags, 1, NULL, NULL));
	ck_assert(pending_urgent(p));
	ck_assert(pending_take(p, &batch));
	pending_done(p, &batch);
	ck_assert(put(p, 1, 0, PENDING_BATCH_BYTES));
	ck_assert(pending_urgent(p));
	finish(p);
}
END_TEST

START_TEST(a_batch_is_bounded)
{
	struct pending *p = pending_new(UINT64_C(1) << 40);
	struct pending_batch batch;

	for (uint64_t i = 0; i < 3 * PENDING_BATCH_COUNT; i++)
		ck_assert(put(p, i, 0, 1));
	ck_assert(pending_take(p, &batch));
	ck_assert_uint_eq(batch.item_count, PENDING_BATCH_COUNT);
	pending_done(p, &batch);
	ck_assert_uint_eq(pending_forget_puts(p), 2 * PENDING_BATCH_COUNT);
	for (uint64_t i = 0; i < 4; i++)
		ck_assert(put(p, i, 0, PENDING_BATCH_BYTES));
	ck_assert(pending_take(p, &batch));
	ck_assert_uint_eq(batch.item_count, 1);
	pending_done(p, &batch);
	finish(p);
}
END_TEST

UNIT_MAIN("cache/pending", keeps_the_order_and_the_latest, what_is_under_way_stays_visible,
        a_clear_covers_what_came_before, puts_are_given_up_by_bytes, puts_are_given_up_by_number,
        too_many_drops_become_a_clear, slots_coalesce_and_waiters_do_not, every_slot_can_wait, says_what_is_urgent,
        a_batch_is_bounded)
