#include "cache/store_schema.h"

#include "cache/store_row.h"
#include "cache/store_sqlite.h"
#include "store_kit.h"

/* A file as schema 1 had it, with one entry and one generation in it, and the mark that goes with it. */
static void make_version_1(const char *path)
{
	static const char tables[] =
	        "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
	        "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), token BLOB NOT NULL,"
	        " sequence INTEGER NOT NULL, entries INTEGER NOT NULL);"
	        "INSERT INTO meta VALUES (1, x'0102030405060708090a0b0c0d0e0f10', 5, 1);"
	        "CREATE TABLE generations (slot INTEGER PRIMARY KEY, generation INTEGER NOT NULL,"
	        " seal INTEGER NOT NULL);"
	        "CREATE TABLE heads (id INTEGER PRIMARY KEY, key BLOB NOT NULL, body INTEGER NOT NULL,"
	        " status INTEGER NOT NULL, reason TEXT NOT NULL, resource TEXT NOT NULL, target TEXT NOT NULL,"
	        " flags INTEGER NOT NULL, born_ms INTEGER NOT NULL, age_ms INTEGER NOT NULL,"
	        " fresh_until_ms INTEGER NOT NULL, stale_until_ms INTEGER NOT NULL, tags BLOB NOT NULL,"
	        " fields BLOB NOT NULL, seal INTEGER NOT NULL);"
	        "CREATE UNIQUE INDEX heads_key ON heads (key);"
	        "CREATE TABLE bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
	        "PRAGMA application_id = 0x52636368; PRAGMA user_version = 1;";
	struct entry *entry = kit_entry(1, 0, 3000);
	sqlite3_stmt *statement;
	FILE *mark;
	char sql[200];
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, tables, NULL, NULL, NULL), SQLITE_OK);
	snprintf(sql, sizeof(sql), "INSERT INTO generations VALUES (77, 9, %lld)",
	        (long long)row_generation_seal(77, 9));
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db,
	                         "INSERT INTO heads (status, reason, resource, target, flags, born_ms, age_ms,"
	                         " fresh_until_ms, stale_until_ms, tags, fields, seal, id, key, body)"
	                         " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,5,?13,5)",
	                         -1, &statement, NULL),
	        SQLITE_OK);
	ck_assert_int_eq(row_bind_head(statement, entry, NULL), 0);
	sqlite3_bind_blob(statement, 13, entry->key.bytes, sizeof(entry->key.bytes), SQLITE_STATIC);
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "INSERT INTO bodies VALUES (5, ?1)", -1, &statement, NULL), SQLITE_OK);
	sqlite3_bind_blob(statement, 1, entry->body->data, (int)entry->body->size, SQLITE_STATIC);
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	entry_unref(entry);
	snprintf(sql, sizeof(sql), "%s-mark", path);
	mark = fopen(sql, "we");
	ck_assert_ptr_nonnull(mark);
	fputs("redmine-cached 1 0102030405060708090a0b0c0d0e0f10 00000000-0000-0000-0000-000000000000 shut\n", mark);
	fclose(mark);
}

static void count_generation(void *arg, uint32_t slot, uint32_t generation)
{
	ck_assert_uint_eq(slot, 77);
	ck_assert_uint_eq(generation, 9);
	++*(int *)arg;
}

START_TEST(version_1_is_migrated)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store;
	int generations = 0;

	make_version_1(path);
	store = store_kit_new(path);
	ck_assert_uint_eq(store_kit_entries(store), 1);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 3000), 0);
	ck_assert_int_eq(store_sqlite.load_generations(store, count_generation, &generations, NULL), 0);
	ck_assert_int_eq(generations, 1);
	ck_assert(store_kit_put(store, 2, 0, 10));
	ck_assert_int_eq(store_kit_apply(store, (struct store_change){.kind = STORE_CLEAR}), 0);
	ck_assert_int_eq(store_kit_look(store, 1, 0, 3000), -ENOENT);
	store_sqlite.close(store);
	ck_assert_int_eq(store_kit_sql(path, "PRAGMA user_version"), SCHEMA_VERSION);
	ck_assert(store_kit_intact(path));
}
END_TEST

START_TEST(a_new_file_has_every_step)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");

	store_sqlite.close(store_kit_new(path));
	ck_assert_int_eq(store_kit_sql(path, "PRAGMA user_version"), SCHEMA_VERSION);
	ck_assert_int_eq(store_kit_sql(path, "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
	ck_assert_int_eq(store_kit_sql(path, "PRAGMA page_size"), LINK_PAGE_SIZE);
	ck_assert_int_eq(store_kit_sql(path, "PRAGMA auto_vacuum"), 2);
	ck_assert_int_eq(store_kit_sql(path, "SELECT cleared FROM meta"), 0);
}
END_TEST

START_TEST(a_newer_schema_is_set_aside)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store *store = store_kit_new(path);
	struct fail fail = {0};
	char sql[64], *name;

	ck_assert(store_kit_put(store, 1, 0, 10));
	store_sqlite.close(store);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA_VERSION + 1);
	store_kit_sql(path, sql);
	ck_assert_int_eq(store_kit_open(path, false, &store, &fail), 1);
	ck_assert_ptr_nonnull(strstr(fail.text, "newer version"));
	name = strstr(fail.text, "set aside as ");
	ck_assert_ptr_nonnull(name);
	name += strlen("set aside as ");
	ck_assert_int_eq(store_kit_look(store, 1, 0, 10), -ENOENT);
	ck_assert(store_kit_put(store, 2, 0, 10));
	ck_assert_int_eq(store_kit_look(store, 2, 0, 10), 0);
	store_sqlite.close(store);
	ck_assert_int_eq(store_kit_sql(name, "SELECT count(*) FROM heads"), 1);
	ck_assert_int_eq(store_kit_sql(name, "PRAGMA user_version"), SCHEMA_VERSION + 1);
}
END_TEST

START_TEST(another_programs_database_is_left_alone)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct stat before, after;
	struct fail fail = {0};
	struct store *store;

	store_kit_sql(path, "CREATE TABLE issues (id); INSERT INTO issues VALUES (42);");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(stat(path, &before), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(store_kit_open(path, i, &store, &fail), -EEXIST);
	ck_assert_ptr_nonnull(strstr(fail.text, "left alone"));
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(after.st_mode, before.st_mode);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_int_eq(store_kit_sql(path, "SELECT id FROM issues"), 42);
	ck_assert_int_eq(store_kit_sql(path, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
}
END_TEST

UNIT_MAIN("cache/store_schema", version_1_is_migrated, a_new_file_has_every_step, a_newer_schema_is_set_aside,
        another_programs_database_is_left_alone)
