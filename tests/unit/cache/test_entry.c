#include "kit.h"

START_TEST(blobs_are_counted)
{
	struct blob *blob = blob_new(strdup("abc"), 3);

	ck_assert_ptr_eq(blob_ref(blob), blob);
	blob_unref(blob);
	ck_assert_uint_eq(blob->size, 3);
	ck_assert_mem_eq(blob->data, "abc", 3);
	blob_unref(blob);
	blob_unref(NULL);
}
END_TEST

START_TEST(a_blob_may_be_empty)
{
	struct blob *blob = blob_new(NULL, 0);

	ck_assert_ptr_nonnull(blob);
	ck_assert_uint_eq(blob->size, 0);
	blob_unref(blob);
}
END_TEST

START_TEST(entries_are_counted_and_half_built_ones_freed)
{
	struct entry *entry = entry_new();

	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->flags, 0);
	ck_assert(!atomic_load(&entry->retired));
	entry->reason = strdup("OK");
	ck_assert_ptr_eq(entry_ref(entry), entry);
	entry_unref(entry);
	ck_assert_str_eq(entry->reason, "OK");
	entry_unrefp(&entry);
	entry_unref(NULL);
}
END_TEST

START_TEST(the_cost_counts_everything)
{
	struct entry *entry = kit_entry(1, 0, 1000);
	size_t cost = entry_cost(entry), more;

	ck_assert_uint_ge(cost, sizeof(struct entry) + sizeof(struct blob) + 1000);
	ck_assert_uint_le(cost, 1000 + 2000);
	ck_assert_int_eq(fields_add(&entry->fields, "X-Long", "0123456789"), 0);
	more = entry_cost(entry);
	ck_assert_uint_ge(more, cost + 16);
	entry_unref(entry);
	entry = entry_new();
	ck_assert_uint_ge(entry_cost(entry), sizeof(struct entry));
	entry_unref(entry);
}
END_TEST

START_TEST(a_copied_head_shares_the_body)
{
	const uint64_t tags[] = {1, 2};
	struct generations *g = generations_new();
	struct entry *entry = kit_tagged(g, 7, 1, 100, tags, 2);
	struct entry *copy;

	entry->flags |= ENTRY_FROM_STORE;
	atomic_store(&entry->retired, true);
	copy = entry_copy_head(entry);
	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_eq(copy->body, entry->body);
	ck_assert(kit_same(copy, entry));
	ck_assert_uint_eq(copy->flags & ENTRY_FROM_STORE, 0);
	ck_assert(!atomic_load(&copy->retired));
	ck_assert_int_eq(fields_set(&copy->fields, "ETag", "new"), 0);
	ck_assert_str_eq(fields_get(&entry->fields, "ETag"), "W/\"7-1\"");
	entry_unref(entry);
	ck_assert_uint_eq(copy->body->size, 100);
	entry_unref(copy);
	generations_free(g);
}
END_TEST

UNIT_MAIN("cache/entry", blobs_are_counted, a_blob_may_be_empty, entries_are_counted_and_half_built_ones_freed,
        the_cost_counts_everything, a_copied_head_shares_the_body)
