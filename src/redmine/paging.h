/*
 * The window that a list's query asks for, and the same query with another
 * one. Redmine: ApplicationController / Redmine::ApiHelper's
 * api_offset_and_limit (redmine-api.md 3.1): limit, offset, page; offset beats page.
 */
#ifndef REDMINE_PAGING_H
#define REDMINE_PAGING_H

#include "base/buf.h"

#define PAGING_MAX     100 /* rows that Redmine gives in one page */
#define PAGING_DEFAULT 25  /* without a limit */

/* -1: the parameter is not there; -2: it is, and is no plain number. */
struct paging {
	int64_t limit, offset, page;
	bool all;    /* limit=all */
	bool sorted; /* sort=, query_id= or group_by= with a value: the order is not the default one */
	bool by_id;  /* the first key of sort= is the id */
	bool nometa; /* nometa= with a value */
	bool below;  /* issues only: the filters leave room for paging_write_below() */
	bool looks;  /* issues only: the order is by what an issue says of itself, with room for paging_write_since() */
};

/*
 * Reads a query (the bytes after "?"; NULL and 0 for none). False when it cannot be read with certainty: a ";", a
 * limit[] and the like. Pure.
 */
bool paging_read(struct paging *ret, const char *query, size_t size);

/*
 * The query without limit, offset, page and nometa, then with offset and limit. Adds to out, without "?". 0 or a
 * buffer error.
 */
int paging_write(const char *query, size_t size, int64_t offset, int64_t limit, struct buf *out) MUST_CHECK;

/*
 * For issues, where paging.below is set: the query of paging_write() with offset 0 and a filter that leaves the rows whose
 * id is that or less (redmine-api.md 3.2: issue_id=<=N). Adds to out, without "?". 0 or a buffer error.
 */
int paging_write_below(const char *query, size_t size, uint64_t id, int64_t limit, struct buf *out) MUST_CHECK;

/*
 * For issues, where paging.looks is set: the same without sort, and with a filter that leaves the rows that changed at
 * since (seconds since 1970) or later, by falling ids; id: 0, or as above. Redmine moves updated_on with every change that
 * such an order shows (redmine-api.md 6.1, 6.2). Adds to out, without "?". 0 or a buffer error.
 */
int paging_write_since(
        const char *query, size_t size, int64_t since, uint64_t id, int64_t limit, struct buf *out) MUST_CHECK;

/*
 * The query with the number of its offset (or page, when there is no offset; with a page, offset must be a multiple of
 * limit) replaced and all other bytes as they are; without either, offset is put behind. Adds to out. 0, a buffer
 * error, or -EINVAL.
 */
int paging_move(const char *query, size_t size, int64_t offset, int64_t limit, struct buf *out) MUST_CHECK;

/* The same, and each limit in it becomes what is left up to end, which is above offset. */
int paging_fall(const char *query, size_t size, int64_t offset, int64_t end, struct buf *out) MUST_CHECK;

#endif
