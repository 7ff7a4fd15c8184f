#include "cache/store_sqlite.h"

#include "cache/store_row.h"

#include <errno.h>

/*
 * How the size limit is shared out. An eighth is for the write-ahead log: it is moved into the file when it is a
 * quarter of that long (or CHECKPOINT_MOST), one transaction adds at most half of it, and so much is the most that
 * one answer may need.
 */
#define JOURNAL_PARTS   8
#define CHECKPOINT_MOST (UINT64_C(4) << 20) /* bytes: a raised generation may have to wait for them */

/* Pages of trees that a put writes besides the body's own: leaves of heads, heads_key and bodies, pointer map. */
#define PAGES_PER_PUT    6
#define REMOVALS_PER_PUT 256 /* most answers that make room for one */

int64_t store_journal_pages(const struct store *store)
{
	return (int64_t)(store->size_limit / JOURNAL_PARTS / LINK_PAGE_SIZE);
}

int64_t store_file_pages(const struct store *store)
{
	return (int64_t)(store->size_limit / LINK_PAGE_SIZE) - store_journal_pages(store);
}

static int64_t pages_of(const struct entry *entry)
{
	return (int64_t)(entry_cost(entry) / (LINK_PAGE_SIZE - 64)) + PAGES_PER_PUT;
}

static int step_done(struct link *link, sqlite3_stmt *statement, struct fail *fail)
{
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : link_fail(link, fail);
}

static int delete_by_id(struct link *link, enum link_statement which, int64_t id, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(link, which);

	if (!statement || sqlite3_bind_int64(statement, 1, id))
		return link_fail(link, fail);
	return step_done(link, statement, fail);
}

int store_remove_row(struct store *store, struct store_meta *meta, int64_t id, int64_t body, struct fail *fail)
{
	int r = delete_by_id(&store->writer, LINK_HEAD_DELETE, id, fail);

	if (r == 0)
		r = delete_by_id(&store->writer, LINK_BODY_DELETE, body, fail);
	if (r == 0 && id > meta->cleared)
		meta->entries--;
	return r;
}

void store_tell_removed(struct store *store, sqlite3_stmt *statement, int column)
{
	struct cache_key key;

	if (!store->removed || sqlite3_column_bytes(statement, column) != sizeof(key.bytes))
		return;
	memcpy(key.bytes, sqlite3_column_blob(statement, column), sizeof(key.bytes));
	store->removed(store->removed_arg, &key);
}

/* Removes the least recently stored row: 0; 1: there is none; negative errno. */
static int remove_oldest(struct store *store, struct store_meta *meta, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_OLDEST);
	int result = statement ? sqlite3_step(statement) : SQLITE_ERROR;
	int64_t id, body;

	if (result == SQLITE_DONE)
		return 1;
	if (result != SQLITE_ROW)
		return link_fail(&store->writer, fail);
	id = sqlite3_column_int64(statement, 0);
	body = sqlite3_column_int64(statement, 2);
	store_tell_removed(store, statement, 1);
	sqlite3_reset(statement);
	return store_remove_row(store, meta, id, body, fail);
}

/* Pages of the file that hold something. */
static int pages_used(struct store *store, int64_t *ret, struct fail *fail)
{
	int64_t pages = 0, spare = 0;
	int r = link_number(&store->writer, LINK_PAGE_COUNT, &pages, fail);

	if (r == 0)
		r = link_number(&store->writer, LINK_FREE_COUNT, &spare, fail);
	*ret = pages - spare;
	return r;
}

int store_make_room(struct store *store, struct store_meta *meta, int64_t pages, int most, struct fail *fail)
{
	for (int i = 0;; i++) {
		int64_t used = 0;
		int r = pages_used(store, &used, fail);

		if (r < 0)
			return r;
		store->room = store_file_pages(store) - used;
		if (pages <= store->room)
			return STORE_ROOM_MADE;
		if (i == most)
			return STORE_ROOM_NOT_YET;
		r = remove_oldest(store, meta, fail);
		if (r != 0)
			return r < 0 ? r : STORE_ROOM_NEVER;
	}
}

/* The row of a key: 0, -ENOENT, or what failed. */
static int find_row(
        struct store *store, const struct cache_key *key, int64_t *ret_id, int64_t *ret_body, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_FIND);
	int result;

	if (!statement || sqlite3_bind_blob(statement, 1, key->bytes, sizeof(key->bytes), SQLITE_STATIC))
		return link_fail(&store->writer, fail);
	result = sqlite3_step(statement);
	if (result == SQLITE_DONE)
		return -ENOENT;
	if (result != SQLITE_ROW)
		return link_fail(&store->writer, fail);
	*ret_id = sqlite3_column_int64(statement, 0);
	*ret_body = sqlite3_column_int64(statement, 1);
	return 0;
}

static int apply_drop(struct store *store, struct store_meta *meta, const struct cache_key *key, struct fail *fail)
{
	int64_t id = 0, body = 0;
	int r = find_row(store, key, &id, &body, fail);

	return r == 0 ? store_remove_row(store, meta, id, body, fail) : r == -ENOENT ? 0 : r;
}

/* A new head over the body that is there already. */
static int renew_row(
        struct store *store, struct store_meta *meta, int64_t id, const struct entry *entry, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_HEAD_RENEW);
	int r = statement ? row_bind_head(statement, entry, fail) : link_fail(&store->writer, fail);

	if (r < 0)
		return r;
	if (sqlite3_bind_int64(statement, ROW_HEAD_COLUMNS + 1, ++meta->sequence) ||
	        sqlite3_bind_int64(statement, ROW_HEAD_COLUMNS + 2, id))
		return link_fail(&store->writer, fail);
	return step_done(&store->writer, statement, fail);
}

static int insert_body(struct store *store, int64_t id, const struct blob *body, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_BODY_INSERT);

	if (!statement || sqlite3_bind_int64(statement, 1, id) ||
	        sqlite3_bind_blob64(statement, 2, body->size > 0 ? body->data : "", body->size, SQLITE_STATIC))
		return link_fail(&store->writer, fail);
	return step_done(&store->writer, statement, fail);
}

static int insert_head(struct store *store, int64_t id, const struct entry *entry, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_HEAD_INSERT);
	int r = statement ? row_bind_head(statement, entry, fail) : link_fail(&store->writer, fail);

	if (r < 0)
		return r;
	if (sqlite3_bind_int64(statement, ROW_HEAD_COLUMNS + 1, id) ||
	        sqlite3_bind_blob(
	                statement, ROW_HEAD_COLUMNS + 2, entry->key.bytes, sizeof(entry->key.bytes), SQLITE_STATIC) ||
	        sqlite3_bind_int64(statement, ROW_HEAD_COLUMNS + 3, id))
		return link_fail(&store->writer, fail);
	return step_done(&store->writer, statement, fail);
}

static int insert_row(struct store *store, struct store_meta *meta, const struct entry *entry, struct fail *fail)
{
	int64_t id = ++meta->sequence;
	int r = insert_body(store, id, entry->body, fail);

	if (r == 0)
		r = insert_head(store, id, entry, fail);
	if (r == 0) {
		meta->entries++;
		atomic_store(&entry->body->stored, store_blob_name(store, id));
	}
	return r;
}

static int apply_put(struct store *store, struct store_meta *meta, struct store_change *change, struct fail *fail)
{
	const struct entry *entry = change->entry;
	int64_t pages = pages_of(entry), id = 0, body = 0;
	int r = find_row(store, &entry->key, &id, &body, fail);

	if (r == 0 && id > meta->cleared && atomic_load(&entry->body->stored) == store_blob_name(store, body))
		return renew_row(store, meta, id, entry, fail);
	if (r == 0)
		r = store_remove_row(store, meta, id, body, fail);
	if (r < 0 && r != -ENOENT)
		return r;
	change->skipped = true;
	if (pages > store_journal_pages(store) / 2)
		return 0;
	r = pages <= store->room ? STORE_ROOM_MADE : store_make_room(store, meta, pages, REMOVALS_PER_PUT, fail);
	if (r != STORE_ROOM_MADE)
		return r < 0 ? r : 0;
	store->room -= pages; /* which is the most that it takes */
	change->skipped = false;
	return insert_row(store, meta, entry, fail);
}

static int apply_generation(struct store *store, const struct store_change *change, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_GENERATION_SET);
	int64_t seal = (int64_t)row_generation_seal(change->slot, change->generation);

	if (!statement || sqlite3_bind_int64(statement, 1, change->slot) ||
	        sqlite3_bind_int64(statement, 2, change->generation) || sqlite3_bind_int64(statement, 3, seal))
		return link_fail(&store->writer, fail);
	return step_done(&store->writer, statement, fail);
}

static int apply_one(struct store *store, struct store_meta *meta, struct store_change *change, struct fail *fail)
{
	switch (change->kind) {
	case STORE_GENERATION:
		return apply_generation(store, change, fail);
	case STORE_CLEAR:
		meta->cleared = meta->sequence;
		meta->entries = 0;
		meta->rules = change->rules;
		store->walked = 0;
		return 0;
	case STORE_PUT:
		return apply_put(store, meta, change, fail);
	case STORE_DROP:
		return apply_drop(store, meta, &change->key, fail);
	}
	WRONG("a change of no kind");
}

static uint64_t checkpoint_above(const struct store *store)
{
	uint64_t bytes = (uint64_t)store_journal_pages(store) / 4 * LINK_PAGE_SIZE;

	return bytes < CHECKPOINT_MOST ? bytes : CHECKPOINT_MOST;
}

int store_end_transaction(struct store *store, const struct store_meta *meta, int r, struct fail *fail)
{
	if (r == 0)
		r = store_write_meta(store, meta, fail);
	if (r == 0)
		r = link_run(&store->writer, LINK_COMMIT, fail);
	if (r < 0 && !sqlite3_get_autocommit(store->writer.db))
		link_run(&store->writer, LINK_ROLLBACK, NULL);
	if (r == 0)
		store->meta = *meta;
	else
		store->meta.sequence = meta->sequence;
	if (r == 0)
		r = link_checkpoint(&store->writer, checkpoint_above(store), fail);
	return r;
}

/* Pages that a change may add to the journal. */
static int64_t pages_of_change(const struct store_change *change)
{
	switch (change->kind) {
	case STORE_PUT:
		return pages_of(change->entry);
	case STORE_DROP:
		return PAGES_PER_PUT;
	default:
		return 0; /* the few pages of generations are written once a transaction */
	}
}

/* One transaction with as many changes as keep it short, one at least; moves *at on. */
static int apply_some(struct store *store, struct store_change *changes, size_t count, size_t *at, struct fail *fail)
{
	struct store_meta meta = store->meta;
	int64_t pages = 0;
	int r = link_run(&store->writer, LINK_BEGIN, fail);

	if (r < 0)
		return r;
	store->room = 0;
	do {
		pages += pages_of_change(&changes[*at]);
		r = apply_one(store, &meta, &changes[(*at)++], fail);
	} while (r == 0 && *at < count && pages + pages_of_change(&changes[*at]) <= store_journal_pages(store) / 2);
	return store_end_transaction(store, &meta, r, fail);
}

int store_check_place(const struct store *store, struct fail *fail)
{
	if (store_file_in_place(&store->file))
		return 0;
	return fail_set(fail, -ESTALE, "%s: removed or replaced by somebody", store->file.path);
}

int store_apply(struct store *store, struct store_change *changes, size_t count, struct fail *fail)
{
	size_t at = 0;
	int r;

	CHECK(store, STORE_MAGIC);
	r = store_check_place(store, fail);
	while (r == 0 && at < count)
		r = apply_some(store, changes, count, &at, fail);
	return r;
}
