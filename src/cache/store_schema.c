#include "cache/store_schema.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

/*
 * heads and bodies are apart so that a head renewed by a 304 is written without its body, and so that walking over
 * heads (the oldest, the expired) touches no body. heads.id only grows, so the lowest is the least recently
 * stored; heads_key alone answers which keys there are.
 */
static const char *const steps[SCHEMA_VERSION] = {
        /* 0 -> 1: a new file */
        "CREATE TABLE meta ("
        "  id INTEGER PRIMARY KEY CHECK (id = 1),"
        "  token BLOB NOT NULL,"       /* as in the mark beside the file */
        "  sequence INTEGER NOT NULL," /* the last id given to a head or body */
        "  entries INTEGER NOT NULL);" /* heads that are not cleared */
        "INSERT INTO meta (id, token, sequence, entries) VALUES (1, zeroblob(16), 0, 0);"
        "CREATE TABLE generations ("
        "  slot INTEGER PRIMARY KEY,"
        "  generation INTEGER NOT NULL,"
        "  seal INTEGER NOT NULL);"
        "CREATE TABLE heads ("
        "  id INTEGER PRIMARY KEY,"
        "  key BLOB NOT NULL,"
        "  body INTEGER NOT NULL," /* bodies.id */
        "  status INTEGER NOT NULL,"
        "  reason TEXT NOT NULL,"
        "  resource TEXT NOT NULL,"
        "  target TEXT NOT NULL,"   /* with credentials cut, for people */
        "  flags INTEGER NOT NULL," /* enum entry_flag */
        "  born_ms INTEGER NOT NULL,"
        "  age_ms INTEGER NOT NULL,"
        "  fresh_until_ms INTEGER NOT NULL,"
        "  stale_until_ms INTEGER NOT NULL,"
        "  tags BLOB NOT NULL,"     /* slot and generation, 4 bytes each, little-endian */
        "  fields BLOB NOT NULL,"   /* Name: value, CRLF */
        "  seal INTEGER NOT NULL);" /* checksum of all that but id, with the body */
        "CREATE UNIQUE INDEX heads_key ON heads (key);"
        "CREATE TABLE bodies ("
        "  id INTEGER PRIMARY KEY,"
        "  data BLOB NOT NULL);",

        /* 1 -> 2: clearing by a number instead of deleting: heads up to this id count as gone */
        "ALTER TABLE meta ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;",

        /* 2 -> 3: by which rules the entries were kept (store_settings.rules); 0: nobody knows */
        "ALTER TABLE meta ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;",

        /* 3 -> 4: store_figures.lineage; zeros: none yet */
        "ALTER TABLE meta ADD COLUMN lineage BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';",
};

/* A file with another program's mark is that program's, unless it lies where ours was. */
static int check_owner(struct link *link, int64_t version, bool ours, struct fail *fail)
{
	int64_t application = 0, tables = 0;
	int r = link_number_text(link, "PRAGMA application_id", &application, fail);

	if (r == 0)
		r = link_number_text(link, "SELECT count(*) FROM sqlite_schema", &tables, fail);
	if (r < 0)
		return r;
	if (version >= 0 && (application == SCHEMA_APPLICATION_ID || (version == 0 && application == 0 && tables == 0)))
		return 0;
	if (ours) {
		link->corrupt = true;
		return fail_set(fail, -EUCLEAN, "not the database that it was");
	}
	return fail_set(fail, -EEXIST, "another program's database: left alone");
}

/* What is kept in the file itself; the first two count only before it has its first page. */
static int set_up_file(struct link *link, struct fail *fail)
{
	sqlite3_stmt *statement = NULL;
	const char *mode = NULL;
	int r = link_run_text(link, "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL", fail);

	_Static_assert(LINK_PAGE_SIZE == 8192, "the text above");
	if (r < 0)
		return r;
	if (sqlite3_prepare_v2(link->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL) == SQLITE_OK &&
	        sqlite3_step(statement) == SQLITE_ROW)
		mode = (const char *)sqlite3_column_text(statement, 0);
	if (!mode)
		r = link_fail(link, fail);
	else if (strcmp(mode, "wal") != 0)
		r = fail_set(fail, -EIO, "no write-ahead log can be had there (journal mode %s)", mode);
	sqlite3_finalize(statement);
	return r;
}

static int take_steps(struct link *link, int64_t version, struct fail *fail)
{
	char text[96];
	int r = link_run(link, LINK_BEGIN, fail);

	for (; r == 0 && version < SCHEMA_VERSION; version++)
		r = link_run_text(link, steps[version], fail);
	snprintf(text, sizeof(text), "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION_ID,
	        SCHEMA_VERSION);
	if (r == 0)
		r = link_run_text(link, text, fail);
	if (r == 0)
		r = link_run(link, LINK_COMMIT, fail);
	if (r < 0 && !sqlite3_get_autocommit(link->db))
		link_run(link, LINK_ROLLBACK, NULL);
	return r;
}

int schema_prepare(struct link *link, bool ours, struct fail *fail)
{
	int64_t version = 0;
	int r = link_number_text(link, "PRAGMA user_version", &version, fail);

	if (r == 0)
		r = check_owner(link, version, ours, fail);
	if (r < 0)
		return r;
	if (version > SCHEMA_VERSION)
		return fail_set(fail, -EOVERFLOW, "made by a newer version (schema %lld)", (long long)version);
	r = set_up_file(link, fail);
	if (r < 0 || version == SCHEMA_VERSION)
		return r;
	return take_steps(link, version, fail);
}
