#include "cache/store_sqlite.h"

#include "cache/store_row.h"
#include "cache/store_schema.h"

#include <errno.h>
#include <sys/random.h>

#define BUSY_MS 500 /* how long somebody else's lock is waited for */

static atomic_uint_fast64_t lives;

static void links_release(struct store *store)
{
	link_release(&store->reader);
	link_release(&store->writer);
}

int store_write_meta(struct store *store, const struct store_meta *meta, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_META_WRITE);

	if (!statement || sqlite3_bind_blob(statement, 1, meta->token, sizeof(meta->token), SQLITE_STATIC) ||
	        sqlite3_bind_int64(statement, 2, meta->sequence) || sqlite3_bind_int64(statement, 3, meta->entries) ||
	        sqlite3_bind_int64(statement, 4, meta->cleared) || sqlite3_bind_int64(statement, 5, meta->rules) ||
	        sqlite3_bind_blob(statement, 6, meta->lineage, sizeof(meta->lineage), SQLITE_STATIC) ||
	        sqlite3_step(statement) != SQLITE_DONE)
		return link_fail(&store->writer, fail);
	return 0;
}

static int read_meta(struct store *store, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_META_READ);
	struct store_meta *meta = &store->meta;

	if (!statement || sqlite3_step(statement) != SQLITE_ROW)
		return link_fail(&store->writer, fail);
	if (sqlite3_column_bytes(statement, 0) != sizeof(meta->token) ||
	        sqlite3_column_bytes(statement, 5) != sizeof(meta->lineage)) {
		store->writer.corrupt = true;
		return fail_set(fail, -EUCLEAN, "the meta row is not what was written");
	}
	memcpy(meta->token, sqlite3_column_blob(statement, 0), sizeof(meta->token));
	meta->sequence = sqlite3_column_int64(statement, 1);
	meta->entries = sqlite3_column_int64(statement, 2);
	meta->cleared = sqlite3_column_int64(statement, 3);
	meta->rules = sqlite3_column_int64(statement, 4);
	memcpy(meta->lineage, sqlite3_column_blob(statement, 5), sizeof(meta->lineage));
	return 0;
}

static bool has_lineage(const struct store_meta *meta)
{
	static const uint8_t none[STORE_LINEAGE_SIZE];

	return memcmp(meta->lineage, none, sizeof(none)) != 0;
}

/*
 * Takes the file into use: a fresh token in the mark and in the file. What is not trusted, or was kept by other rules,
 * counts as cleared from the same transaction on. The mark is written once the lock is had, and before the commit: whoever
 * finds the file between the two sees tokens that differ and trusts nothing, which is safe.
 */
static int take_over(struct store *store, const struct store_settings *settings, struct fail *fail)
{
	bool trusted = !settings->distrusted && store->meta.rules == settings->rules &&
	               store_file_trusts(&store->file, store->meta.token);
	int r;

	/* What is not trusted may lack generations, too: what was noted of them elsewhere says nothing any more. */
	if ((!trusted || !has_lineage(&store->meta)) &&
	        getrandom(store->meta.lineage, sizeof(store->meta.lineage), 0) != sizeof(store->meta.lineage))
		return fail_set(fail, -EIO, "getrandom: %s", strerror(errno));
	if (!trusted) {
		store->meta.cleared = store->meta.sequence;
		store->meta.entries = 0;
		store->meta.rules = settings->rules;
	}
	r = link_run(&store->writer, LINK_BEGIN, fail);
	if (r == 0)
		r = store_file_begin(&store->file, fail);
	memcpy(store->meta.token, store->file.token, sizeof(store->meta.token));
	if (r == 0)
		r = store_write_meta(store, &store->meta, fail);
	if (r == 0)
		r = link_run(&store->writer, LINK_COMMIT, fail);
	return r; /* on failure the connection is closed, which rolls back */
}

static int open_links(struct store *store, const struct store_settings *settings, struct fail *fail)
{
	int r = link_open(&store->writer, store->file.path, BUSY_MS, fail);

	if (r == 0)
		r = schema_prepare(&store->writer, store_file_used(&store->file), fail);
	if (r == 0)
		r = store_file_protect(&store->file, fail);
	if (r == 0)
		r = read_meta(store, fail);
	if (r == 0)
		r = take_over(store, settings, fail);
	if (r == 0)
		r = link_open(&store->reader, store->file.path, BUSY_MS, fail);
	store_file_note_place(&store->file);
	return r;
}

/* Renames what cannot be used and makes it anew: 1 and a text that says so, or a negative errno. */
static int start_anew(struct store *store, const struct store_settings *settings, const char *why, struct fail *fail)
{
	char name[256], said[FAIL_TEXT_MAX];
	struct store_settings anew = *settings;
	struct fail first = *fail;
	int r;

	anew.distrusted = true;
	links_release(store);
	r = store_file_set_aside(&store->file, why, name, sizeof(name), fail);
	if (r == 0)
		r = store_file_create(&store->file, fail);
	if (r == 0)
		r = open_links(store, &anew, fail);
	if (r < 0)
		return r;
	snprintf(said, sizeof(said), "%.160s; set aside as %.300s", first.text, name);
	snprintf(fail->text, sizeof(fail->text), "%s", said);
	return 1;
}

static int sqlite_open(const struct store_settings *settings, struct store **ret, struct fail *fail)
{
	struct store *store = calloc(1, sizeof(*store));
	struct fail own;
	int r;

	if (!fail)
		fail = &own;
	if (!store)
		return fail_set(fail, -ENOMEM, "out of memory");
	store->magic = STORE_MAGIC;
	store->life = (atomic_fetch_add(&lives, 1) + 1) & 0xffff;
	store->size_limit = settings->size_limit;
	store->removed = settings->removed;
	store->removed_arg = settings->removed_arg;
	r = store_file_open(&store->file, settings->path, fail);
	if (r == 0)
		r = open_links(store, settings, fail);
	if (r == -EUCLEAN)
		r = start_anew(store, settings, "corrupt", fail);
	else if (r == -EOVERFLOW)
		r = start_anew(store, settings, "newer", fail);
	if (r < 0) {
		fail_prefix(fail, "%s", settings->path);
		links_release(store);
		store_file_release(&store->file);
		free(store);
		return r;
	}
	*ret = store;
	return r;
}

static void sqlite_close(struct store *store)
{
	char name[256];
	bool corrupt, whole;

	CHECK(store, STORE_MAGIC);
	corrupt = store->writer.corrupt || store->reader.corrupt;
	link_release(&store->reader);
	whole = !corrupt && link_empty_journal(&store->writer, NULL) == 0;
	link_release(&store->writer);
	if (corrupt)
		store_file_set_aside(&store->file, "corrupt", name, sizeof(name), NULL);
	else if (whole)
		store_file_end(&store->file);
	store_file_release(&store->file);
	store->magic = 0;
	free(store);
}

static int sqlite_distrust(const struct store_settings *settings, struct fail *fail)
{
	return store_file_distrust(settings->path, fail);
}

static int sqlite_load_generations(
        struct store *store, void (*each)(void *, uint32_t, uint32_t), void *arg, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->writer, LINK_GENERATIONS);
	int result = statement ? SQLITE_ROW : SQLITE_NOMEM;

	CHECK(store, STORE_MAGIC);
	while (result == SQLITE_ROW && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		int64_t slot = sqlite3_column_int64(statement, 0), generation = sqlite3_column_int64(statement, 1);

		if (slot < 0 || slot >= GENERATION_SLOTS || generation < 0 || generation > UINT32_MAX ||
		        (uint64_t)sqlite3_column_int64(statement, 2) !=
		                row_generation_seal((uint32_t)slot, (uint32_t)generation)) {
			store->writer.corrupt = true;
			return fail_set(fail, -EUCLEAN, "a generation is not what was written");
		}
		each(arg, (uint32_t)slot, (uint32_t)generation);
	}
	return result == SQLITE_DONE ? 0 : link_fail(&store->writer, fail);
}

static int sqlite_load(struct store *store, const struct cache_key *key, struct entry **ret, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->reader, LINK_LOAD);
	int result, r;

	CHECK(store, STORE_MAGIC);
	if (!statement || sqlite3_bind_blob(statement, 1, key->bytes, sizeof(key->bytes), SQLITE_STATIC))
		return link_fail(&store->reader, fail);
	result = sqlite3_step(statement);
	if (result == SQLITE_DONE)
		return -ENOENT;
	if (result != SQLITE_ROW)
		return link_fail(&store->reader, fail);
	r = row_read(statement, ROW_HEAD_COLUMNS + 1, key, ret, fail);
	if (r == -EUCLEAN)
		store->reader.corrupt = true;
	if (r == 0)
		atomic_store(&(*ret)->body->stored,
		        store_blob_name(store, sqlite3_column_int64(statement, ROW_HEAD_COLUMNS)));
	return r;
}

static int sqlite_keys(struct store *store, struct cache_key *cursor, unsigned max,
        void (*each)(void *, const struct cache_key *), void *arg, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(&store->reader, LINK_KEYS);
	struct cache_key after = *cursor;
	unsigned count = 0;
	int result;

	CHECK(store, STORE_MAGIC);
	if (!statement || sqlite3_bind_blob(statement, 1, after.bytes, sizeof(after.bytes), SQLITE_STATIC) ||
	        sqlite3_bind_int64(statement, 2, max))
		return link_fail(&store->reader, fail);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		count++;
		if (sqlite3_column_bytes(statement, 0) != sizeof(cursor->bytes)) {
			store->reader.corrupt = true;
			return fail_set(fail, -EUCLEAN, "a key is not what was written");
		}
		memcpy(cursor->bytes, sqlite3_column_blob(statement, 0), sizeof(cursor->bytes));
		each(arg, cursor);
	}
	if (result != SQLITE_DONE)
		return link_fail(&store->reader, fail);
	return count == max;
}

static void sqlite_set_size_limit(struct store *store, uint64_t size_limit)
{
	CHECK(store, STORE_MAGIC);
	store->size_limit = size_limit;
	store->walked = 0;
}

static int sqlite_figures(struct store *store, struct store_figures *ret, struct fail *fail)
{
	CHECK(store, STORE_MAGIC);
	*ret = (struct store_figures){
	        .entries = (uint64_t)store->meta.entries,
	        .bytes = store_file_bytes(&store->file),
	};
	memcpy(ret->lineage, store->meta.lineage, sizeof(ret->lineage));
	return 0;
}

const struct store_ops store_sqlite = {
        .name = "sqlite",
        .open = sqlite_open,
        .close = sqlite_close,
        .distrust = sqlite_distrust,
        .load_generations = sqlite_load_generations,
        .load = sqlite_load,
        .keys = sqlite_keys,
        .apply = store_apply,
        .trim = store_trim,
        .set_size_limit = sqlite_set_size_limit,
        .figures = sqlite_figures,
};
