/*
 * The table of what Redmine serves: one row a resource, with its path pattern,
 * lifetime and traits. A new endpoint is a row.
 */
#ifndef REDMINE_RESOURCE_H
#define REDMINE_RESOURCE_H

#include "redmine/target.h"

#include <stdint.h>

enum resource_trait {
	RESOURCE_LINKS = 1 << 0,  /* answers may hold absolute URLs of the origin */
	RESOURCE_SECRET = 1 << 1, /* answers hold an api_key or atom key: memory only */
	RESOURCE_PAGED = 1 << 2,  /* offset/limit/total_count */
	RESOURCE_BYTES = 1 << 3,  /* downloads: not an API format */
	/*
	 * No API write changes it: statuses, trackers, enumerations, roles. Not custom fields, which name projects since
	 * Redmine 7.0, nor queries, which go with their project and show by membership.
	 */
	RESOURCE_META = 1 << 4,
	RESOURCE_FEED = 1 << 5, /* atom: repeats the URL, key included */
};

struct resource {
	const char
	        *name; /* as in [lifetime]; a configuration word: "issues", "issue", "projects"... Rows may share one */
	/*
	 * Without extension: "/issues", "/issues/:id", "/projects/:p/wiki/:title/:number". ":id" begins with a digit,
	 * ":number" has only digits, other parameters are any segment without a dot; a last segment that begins with
	 * "*" is the rest of the path.
	 */
	const char *pattern;
	const char *formats; /* which extensions: "jx" (json, xml), "a" (atom), "-" (none, downloads) */
	int64_t lifetime_ms; /* default; 0: never kept */
	unsigned traits;     /* enum resource_trait */
};

/*
 * The row of a GET or HEAD on that target, or NULL for a path the table does not know. Matches the raw
 * bytes as Rails routes do: extra and trailing slashes are ignored, %-escapes other than in the
 * parameter parts make no match, matching is case-sensitive. api_format: the query says
 * format=json/xml, which counts on a path without extension only. Pure, allocation-free.
 */
const struct resource *resource_match(const struct target *target, bool api_format);

/* For configuration: is that a row's name; all names, comma-separated (static). */
bool resource_name_known(const char *name);
const char *resource_names(void);

/* Rows of the table, for tests and documentation. NULL past the end. */
const struct resource *resource_at(size_t index);

/* There are no more rows than this: for tables of figures by row. */
#define RESOURCE_ROWS_MAX 128

/* The index of a row for resource_at(); RESOURCE_ROWS_MAX for NULL, a path that the table does not know. */
size_t resource_index(const struct resource *resource);

#endif
