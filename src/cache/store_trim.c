#include "cache/store_sqlite.h"

#include "cache/store_row.h"

#define ROWS_PER_TRIM   256
#define VACUUM_PER_TRIM 256 /* pages */

/* A row of LINK_WALK that nobody will be given any more. */
static bool useless(const struct store_meta *meta, const struct store_present *present, sqlite3_stmt *row)
{
	struct tag_notes tags;

	return sqlite3_column_int64(row, 0) <= meta->cleared || sqlite3_column_int64(row, 3) <= present->now_ms ||
	       row_unpack_tags(&tags, sqlite3_column_blob(row, 4), (size_t)sqlite3_column_bytes(row, 4)) < 0 ||
	       !generations_intact(present->generations, &tags);
}

struct removal {
	int64_t id, body;
};

/* Looks at the next rows of this round and lists those that have no use any more; 1: there are more rows. */
static int walk(struct store *store, const struct store_present *present, struct removal found[ROWS_PER_TRIM],
        size_t *ret_count, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_WALK);
	unsigned looked = 0;
	int result;

	*ret_count = 0;
	if (!statement || sqlite3_bind_int64(statement, 1, store->walked) ||
	        sqlite3_bind_int64(statement, 2, ROWS_PER_TRIM))
		return link_fail(&store->writer, fail);
	for (; (result = sqlite3_step(statement)) == SQLITE_ROW; looked++) {
		store->walked = sqlite3_column_int64(statement, 0);
		if (!useless(&store->meta, present, statement))
			continue;
		found[(*ret_count)++] = (struct removal){
		        .id = store->walked, .body = sqlite3_column_int64(statement, 2)};
		store_tell_removed(store, statement, 1);
	}
	if (result != SQLITE_DONE)
		return link_fail(&store->writer, fail);
	return looked == ROWS_PER_TRIM;
}

/* Gives free pages back, some of them; within a transaction. */
static int shrink(struct store *store, struct fail *fail)
{
	int64_t pages = store_journal_pages(store) / 2;
	char text[64];

	snprintf(text, sizeof(text), "PRAGMA incremental_vacuum(%d)",
	        pages < VACUUM_PER_TRIM ? (int)pages + 1 : VACUUM_PER_TRIM);
	return link_run_text(&store->writer, text, fail);
}

/* 1: the file is longer than it may be and it can be helped; 0; negative errno. */
static int too_long(struct store *store, struct fail *fail)
{
	int64_t pages = 0, spare = 0;
	int r = link_number(&store->writer, LINK_PAGE_COUNT, &pages, fail);

	if (r == 0)
		r = link_number(&store->writer, LINK_FREE_COUNT, &spare, fail);
	return r < 0 ? r : pages > store_file_pages(store) && (spare > 0 || store->meta.entries > 0);
}

/* One transaction of trimming: removes what was found, and of a file that is too long the oldest, then free pages. */
static int remove_some(struct store *store, const struct removal *found, size_t count, bool over, struct fail *fail)
{
	struct store_meta meta = store->meta;
	int r = link_run(&store->writer, LINK_BEGIN, fail);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = store_remove_row(store, &meta, found[i].id, found[i].body, fail);
	if (r == 0 && over)
		r = store_make_room(store, &meta, 0, ROWS_PER_TRIM, fail);
	if (r == STORE_ROOM_MADE && over)
		r = shrink(store, fail);
	return store_end_transaction(store, &meta, r < 0 ? r : 0, fail);
}

int store_trim(struct store *store, const struct store_present *present, struct fail *fail)
{
	struct removal found[ROWS_PER_TRIM];
	int more, over, r;
	size_t count;

	CHECK(store, STORE_MAGIC);
	r = store_check_place(store, fail);
	if (r < 0)
		return r;
	more = walk(store, present, found, &count, fail);
	if (more == 0)
		store->walked = 0;
	over = too_long(store, fail);
	if (more < 0 || over < 0)
		return more < 0 ? more : over;
	if (count == 0 && over == 0) {
		/* a journal that was longer under an earlier limit stays so until it is cut */
		if (!more && store_file_bytes(&store->file) > store->size_limit)
			over = link_empty_journal(&store->writer, fail);
		return over < 0 ? over : more;
	}
	r = remove_some(store, found, count, over > 0, fail);
	return r < 0 ? r : more || over > 0;
}
