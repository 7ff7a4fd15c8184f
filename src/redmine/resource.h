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
	RESOURCE_META =
	        1 << 4, /* no API write changes it (statuses, trackers, enumerations, roles, custom fields, queries) */
	RESOURCE_FEED = 1 << 5, /* atom: repeats the URL, key included */
};

struct resource {
	const char *name; /* as in [lifetime]; a configuration word: "issues", "issue", "projects", ... */
	const char *
	        pattern; /* "/issues", "/issues/:id", "/projects/:p/issues", "/projects/:p/wiki/:title/:version"; no extension */
	const char *formats; /* which extensions: "jx" (json, xml), "a" (atom), "-" (none, downloads) */
	int64_t lifetime_ms; /* default; 0: never kept */
	unsigned traits;     /* enum resource_trait */
};

/*
 * The row of a GET on that target, or NULL for a path the table does not know. Matches the raw
 * bytes as Rails routes do: extra and trailing slashes are ignored, %-escapes other than in the
 * parameter parts make no match, matching is case-sensitive. api_format: the query says
 * format=json/xml on a path without extension. Pure, allocation-free.
 */
const struct resource *resource_match(const struct target *target, bool api_format);

/* For configuration: is that a row's name; all names, comma-separated (static). */
bool resource_name_known(const char *name);
const char *resource_names(void);

/* Rows of the table, for tests and documentation. NULL past the end. */
const struct resource *resource_at(size_t index);

#endif
