#include "cache/store_sqlite.h"

#include "store_kit.h"

#include <fcntl.h>

START_TEST(keeps_over_a_restart)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	struct stat status;

	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert(store_kit_put(store, 2, 0, 300000));
	ck_assert(store_kit_put(store, 3, 0, 0));
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0);
	ck_assert_int_eq(store_kit_look(store, 2, 0, 300000), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(kit_path(folder, "c.db-wal"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	store_sqlite.close(store);
	store = store_kit_new(path);
	ck_assert_uint_eq(store_kit_entries(store), 3);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0);
	ck_assert_int_eq(store_kit_look(store, 2, 0, 300000), 0);
	ck_assert_int_eq(store_kit_look(store, 3, 0, 0), 0);
	ck_assert_int_eq(store_kit_look(store, 4, 0, 0), -ENOENT);
	store_sqlite.close(store);
	ck_assert(store_kit_intact(path));
}
END_TEST

START_TEST(a_put_replaces)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);

	for (unsigned version = 0; version < 5; version++) {
		ck_assert(store_kit_put(store, 1, version, 100 * version));
		ck_assert_int_eq(store_kit_look(store, 1, version, 100 * version), 0);
	}
	ck_assert_uint_eq(store_kit_entries(store), 1);
	store_sqlite.close(store);
	ck_assert_int_eq(store_kit_sql(path, "SELECT count(*) FROM bodies"), 1);
}
END_TEST

START_TEST(a_drop_and_a_clear_forget)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);

	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert(store_kit_put(store, 2, 0, 10));
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_DROP, .key = kit_key(1)}), 0);
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_DROP, .key = kit_key(9)}), 0);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	ck_assert_int_eq(store_kit_look(store, 2, 0, 10), 0);
	ck_assert_uint_eq(store_kit_entries(store), 1);
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_CLEAR}), 0);
	ck_assert_int_eq(store_kit_look(store, 2, 0, 10), -ENOENT);
	ck_assert_uint_eq(store_kit_entries(store), 0);
	ck_assert(store_kit_put(store, 2, 1, 20));
	ck_assert_int_eq(store_kit_look(store, 2, 1, 20), 0);
	store_sqlite.close(store);
	store = store_kit_new(path);
	ck_assert_uint_eq(store_kit_entries(store), 1);
	ck_assert_int_eq(store_kit_look(store, 2, 1, 20), 0);
	store_sqlite.close(store);
}
END_TEST

struct seen_generations {
	int count;
	uint64_t sum;
};

static void see_generation(void *arg, uint32_t slot, uint32_t generation)
{
	struct seen_generations *seen = arg;

	seen->count++;
	seen->sum += (uint64_t)slot * generation;
}

START_TEST(generations_are_kept_also_by_a_clear)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	struct seen_generations seen = {0};
	struct store_change changes[] = {
	        {.kind = STORE_GENERATION, .slot = 1, .generation = 5},
	        {.kind = STORE_GENERATION, .slot = GENERATION_SLOTS - 1, .generation = UINT32_MAX},
	        {.kind = STORE_GENERATION, .slot = 1, .generation = 6},
	        {.kind = STORE_CLEAR},
	};

	ck_assert_int_eq(store_sqlite.apply(store, changes, ARRAY_SIZE(changes), NULL), 0);
	store_sqlite.close(store);
	store = store_kit_new(path);
	ck_assert_int_eq(store_sqlite.load_generations(store, see_generation, &seen, NULL), 0);
	ck_assert_int_eq(seen.count, 2);
	ck_assert_uint_eq(seen.sum, 6 + (uint64_t)(GENERATION_SLOTS - 1) * UINT32_MAX);
	store_sqlite.close(store);
}
END_TEST

START_TEST(a_changed_generation_is_corrupt)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	struct seen_generations seen = {0};
	struct fail fail = {0};

	ck_assert_int_eq(
	        store_kit_apply(store, (struct store_change){.kind = STORE_GENERATION, .slot = 1, .generation = 5}), 0);
	store_sqlite.close(store);
	store_kit_sql(path, "UPDATE generations SET generation = 4");
	store = store_kit_new(path);
	ck_assert_int_eq(store_sqlite.load_generations(store, see_generation, &seen, &fail), -EUCLEAN);
	store_sqlite.close(store);
	ck_assert_int_eq(access(path, F_OK), -1); /* set aside */
	store = store_kit_new(path);
	ck_assert_int_eq(store_sqlite.load_generations(store, see_generation, &seen, NULL), 0);
	ck_assert_int_eq(seen.count, 0);
	store_sqlite.close(store);
}
END_TEST

START_TEST(what_is_distrusted_is_not_given_out)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store_settings settings = {.path = path};
	struct store *store = store_kit_new(path);

	ck_assert(store_kit_put(store, 1, 0, 10));
	store_sqlite.close(store);
	ck_assert_int_eq(store_kit_open(path, true, &store, NULL), 0);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	ck_assert_uint_eq(store_kit_entries(store), 0);
	ck_assert(store_kit_put(store, 1, 1, 10));
	ck_assert_int_eq(store_sqlite.distrust(&settings, NULL), 0); /* while open */
	store_sqlite.close(store);
	store = store_kit_new(path);
	ck_assert_int_eq(store_kit_look(store, 1, 1, 10), -ENOENT);
	ck_assert(store_kit_put(store, 1, 2, 10));
	store_sqlite.close(store);
	store = store_kit_new(path);
	ck_assert_int_eq(store_kit_look(store, 1, 2, 10), 0);
	store_sqlite.close(store);
}
END_TEST

static struct store *open_by(const char *path, uint32_t rules)
{
	struct store_settings settings = {.path = path, .size_limit = STORE_KIT_LIMIT, .rules = rules};
	struct store *store = NULL;

	ck_assert_int_eq(store_sqlite.open(&settings, &store, NULL), 0);
	return store;
}

START_TEST(what_was_kept_by_other_rules_is_not_given_out)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = open_by(path, 1);

	ck_assert(store_kit_put(store, 1, 0, 10));
	store_sqlite.close(store);
	store = open_by(path, 1);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0);
	store_sqlite.close(store);
	store_sqlite.close(open_by(path, 2));
	store = open_by(path, 1); /* nor when its own rules hold again */
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	ck_assert_uint_eq(store_kit_entries(store), 0);
	ck_assert(store_kit_put(store, 1, 1, 10));
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_CLEAR, .rules = 2}), 0);
	ck_assert(store_kit_put(store, 1, 2, 10)); /* one that was on its way when they changed */
	store_sqlite.close(store);
	store = open_by(path, 1);
	ck_assert_int_eq(store_kit_look(store, 1, 2, 10), -ENOENT);
	store_sqlite.close(store);
}
END_TEST

START_TEST(another_copy_of_the_file_is_not_given_out)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	char command[1200];

	ck_assert(store_kit_put(store, 1, 0, 10));
	store_sqlite.close(store);
	snprintf(command, sizeof(command), "cp '%s' '%s.copy'", path, path);
	ck_assert_int_eq(system(command), 0);
	store_sqlite.close(store_kit_new(path)); /* a later run, in which anything may have been written */
	snprintf(command, sizeof(command), "mv '%s.copy' '%s'", path, path);
	ck_assert_int_eq(system(command), 0);
	store = store_kit_new(path);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	store_sqlite.close(store);
}
END_TEST

struct seen_keys {
	uint64_t count;
	bool there[3000];
};

static void see_key(void *arg, const struct cache_key *key)
{
	struct seen_keys *seen = arg;

	for (uint64_t i = 0; i < ARRAY_SIZE(seen->there); i++) {
		struct cache_key known = kit_key(i);

		if (cache_key_equal(key, &known)) {
			ck_assert(!seen->there[i]);
			seen->there[i] = true;
			seen->count++;
			return;
		}
	}
	ck_abort_msg("a key that was never put");
}

START_TEST(keys_come_in_chunks_once_each)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store *store = store_kit_new(kit_path(folder, "c.db"));
	struct seen_keys seen = {0};
	struct cache_key cursor = {0};
	int r, rounds = 0;

	ck_assert_int_eq(store_sqlite.keys(store, &cursor, 10, see_key, &seen, NULL), 0);
	for (uint64_t i = 0; i < 250; i++)
		ck_assert(store_kit_put(store, i, 0, 5));
	do {
		r = store_sqlite.keys(store, &cursor, 100, see_key, &seen, NULL);
		rounds++;
	} while (r == 1);
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(rounds, 3);
	ck_assert_uint_eq(seen.count, 250);
	store_sqlite.close(store);
}
END_TEST

/*
 * No scan: opening and looking up one key reads a number of pages that does
 * not grow with the file, and no statement steps through a table.
 */
static int pages_read(struct store *store)
{
	int now, high, sum = 0;

	ck_assert_int_eq(sqlite3_db_status(store->writer.db, SQLITE_DBSTATUS_CACHE_MISS, &now, &high, 0), SQLITE_OK);
	sum += now;
	ck_assert_int_eq(sqlite3_db_status(store->reader.db, SQLITE_DBSTATUS_CACHE_MISS, &now, &high, 0), SQLITE_OK);
	return sum + now;
}

static int pages_to_open_and_look(const char *path)
{
	struct store *store = store_kit_new(path);
	struct seen_generations seen = {0};
	int pages;

	ck_assert_int_eq(store_sqlite.load_generations(store, see_generation, &seen, NULL), 0);
	ck_assert_uint_ge(store_kit_entries(store), 1);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0);
	pages = pages_read(store);
	for (size_t i = 0; i < LINK_STATEMENTS; i++) {
		if (i == LINK_GENERATIONS)
			continue;
		if (store->writer.statements[i])
			ck_assert_int_eq(
			        sqlite3_stmt_status(store->writer.statements[i], SQLITE_STMTSTATUS_FULLSCAN_STEP, 0),
			        0);
		if (store->reader.statements[i])
			ck_assert_int_eq(
			        sqlite3_stmt_status(store->reader.statements[i], SQLITE_STMTSTATUS_FULLSCAN_STEP, 0),
			        0);
	}
	store_sqlite.close(store);
	return pages;
}

START_TEST(opening_reads_no_content)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	struct store_change changes[100];
	int few, many;

	ck_assert(store_kit_put(store, 1, 0, 10));
	store_sqlite.close(store);
	few = pages_to_open_and_look(path);
	store = store_kit_new(path);
	for (uint64_t i = 0; i < 20000; i += ARRAY_SIZE(changes)) {
		for (size_t j = 0; j < ARRAY_SIZE(changes); j++) {
			struct entry *entry = kit_entry(100 + i + j, 0, 50);

			changes[j] = (struct store_change){.kind = STORE_PUT, .key = entry->key, .entry = entry};
		}
		ck_assert_int_eq(store_sqlite.apply(store, changes, ARRAY_SIZE(changes), NULL), 0);
		for (size_t j = 0; j < ARRAY_SIZE(changes); j++)
			entry_unref(changes[j].entry);
	}
	ck_assert_uint_eq(store_kit_entries(store), 20001);
	store_sqlite.close(store);
	ck_assert_uint_gt(kit_size(path), 5 << 20);
	many = pages_to_open_and_look(path);
	ck_assert_int_le(many, few + 8); /* the trees are deeper by a few levels */
}
END_TEST

START_TEST(a_garbled_row_is_corrupt_and_set_aside_on_close)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);

	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert(store_kit_put(store, 2, 0, 10));
	store_sqlite.close(store);
	store_kit_sql(path, "UPDATE bodies SET data = zeroblob(10) WHERE id = 1");
	store = store_kit_new(path);
	ck_assert_int_eq(store_kit_look(store, 2, 0, 10), 0);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -EUCLEAN);
	store_sqlite.close(store);
	ck_assert_int_eq(access(path, F_OK), -1);
	store = store_kit_new(path);
	ck_assert_int_eq(store_kit_look(store, 2, 0, 10), -ENOENT);
	store_sqlite.close(store);
}
END_TEST

START_TEST(what_is_no_database_is_set_aside)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	FILE *file = fopen(path, "we");
	struct store *store = NULL;
	struct fail fail = {0};

	for (int i = 0; i < 10000; i++)
		fputs("not a database\n", file);
	fclose(file);
	ck_assert_int_eq(store_kit_open(path, false, &store, &fail), 1);
	ck_assert_ptr_nonnull(strstr(fail.text, ".corrupt-"));
	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0);
	store_sqlite.close(store);
}
END_TEST

START_TEST(a_lock_of_another_process_is_busy)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	struct fail fail = {0};
	sqlite3 *other;

	ck_assert(store_kit_put(store, 1, 0, 10));
	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_CLEAR}), -EBUSY);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0); /* reading goes on */
	store_sqlite.close(store);
	/* a try to open that fails for that must not make it distrusted */
	ck_assert_int_eq(store_kit_open(path, false, &store, &fail), -EBUSY);
	ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
	store = store_kit_new(path);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), 0);
	store_sqlite.close(store);
}
END_TEST

UNIT_MAIN("cache/store_sqlite", keeps_over_a_restart, a_put_replaces, a_drop_and_a_clear_forget,
        generations_are_kept_also_by_a_clear, a_changed_generation_is_corrupt, what_is_distrusted_is_not_given_out,
        what_was_kept_by_other_rules_is_not_given_out, another_copy_of_the_file_is_not_given_out,
        keys_come_in_chunks_once_each, opening_reads_no_content, a_garbled_row_is_corrupt_and_set_aside_on_close,
        what_is_no_database_is_set_aside, a_lock_of_another_process_is_busy)
