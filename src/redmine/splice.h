/*
 * The rows of one page of a list, found in its bytes and left as they are, so
 * that pages can be joined without parsing and printing them.
 *
 * JSON: {"issues":[{"id":1,...},...],"total_count":46,"offset":0,"limit":1}, brackets and quotes found 64 bytes at
 * a time. XML: <issues total_count="46" offset="0" limit="1" type="array"><issue><id>1</id>...</issue>...</issues>.
 * (Redmine's app/views/issues/index.api.rsb and its like; Redmine::Views::Builders.) What is not of that shape is
 * refused: it is then passed as it is.
 */
#ifndef REDMINE_SPLICE_H
#define REDMINE_SPLICE_H

#include "base/buf.h"
#include "redmine/target.h"

/* A slice of the page. */
struct splice_row {
	const char *text;
	size_t size;
	uint64_t name; /* by which the row is told from others: its id, with its type where the row says one; 0: none */
};

/* One of total_count, offset, limit: where its digits stand. */
struct splice_number {
	size_t at, size; /* in the page; size 0: not there */
	int64_t value;   /* -1: not there, or null */
};

enum splice_meta { SPLICE_TOTAL, SPLICE_OFFSET, SPLICE_LIMIT, SPLICE_METAS };

struct splice {
	enum target_format format; /* JSON or XML */
	const char *data;
	size_t size;
	size_t head; /* bytes before the first row */
	size_t tail; /* where what stands behind the last row begins */
	struct splice_row *rows;
	size_t count, room;
	struct splice_number metas[SPLICE_METAS];
};

/*
 * Reads a whole page. data is borrowed until splice_release. typed: rows of several types share ids (search), the
 * type is part of the name. 0; -EINVAL: no list of objects, or not whole; -ENOMEM. On failure nothing is held.
 */
int splice_read(struct splice *ret, enum target_format format, const char *data, size_t size, bool typed) MUST_CHECK;
/* Frees the table of rows; for CLEANUP too. */
void splice_release(struct splice *splice);

/*
 * What stands before and behind the rows, with these numbers in the place of the page's own. A negative number leaves
 * the page's. 0, -ENOMEM, -ENOBUFS.
 */
int splice_head(const struct splice *splice, const int64_t metas[SPLICE_METAS], struct buf *out) MUST_CHECK;
int splice_tail(const struct splice *splice, const int64_t metas[SPLICE_METAS], struct buf *out) MUST_CHECK;

/* The total_count of a page, which is not looked at otherwise; -1: it says none, or not where Redmine writes it. Pure. */
int64_t splice_total(enum target_format format, const char *data, size_t size);

/* For the two readers: one row more. 0, -ENOMEM. */
int splice_add(struct splice *splice, const char *text, size_t size, uint64_t name) MUST_CHECK;
/* splice_json.c, splice_xml.c: fill ret, whose format, data and size are set. As splice_read. */
int splice_read_json(struct splice *ret, bool typed) MUST_CHECK;
int splice_read_xml(struct splice *ret, bool typed) MUST_CHECK;
/* The name of a row with this id and this text of its type; never 0. Pure. */
uint64_t splice_name(uint64_t id, const char *type, size_t size);
/* Reads digits at text (up to end) into *ret. Returns their number; 0 for none or more than 18. Pure. */
size_t splice_digits(const char *text, const char *end, int64_t *ret);

#endif
