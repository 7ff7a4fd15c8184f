#include "cache/store_link.h"

#include "store_kit.h"

static void open_link(struct link *link, const char *path)
{
	struct fail fail = {0};

	ck_assert_msg(link_open(link, path, 10, &fail) == 0, "%s", fail.text);
}

/* A file with the tables, as the store makes it. */
static const char *ordinary(const char *folder)
{
	const char *path = kit_path(folder, "c.db");

	store_sqlite.close(store_kit_new(path));
	return path;
}

START_TEST(says_what_is_wrong)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *garbage = kit_path(folder, "garbage");
	FILE *file = fopen(garbage, "we");
	struct fail fail = {0};
	struct link link;
	int64_t number;

	ck_assert_int_eq(link_open(&link, kit_path(folder, "missing"), 10, &fail), -EACCES);
	ck_assert(!link.corrupt);
	ck_assert_ptr_null(link.db);
	ck_assert_ptr_nonnull(strstr(fail.text, "unable to open"));
	for (int i = 0; i < 1000; i++)
		fputs("garbage ", file);
	fclose(file);
	/* what is in the file shows when it is read first */
	if (link_open(&link, garbage, 10, &fail) == 0)
		ck_assert_int_eq(link_number_text(&link, "PRAGMA user_version", &number, &fail), -EUCLEAN);
	ck_assert_int_eq(fail.code, -EUCLEAN);
	ck_assert(link.corrupt);
	link_release(&link);
	ck_assert_ptr_null(link.db);
	link_release(&link);
}
END_TEST

START_TEST(lends_statements)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	sqlite3_stmt *first, *again;
	struct link link;
	int64_t pages = 0;

	open_link(&link, ordinary(folder));
	for (int i = 0; i < LINK_STATEMENTS; i++) {
		CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&link, (enum link_statement)i);

		ck_assert_msg(statement != NULL, "statement %d: %s", i, sqlite3_errmsg(link.db));
	}
	first = link_lend(&link, LINK_KEYS);
	stmt_resetp(&first);
	again = link_lend(&link, LINK_KEYS);
	ck_assert_ptr_eq(again, first);
	stmt_resetp(&again);
	ck_assert_int_eq(link_number(&link, LINK_PAGE_COUNT, &pages, NULL), 0);
	ck_assert_int_gt(pages, 1);
	link_release(&link);
}
END_TEST

START_TEST(missing_tables_are_corruption)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = ordinary(folder);
	struct link link;
	struct fail fail = {0};

	store_kit_sql(path, "DROP TABLE bodies");
	open_link(&link, path);
	ck_assert_ptr_null(link_lend(&link, LINK_LOAD));
	ck_assert_int_eq(link_fail(&link, &fail), -EUCLEAN);
	ck_assert_ptr_nonnull(strstr(fail.text, "bodies"));
	ck_assert(link.corrupt);
	link_release(&link);
}
END_TEST

START_TEST(a_lock_is_busy_and_no_corruption)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = ordinary(folder);
	struct link link, other;

	open_link(&link, path);
	open_link(&other, path);
	ck_assert_int_eq(link_run(&other, LINK_BEGIN, NULL), 0);
	ck_assert_int_eq(link_run(&link, LINK_BEGIN, NULL), -EBUSY);
	ck_assert(!link.corrupt);
	ck_assert_int_eq(link_run(&other, LINK_COMMIT, NULL), 0);
	ck_assert_int_eq(link_run(&link, LINK_BEGIN, NULL), 0);
	ck_assert_int_eq(link_run(&link, LINK_ROLLBACK, NULL), 0);
	link_release(&link);
	link_release(&other);
}
END_TEST

START_TEST(the_journal_is_moved_when_it_is_long)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = ordinary(folder), *journal = kit_path(folder, "c.db-wal");
	struct link link, other;
	uint64_t before;

	open_link(&link, path);
	open_link(&other, path);
	before = kit_size(path);
	ck_assert_int_eq(link_run_text(&link, "INSERT INTO bodies VALUES (1, zeroblob(100000))", NULL), 0);
	ck_assert_uint_ge(link.journal_frames, 12);
	ck_assert_int_eq(link_checkpoint(&link, 1 << 20, NULL), 0);
	ck_assert_uint_eq(kit_size(path), before);
	ck_assert_int_eq(link_checkpoint(&link, 100000, NULL), 0);
	ck_assert_uint_gt(kit_size(path), before + 90000);
	ck_assert_uint_gt(kit_size(journal), 0);
	/* somebody who reads an older state is in the way: no failure */
	ck_assert_int_eq(link_run_text(&other, "BEGIN; SELECT count(*) FROM bodies", NULL), 0);
	ck_assert_int_eq(link_run_text(&link, "INSERT INTO bodies VALUES (2, zeroblob(100000))", NULL), 0);
	ck_assert_int_eq(link_checkpoint(&link, 1, NULL), 0);
	ck_assert_int_eq(link_empty_journal(&link, NULL), 1);
	ck_assert_int_eq(link_run_text(&other, "COMMIT", NULL), 0);
	ck_assert_int_eq(link_empty_journal(&link, NULL), 0);
	ck_assert_uint_eq(kit_size(journal), 0);
	link_release(&link);
	link_release(&other);
}
END_TEST

UNIT_MAIN("cache/store_link", says_what_is_wrong, lends_statements, missing_tables_are_corruption,
        a_lock_is_busy_and_no_corruption, the_journal_is_moved_when_it_is_long)
