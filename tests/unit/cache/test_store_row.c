#include "cache/store_row.h"

#include "kit.h"

#define COLUMNS                                                                                                        \
	"status, reason, resource, target, flags, born_ms, age_ms, fresh_until_ms, stale_until_ms, tags, fields, seal"

/* A table like heads in a database in memory, with the body in its last column. */
static sqlite3 *table(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE t (" COLUMNS ", body)", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static sqlite3_stmt *prepared(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	return statement;
}

static void insert(sqlite3 *db, const struct entry *entry)
{
	sqlite3_stmt *statement = prepared(db, "INSERT INTO t VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)");

	ck_assert_int_eq(row_bind_head(statement, entry, NULL), 0);
	ck_assert_int_eq(sqlite3_bind_blob64(statement, ROW_HEAD_COLUMNS + 1,
	                         entry->body->size ? entry->body->data : "", entry->body->size, SQLITE_STATIC),
	        SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
}

static int read_back(sqlite3 *db, const struct cache_key *key, struct entry **ret, struct fail *fail)
{
	sqlite3_stmt *statement = prepared(db, "SELECT * FROM t");
	int r;

	ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
	r = row_read(statement, ROW_HEAD_COLUMNS, key, ret, fail);
	sqlite3_finalize(statement);
	return r;
}

START_TEST(comes_back_as_it_was)
{
	const uint64_t tags[TAGS_MAX] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct generations *g = generations_new();

	for (size_t count = 0; count <= TAGS_MAX; count += 6) {
		struct entry *entry = kit_tagged(g, 5, 3, 1000 * count, tags, count), *back = NULL;
		sqlite3 *db = table();

		insert(db, entry);
		ck_assert_int_eq(read_back(db, &entry->key, &back, NULL), 0);
		ck_assert(kit_same(back, entry));
		ck_assert(back->flags & ENTRY_FROM_STORE);
		entry_unref(back);
		entry_unref(entry);
		sqlite3_close(db);
	}
	generations_free(g);
}
END_TEST

START_TEST(extreme_values_come_back)
{
	struct entry *entry = kit_entry(1, 0, 1), *back = NULL;
	sqlite3 *db = table();

	free(entry->reason);
	entry->reason = strdup("\xc3\x28 \xff not UTF-8");
	free(entry->resource);
	entry->resource = strdup("");
	entry->status = 599;
	entry->born_ms = INT64_MIN;
	entry->stale_until_ms = INT64_MAX;
	insert(db, entry);
	ck_assert_int_eq(read_back(db, &entry->key, &back, NULL), 0);
	ck_assert(kit_same(back, entry));
	entry_unref(back);
	entry_unref(entry);
	sqlite3_close(db);
}
END_TEST

START_TEST(any_change_is_refused)
{
	static const char *const changes[] = {
	        "status = status + 1",
	        "reason = reason || ' '",
	        "reason = NULL",
	        "resource = 'users'",
	        "target = substr(target, 2)",
	        "flags = flags | 1",
	        "born_ms = born_ms + 1",
	        "age_ms = 0",
	        "fresh_until_ms = fresh_until_ms + 1000000",
	        "stale_until_ms = NULL",
	        "tags = x''",
	        "tags = x'010000000200000003'",
	        "tags = x'ffffffff00000000'",
	        "tags = zeroblob(1000)",
	        "fields = x'00'",
	        "fields = 'X: y'",
	        "fields = fields || fields",
	        "seal = 0",
	        "seal = 'x'",
	        "body = substr(body, 1, 50)",
	        "body = NULL",
	        "body = zeroblob(length(body))",
	};
	const uint64_t tags[] = {1};
	struct generations *g = generations_new();

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct entry *entry = kit_tagged(g, 5, 3, 100, tags, 1), *back = NULL;
		struct fail fail = {0};
		sqlite3 *db = table();
		char sql[200];

		insert(db, entry);
		snprintf(sql, sizeof(sql), "UPDATE t SET %s", changes[i]);
		ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
		ck_assert_msg(read_back(db, &entry->key, &back, &fail) == -EUCLEAN, "%s", changes[i]);
		ck_assert_ptr_null(back);
		ck_assert_uint_gt(strlen(fail.text), 0);
		entry_unref(entry);
		sqlite3_close(db);
	}
	generations_free(g);
}
END_TEST

START_TEST(another_key_is_refused)
{
	struct entry *entry = kit_entry(1, 0, 10), *back = NULL;
	struct cache_key other = kit_key(2);
	sqlite3 *db = table();

	insert(db, entry);
	ck_assert_int_eq(read_back(db, &other, &back, NULL), -EUCLEAN);
	entry_unref(entry);
	sqlite3_close(db);
}
END_TEST

START_TEST(tags_are_packed)
{
	struct tag_notes tags = {.count = 2, .items = {{1, 2}, {GENERATION_SLOTS - 1, UINT32_MAX}}}, back;
	uint8_t bytes[ROW_TAGS_MAX];
	size_t size = row_pack_tags(&tags, bytes);

	ck_assert_uint_eq(size, 16);
	ck_assert_uint_eq(bytes[0], 1);
	ck_assert_uint_eq(bytes[4], 2);
	ck_assert_int_eq(row_unpack_tags(&back, bytes, size), 0);
	ck_assert_uint_eq(back.count, 2);
	ck_assert_uint_eq(back.items[1].slot, GENERATION_SLOTS - 1);
	ck_assert_uint_eq(back.items[1].generation, UINT32_MAX);
	ck_assert_int_eq(row_unpack_tags(&back, NULL, 0), 0);
	ck_assert_uint_eq(back.count, 0);
	ck_assert_int_eq(row_unpack_tags(&back, bytes, 15), -EINVAL);
	ck_assert_uint_ne(row_generation_seal(1, 2), row_generation_seal(2, 1));
}
END_TEST

UNIT_MAIN("cache/store_row", comes_back_as_it_was, extreme_values_come_back, any_change_is_refused,
        another_key_is_refused, tags_are_packed)
