/* A SQLite store of a test's own, driven through its verbs. */
#ifndef CACHE_STORE_KIT_H
#define CACHE_STORE_KIT_H

#include "kit.h"

#include <sqlite3.h>

#define STORE_KIT_LIMIT (UINT64_C(64) << 20)

static inline int store_kit_open(const char *path, bool distrusted, struct store **ret, struct fail *fail)
{
	struct store_settings settings = {.path = path, .size_limit = STORE_KIT_LIMIT, .distrusted = distrusted};

	return store_sqlite.open(&settings, ret, fail);
}

static inline struct store *store_kit_new(const char *path)
{
	struct store *store = NULL;
	struct fail fail = {0};

	ck_assert_msg(store_kit_open(path, false, &store, &fail) == 0, "%s", fail.text);
	return store;
}

static inline int store_kit_apply(struct store *store, struct store_change change)
{
	return store_sqlite.apply(store, &change, 1, NULL);
}

/* Puts a number's entry with these tags' notes as given; true when the store kept it. */
static inline bool store_kit_put(struct store *store, uint64_t number, unsigned version, size_t size)
{
	struct entry *entry = kit_entry(number, version, size);
	struct store_change change = {.kind = STORE_PUT, .key = entry->key, .entry = entry};
	struct fail fail = {0};

	ck_assert_msg(store_sqlite.apply(store, &change, 1, &fail) == 0, "%s", fail.text);
	entry_unref(entry);
	return !change.skipped;
}

/* 0 when the number's entry is there in that version, whole; else what load said. */
static inline int store_kit_look(struct store *store, uint64_t number, unsigned version, size_t size)
{
	struct entry *expected = kit_entry(number, version, size), *entry = NULL;
	int r = store_sqlite.load(store, &expected->key, &entry, NULL);

	if (r == 0)
		ck_assert(kit_same(entry, expected));
	entry_unref(entry);
	entry_unref(expected);
	return r;
}

static inline uint64_t store_kit_entries(struct store *store)
{
	struct store_figures figures;

	ck_assert_int_eq(store_sqlite.figures(store, &figures, NULL), 0);
	return figures.entries;
}

/* Runs SQL on the file from a connection of the test's own; the first number it gives, or -1. */
static inline int64_t store_kit_sql(const char *path, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number = -1;
	const char *rest = sql;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	while (*rest) {
		int result;

		ck_assert_msg(sqlite3_prepare_v2(db, rest, -1, &statement, &rest) == SQLITE_OK, "%s: %s", sql,
		        sqlite3_errmsg(db));
		result = sqlite3_step(statement);
		if (result == SQLITE_ROW)
			number = sqlite3_column_int64(statement, 0);
		ck_assert_msg(result == SQLITE_ROW || result == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	return number;
}

static inline bool store_kit_intact(const char *path)
{
	sqlite3_stmt *statement;
	bool intact;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
	intact = sqlite3_step(statement) == SQLITE_ROW &&
	         strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return intact;
}

#endif
