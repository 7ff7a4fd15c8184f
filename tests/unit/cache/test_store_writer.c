#include "cache/store_sqlite.h"

#include "store_kit.h"

#include <fcntl.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

static struct store *open_limited(const char *path, uint64_t limit)
{
	struct store_settings settings = {.path = path, .size_limit = limit};
	struct store *store = NULL;
	struct fail fail = {0};

	ck_assert_msg(store_sqlite.open(&settings, &store, &fail) == 0, "%s", fail.text);
	return store;
}

/* The file with its journal. */
static uint64_t bytes_of(const char *path)
{
	char journal[600];

	snprintf(journal, sizeof(journal), "%s-wal", path);
	return kit_size(path) + kit_size(journal);
}

/* Puts so many entries of random sizes in batches as the keeper makes them; the store's files never pass the limit. */
static void flood(struct store *store, const char *path, uint64_t limit, uint64_t first, uint64_t bytes, size_t largest)
{
	struct store_change changes[64];
	uint64_t state = first, done = 0, number = first;

	while (done < bytes) {
		size_t count = 0, batch = 0;

		while (count < ARRAY_SIZE(changes) && batch < MIB) {
			size_t size = kit_random(&state) % 10 ? kit_random(&state) % 4000
			                                      : kit_random(&state) % largest;
			struct entry *entry = kit_entry(number++, 0, size);

			changes[count++] = (struct store_change){.kind = STORE_PUT, .key = entry->key, .entry = entry};
			batch += size;
		}
		ck_assert_int_eq(store_sqlite.apply(store, changes, count, NULL), 0);
		for (size_t i = 0; i < count; i++)
			entry_unref(changes[i].entry);
		ck_assert_uint_le(bytes_of(path), limit);
		done += batch;
	}
}

static void stays_below(uint64_t limit, size_t largest)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, limit);

	flood(store, path, limit, 1, 10 * limit, largest);
	ck_assert_uint_gt(store_kit_entries(store), 10);
	ck_assert_uint_gt(bytes_of(path), limit / 2); /* and the room is used */
	store_sqlite.close(store);
	ck_assert_uint_le(bytes_of(path), limit);
	ck_assert(store_kit_intact(path));
	ck_assert_int_eq(store_kit_sql(path, "SELECT (SELECT count(*) FROM heads) = (SELECT count(*) FROM bodies)"), 1);
	ck_assert_int_eq(store_kit_sql(path, "SELECT entries = (SELECT count(*) FROM heads) FROM meta"), 1);
}

START_TEST(ten_times_the_limit_of_small_ones)
{
	stays_below(4 * MIB, 4000);
}
END_TEST

START_TEST(ten_times_the_limit_of_large_ones)
{
	stays_below(16 * MIB, 900 * KIB);
}
END_TEST

START_TEST(ten_times_a_tiny_limit)
{
	stays_below(MIB, 30 * KIB);
}
END_TEST

START_TEST(the_least_recently_stored_go_first)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, 2 * MIB);
	uint64_t last = 3000;

	for (uint64_t i = 0; i < last; i++)
		ck_assert(store_kit_put(store, i, 0, 2000));
	ck_assert_int_eq(store_kit_look(store, last - 1, 0, 2000), 0);
	ck_assert_int_eq(store_kit_look(store, last - 400, 0, 2000), 0);
	ck_assert_int_eq(store_kit_look(store, 0, 0, 2000), -ENOENT);
	ck_assert_int_eq(store_kit_look(store, last - 1200, 0, 2000), -ENOENT);
	store_sqlite.close(store);
}
END_TEST

START_TEST(one_that_is_too_large_is_skipped)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, 4 * MIB);

	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert(!store_kit_put(store, 1, 1, MIB));
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT); /* the older one is not what was put last */
	ck_assert(store_kit_put(store, 2, 0, 200 * KIB));
	ck_assert_uint_eq(store_kit_entries(store), 1);
	store_sqlite.close(store);
}
END_TEST

/* The defaults: objects up to 8 MiB, a store of 256 MiB. */
START_TEST(the_largest_object_fits_the_default_store)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store *store = open_limited(kit_path(folder, "c.db"), 256 * MIB);

	ck_assert(store_kit_put(store, 1, 0, 8 * MIB));
	ck_assert_int_eq(store_kit_look(store, 1, 0, 8 * MIB), 0);
	store_sqlite.close(store);
}
END_TEST

START_TEST(a_limit_of_nothing_keeps_nothing)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store *store = open_limited(kit_path(folder, "c.db"), 0);
	struct generations *g = generations_new();
	struct store_present present = {.generations = g};

	ck_assert(!store_kit_put(store, 1, 0, 10));
	ck_assert_int_eq(
	        store_kit_apply(store, (struct store_change){.kind = STORE_GENERATION, .slot = 1, .generation = 5}), 0);
	for (int i = 0; store_sqlite.trim(store, &present, NULL) == 1; i++)
		ck_assert_int_lt(i, 100);
	store_sqlite.close(store);
	generations_free(g);
}
END_TEST

static struct entry *renewed(const struct entry *entry)
{
	struct entry *copy = entry_copy_head(entry);

	ck_assert_ptr_nonnull(copy);
	copy->born_ms += 5000;
	ck_assert_int_eq(fields_set(&copy->fields, "Date", "new"), 0);
	return copy;
}

static void put_entry(struct store *store, struct entry *entry)
{
	struct store_change change = {.kind = STORE_PUT, .key = entry->key, .entry = entry};

	ck_assert_int_eq(store_sqlite.apply(store, &change, 1, NULL), 0);
	ck_assert(!change.skipped);
}

static void look_entry(struct store *store, struct entry *expected)
{
	struct entry *entry = NULL;

	ck_assert_int_eq(store_sqlite.load(store, &expected->key, &entry, NULL), 0);
	ck_assert(kit_same(entry, expected));
	entry_unref(entry);
}

/* Frames that the journal grew by: the body was 25 pages. */
static uint64_t frames_of_put(struct store *store, struct entry *entry)
{
	uint64_t before = store->writer.journal_frames;

	put_entry(store, entry);
	return store->writer.journal_frames - before;
}

START_TEST(a_renewed_head_does_not_write_the_body_again)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, 64 * MIB);
	struct entry *first = kit_entry(1, 0, 200000), *second = renewed(first), *loaded = NULL, *third, *other;

	ck_assert_uint_ge(frames_of_put(store, first), 25);
	ck_assert_uint_le(frames_of_put(store, second), 8);
	look_entry(store, second);
	/* also after a restart, over the body as it was loaded */
	store_sqlite.close(store);
	store = open_limited(path, 64 * MIB);
	ck_assert_int_eq(store_sqlite.load(store, &first->key, &loaded, NULL), 0);
	third = renewed(loaded);
	ck_assert_uint_le(frames_of_put(store, third), 8);
	look_entry(store, third);
	/* but not over a body whose name is from another life of the store, or that was replaced */
	put_entry(store, second);
	look_entry(store, second);
	other = kit_entry(1, 7, 100);
	put_entry(store, other);
	put_entry(store, third);
	look_entry(store, third);
	ck_assert_uint_eq(store_kit_entries(store), 1);
	store_sqlite.close(store);
	ck_assert_int_eq(store_kit_sql(path, "SELECT count(*) FROM bodies"), 1);
	entry_unref(first);
	entry_unref(second);
	entry_unref(third);
	entry_unref(other);
	entry_unref(loaded);
}
END_TEST

START_TEST(a_body_shared_by_two_keys_is_kept_for_each)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store *store = open_limited(kit_path(folder, "c.db"), 64 * MIB);
	struct entry *first = kit_entry(1, 0, 100), *second = entry_copy_head(first);

	second->key = kit_key(2);
	put_entry(store, first);
	put_entry(store, second);
	put_entry(store, first);
	put_entry(store, second);
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_DROP, .key = first->key}), 0);
	look_entry(store, second);
	store_sqlite.close(store);
	entry_unref(first);
	entry_unref(second);
}
END_TEST

START_TEST(a_renewal_after_a_clear_is_a_put)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store *store = open_limited(kit_path(folder, "c.db"), 64 * MIB);
	struct entry *first = kit_entry(1, 0, 100), *second = renewed(first);

	put_entry(store, first);
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_CLEAR}), 0);
	put_entry(store, second);
	look_entry(store, second);
	ck_assert_uint_eq(store_kit_entries(store), 1);
	store_sqlite.close(store);
	entry_unref(first);
	entry_unref(second);
}
END_TEST

/* Half-way through a batch the disk is full, so to speak: the file may not grow. */
START_TEST(a_failed_batch_leaves_a_whole_file)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, 64 * MIB);
	struct store_change changes[40];
	char sql[64];
	int64_t pages = 0;
	int r;

	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert_int_eq(link_number(&store->writer, LINK_PAGE_COUNT, &pages, NULL), 0);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld", (long long)pages + 50);
	ck_assert_int_eq(link_run_text(&store->writer, sql, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct entry *entry = kit_entry(100 + i, 0, 40000);

		changes[i] = (struct store_change){.kind = STORE_PUT, .key = entry->key, .entry = entry};
	}
	r = store_sqlite.apply(store, changes, ARRAY_SIZE(changes), NULL);
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_int_eq(link_run_text(&store->writer, "PRAGMA max_page_count = 1000000", NULL), 0);
	/* other answers in their place, that must not be taken for those with the names of the failed try in them */
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		ck_assert(store_kit_put(store, 100 + i, 1, 100));
	ck_assert_int_eq(store_sqlite.apply(store, changes, ARRAY_SIZE(changes), NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		ck_assert_int_eq(store_kit_look(store, 100 + i, 0, 40000), 0);
		entry_unref(changes[i].entry);
	}
	ck_assert_uint_eq(store_kit_entries(store), 41);
	store_sqlite.close(store);
	ck_assert(store_kit_intact(path));
	ck_assert_int_eq(store_kit_sql(path, "SELECT entries = (SELECT count(*) FROM heads) FROM meta"), 1);
}
END_TEST

static int trim_all(struct store *store, const struct store_present *present)
{
	int steps = 0, r;

	do {
		r = store_sqlite.trim(store, present, NULL);
		ck_assert_int_ge(r, 0);
		ck_assert_int_lt(++steps, 10000);
	} while (r == 1);
	return steps;
}

START_TEST(trimming_removes_the_expired_and_the_spoilt)
{
	const uint64_t tags[] = {1}, others[] = {2};
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store *store = open_limited(kit_path(folder, "c.db"), 64 * MIB);
	struct generations *g = generations_new();
	struct store_present present = {.now_ms = KIT_BORN, .generations = g};

	for (uint64_t i = 0; i < 900; i++) {
		struct entry *entry = kit_tagged(g, i, 0, 10, i % 3 ? tags : others, 1);

		entry->stale_until_ms = KIT_BORN + (i < 300 ? 1000 : 9000);
		put_entry(store, entry);
		entry_unref(entry);
	}
	trim_all(store, &present);
	ck_assert_uint_eq(store_kit_entries(store), 900);
	present.now_ms = KIT_BORN + 999;
	trim_all(store, &present);
	ck_assert_uint_eq(store_kit_entries(store), 900);
	present.now_ms = KIT_BORN + 1000;
	trim_all(store, &present);
	ck_assert_uint_eq(store_kit_entries(store), 600);
	generations_write_begin(g, tags, 1);
	generations_write_end(g, tags, 1, true);
	trim_all(store, &present);
	ck_assert_uint_eq(store_kit_entries(store), 200);
	ck_assert_int_eq(trim_all(store, &present), 1);
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_CLEAR}), 0);
	trim_all(store, &present);
	ck_assert_uint_eq(store_kit_entries(store), 0);
	store_sqlite.close(store);
	ck_assert_int_eq(store_kit_sql(kit_path(folder, "c.db"), "SELECT count(*) FROM heads"), 0);
	ck_assert_int_eq(store_kit_sql(kit_path(folder, "c.db"), "SELECT count(*) FROM bodies"), 0);
	generations_free(g);
}
END_TEST

START_TEST(a_lower_limit_is_reached_step_by_step)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, 32 * MIB);
	struct generations *g = generations_new();
	struct store_present present = {.now_ms = KIT_BORN, .generations = g};

	flood(store, path, 32 * MIB, 1, 24 * MIB, 100 * KIB);
	ck_assert_uint_gt(bytes_of(path), 16 * MIB);
	store_sqlite.set_size_limit(store, 4 * MIB);
	ck_assert_int_gt(trim_all(store, &present), 2);
	ck_assert_uint_le(bytes_of(path), 4 * MIB);
	ck_assert_uint_gt(store_kit_entries(store), 50);
	store_sqlite.close(store);
	ck_assert_uint_le(bytes_of(path), 4 * MIB);
	ck_assert(store_kit_intact(path));
	generations_free(g);
}
END_TEST

START_TEST(a_file_taken_away_is_noticed)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_limited(path, 4 * MIB);
	struct generations *g = generations_new();
	struct store_present present = {.now_ms = KIT_BORN, .generations = g};
	struct fail fail = {0};

	ck_assert_int_eq(store_sqlite.trim(store, &present, NULL), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(store_sqlite.trim(store, &present, &fail), -ESTALE);
	store_sqlite.close(store);
	store = open_limited(path, 4 * MIB);
	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert_int_eq(store_sqlite.trim(store, &present, NULL), 0);
	ck_assert_int_eq(rename(path, kit_path(folder, "elsewhere")), 0);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* another one in its place */
	ck_assert_int_eq(store_sqlite.trim(store, &present, &fail), -ESTALE);
	store_sqlite.close(store);
	store = open_limited(path, 4 * MIB);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	store_sqlite.close(store);
	generations_free(g);
}
END_TEST

struct told {
	uint64_t count;
};

static void count_removed(void *arg, const struct cache_key *key)
{
	((struct told *)arg)->count++;
}

START_TEST(every_removal_is_told)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct generations *g = generations_new();
	struct store_present present = {.now_ms = INT64_MAX, .generations = g};
	struct told told = {0};
	struct store_settings settings = {.path = kit_path(folder, "c.db"),
	        .size_limit = 2 * MIB,
	        .removed = count_removed,
	        .removed_arg = &told};
	struct store *store = NULL;

	ck_assert_int_eq(store_sqlite.open(&settings, &store, NULL), 0);
	for (uint64_t i = 0; i < 3000; i++)
		ck_assert(store_kit_put(store, i, 0, 2000));
	ck_assert_uint_eq(told.count, 3000 - store_kit_entries(store));
	ck_assert_uint_gt(told.count, 1000);
	trim_all(store, &present);
	ck_assert_uint_eq(told.count, 3000);
	store_sqlite.close(store);
	generations_free(g);
}
END_TEST

UNIT_MAIN("cache/store_writer", ten_times_the_limit_of_small_ones, ten_times_the_limit_of_large_ones,
        ten_times_a_tiny_limit, the_least_recently_stored_go_first, one_that_is_too_large_is_skipped,
        the_largest_object_fits_the_default_store, a_limit_of_nothing_keeps_nothing,
        a_renewed_head_does_not_write_the_body_again, a_body_shared_by_two_keys_is_kept_for_each,
        a_renewal_after_a_clear_is_a_put, a_failed_batch_leaves_a_whole_file,
        trimming_removes_the_expired_and_the_spoilt, a_lower_limit_is_reached_step_by_step,
        a_file_taken_away_is_noticed, every_removal_is_told)
