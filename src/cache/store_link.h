/*
 * One connection to the cache file: the only place that opens one, prepares
 * statements and knows what SQLite's result codes mean. A connection belongs to one
 * thread at a time (SQLite's own locking is off).
 */
#ifndef CACHE_STORE_LINK_H
#define CACHE_STORE_LINK_H

#include "base/fail.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define LINK_PAGE_SIZE 8192

/* Every statement that runs more than once; the texts are in store_link.c. */
enum link_statement {
	LINK_BEGIN,
	LINK_COMMIT,
	LINK_ROLLBACK,
	LINK_PAGE_COUNT,
	LINK_FREE_COUNT,
	LINK_META_READ,
	LINK_META_WRITE,
	LINK_GENERATIONS,
	LINK_GENERATION_SET,
	LINK_LOAD,
	LINK_KEYS,
	LINK_FIND,
	LINK_HEAD_INSERT,
	LINK_HEAD_RENEW,
	LINK_HEAD_DELETE,
	LINK_BODY_INSERT,
	LINK_BODY_DELETE,
	LINK_OLDEST,
	LINK_WALK,
	LINK_STATEMENTS,
};

struct link {
	sqlite3 *db;
	sqlite3_stmt *statements[LINK_STATEMENTS];
	uint64_t journal_frames; /* in the write-ahead log after the last commit here */
	bool corrupt;            /* something said so: see link_fail() */
};

/* Opens the file, which exists. 0; negative errno as link_fail(), the link is empty then. It may not be moved after. */
int link_open(struct link *link, const char *path, int busy_ms, struct fail *fail);

/* Frees it; a zeroed link is fine too. */
void link_release(struct link *link);

/*
 * A prepared statement, lent until stmt_resetp(); NULL: out of memory or the file is not what it should be (see
 * link_fail()).
 */
sqlite3_stmt *link_lend(struct link *link, enum link_statement which);

/* For CLEANUP: gives a lent statement back. */
void stmt_resetp(sqlite3_stmt **statement);

/* Runs a statement without rows and bindings, or any texts. 0 or as link_fail(). */
int link_run(struct link *link, enum link_statement which, struct fail *fail);
int link_run_text(struct link *link, const char *sql, struct fail *fail);

/* The one number that a statement without bindings, or a text, gives. 0 or as link_fail(). */
int link_number(struct link *link, enum link_statement which, int64_t *ret, struct fail *fail);
int link_number_text(struct link *link, const char *sql, int64_t *ret, struct fail *fail);

/*
 * What went wrong last on this connection: -EBUSY locked by another process; -ENOSPC; -EROFS; -EACCES; -EUCLEAN
 * corrupt, or not the tables that were made (link->corrupt is set); -ENOMEM; -EIO for the rest.
 */
int link_fail(struct link *link, struct fail *fail);

/*
 * Moves the write-ahead log into the file once it is longer than so many bytes. That a reader is in the way is no
 * failure: it is tried again after the next commit, and insisted on when the log is twice as long.
 */
int link_checkpoint(struct link *link, uint64_t above, struct fail *fail);

/*
 * Moves all of the log into the file and cuts it to nothing, both synced: 0; 1: something is in the way; or as
 * link_fail().
 */
int link_empty_journal(struct link *link, struct fail *fail);

#endif
