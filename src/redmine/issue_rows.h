/*
 * A page of the list of issues, as far as it tells what has changed.
 */
#ifndef REDMINE_ISSUE_ROWS_H
#define REDMINE_ISSUE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#define ISSUE_ROWS_MAX 100 /* Redmine gives no more at a time */

struct issue_row {
	uint64_t id;
	uint64_t parent;   /* 0: none */
	int64_t updated_s; /* seconds since 1970 */
	uint64_t digest;   /* of all that the row shows */
};

struct issue_rows {
	uint64_t total; /* issues that there are, in all pages */
	size_t count;
	struct issue_row items[ISSUE_ROWS_MAX];
};

/* Reads the JSON of GET /issues. 0, or -EINVAL for what is none. Pure. */
int issue_rows_read(struct issue_rows *ret, const char *body, size_t size);

#endif
