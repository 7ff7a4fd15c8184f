#include "cache/store_link.h"

#include <errno.h>
#include <string.h>

/* A row's columns in the order in which store_row.c binds and reads them. */
#define HEAD_COLUMNS                                                                                                   \
	"status, reason, resource, target, flags, born_ms, age_ms, fresh_until_ms, stale_until_ms, tags, fields, seal"

static const char *const statement_texts[LINK_STATEMENTS] = {
        [LINK_BEGIN] = "BEGIN IMMEDIATE",
        [LINK_COMMIT] = "COMMIT",
        [LINK_ROLLBACK] = "ROLLBACK",
        [LINK_PAGE_COUNT] = "PRAGMA page_count",
        [LINK_FREE_COUNT] = "PRAGMA freelist_count",
        [LINK_META_READ] = "SELECT token, sequence, entries, cleared, rules, lineage FROM meta WHERE id = 1",
        [LINK_META_WRITE] =
                "UPDATE meta SET token = ?1, sequence = ?2, entries = ?3, cleared = ?4, rules = ?5, lineage = ?6 WHERE id = 1",
        [LINK_GENERATIONS] = "SELECT slot, generation, seal FROM generations",
        [LINK_GENERATION_SET] = "INSERT INTO generations (slot, generation, seal) VALUES (?1, ?2, ?3) "
                                "ON CONFLICT (slot) DO UPDATE SET generation = ?2, seal = ?3",
        [LINK_LOAD] = "SELECT " HEAD_COLUMNS ", b.id, b.data FROM heads h JOIN bodies b ON b.id = h.body "
                      "WHERE h.key = ?1 AND h.id > (SELECT cleared FROM meta WHERE id = 1)",
        [LINK_KEYS] = "SELECT key FROM heads WHERE key > ?1 ORDER BY key LIMIT ?2",
        [LINK_FIND] = "SELECT id, body FROM heads WHERE key = ?1",
        [LINK_HEAD_INSERT] = "INSERT INTO heads (" HEAD_COLUMNS ", id, key, body) "
                             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        [LINK_HEAD_RENEW] = "UPDATE heads SET (" HEAD_COLUMNS ", id) = "
                            "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) WHERE id = ?14",
        [LINK_HEAD_DELETE] = "DELETE FROM heads WHERE id = ?1",
        [LINK_BODY_INSERT] = "INSERT INTO bodies (id, data) VALUES (?1, ?2)",
        [LINK_BODY_DELETE] = "DELETE FROM bodies WHERE id = ?1",
        [LINK_OLDEST] = "SELECT id, key, body FROM heads ORDER BY id LIMIT 1",
        [LINK_WALK] = "SELECT id, key, body, stale_until_ms, tags FROM heads WHERE id > ?1 ORDER BY id LIMIT ?2",
};

/*
 * Nothing here writes to the file, which may turn out to be somebody else's. No mmap_size: a read error or
 * a file cut short by somebody would be a SIGBUS instead of a code. secure_delete FAST: wipes what it can without more
 * I/O, where Debian's default wipes every freed page.
 */
static const char connection_setup[] = "PRAGMA trusted_schema = OFF;"
                                       "PRAGMA cell_size_check = ON;"
                                       "PRAGMA secure_delete = FAST;"
                                       "PRAGMA synchronous = NORMAL;"
                                       "PRAGMA cache_size = -8192;" /* KiB; grows only as far as pages are used */
                                       "PRAGMA temp_store = MEMORY;";

static int count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct link *link = arg;

	link->journal_frames = (uint64_t)frames;
	return SQLITE_OK;
}

int link_open(struct link *link, const char *path, int busy_ms, struct fail *fail)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	int r = 0;

	memset(link, 0, sizeof(*link));
	if (sqlite3_open_v2(path, &link->db, flags, NULL) != SQLITE_OK)
		r = link_fail(link, fail);
	if (r == 0) {
		sqlite3_extended_result_codes(link->db, 1);
		sqlite3_busy_timeout(link->db, busy_ms);
		r = link_run_text(link, connection_setup, fail);
	}
	if (r < 0) {
		bool corrupt = link->corrupt;

		link_release(link);
		link->corrupt = corrupt;
		return r;
	}
	sqlite3_wal_hook(link->db, count_frames, link);
	return 0;
}

void link_release(struct link *link)
{
	for (size_t i = 0; i < LINK_STATEMENTS; i++)
		sqlite3_finalize(link->statements[i]);
	sqlite3_close(link->db);
	memset(link, 0, sizeof(*link));
}

sqlite3_stmt *link_lend(struct link *link, enum link_statement which)
{
	sqlite3_stmt **statement = &link->statements[which];

	if (!*statement)
		sqlite3_prepare_v3(link->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
	return *statement;
}

void stmt_resetp(sqlite3_stmt **statement)
{
	if (!*statement)
		return;
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
}

int link_run(struct link *link, enum link_statement which, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(link, which);

	if (!statement || sqlite3_step(statement) != SQLITE_DONE)
		return link_fail(link, fail);
	return 0;
}

int link_run_text(struct link *link, const char *sql, struct fail *fail)
{
	if (sqlite3_exec(link->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return link_fail(link, fail);
	return 0;
}

int link_number(struct link *link, enum link_statement which, int64_t *ret, struct fail *fail)
{
	CLEANUP(stmt_resetp) sqlite3_stmt *statement = link_lend(link, which);

	if (!statement || sqlite3_step(statement) != SQLITE_ROW)
		return link_fail(link, fail);
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

int link_number_text(struct link *link, const char *sql, int64_t *ret, struct fail *fail)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(link->db, sql, -1, &statement, NULL) != SQLITE_OK ||
	        sqlite3_step(statement) != SQLITE_ROW)
		r = link_fail(link, fail);
	else
		*ret = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return r;
}

/* https://www.sqlite.org/rescode.html; extended codes hold the plain one in their low byte. */
static int code_of(int result)
{
	/* without further reason: the header says so, as the file itself could be opened for writing (store_file.c) */
	if (result == SQLITE_READONLY)
		return -EUCLEAN;
	switch (result & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* all texts are fixed: the tables are not the ones that were made */
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_DONE: /* a row that always is there is not */
	case SQLITE_ROW:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

int link_fail(struct link *link, struct fail *fail)
{
	int result = link->db ? sqlite3_extended_errcode(link->db) : SQLITE_NOMEM;
	int code = code_of(result);

	if (code == -EUCLEAN)
		link->corrupt = true;
	return fail_set(fail, code, "%s (SQLite %d)", link->db ? sqlite3_errmsg(link->db) : "out of memory", result);
}

static int checkpoint(struct link *link, int mode, struct fail *fail)
{
	int result = sqlite3_wal_checkpoint_v2(link->db, NULL, mode, NULL, NULL);

	if (result == SQLITE_OK)
		return 0;
	if ((result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED)
		return 1;
	return link_fail(link, fail);
}

int link_checkpoint(struct link *link, uint64_t above, struct fail *fail)
{
	uint64_t bytes = link->journal_frames * LINK_PAGE_SIZE;
	int r;

	if (bytes <= above)
		return 0;
	r = checkpoint(link, bytes > 2 * above ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, fail);
	return r < 0 ? r : 0;
}

int link_empty_journal(struct link *link, struct fail *fail)
{
	return checkpoint(link, SQLITE_CHECKPOINT_TRUNCATE, fail);
}
