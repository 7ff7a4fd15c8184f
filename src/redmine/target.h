/*
 * A request target taken apart without changing a byte: path, query, format.
 */
#ifndef REDMINE_TARGET_H
#define REDMINE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum target_format {
	TARGET_FORMAT_NONE, /* html, csv, pdf, a download: whatever is not an API answer */
	TARGET_FORMAT_JSON,
	TARGET_FORMAT_XML,
	TARGET_FORMAT_ATOM,
};

/* Slices of the target; borrowed. */
struct target {
	const char *path; /* begins with "/" */
	size_t path_size;
	const char *query; /* after "?", or NULL when there is no "?" */
	size_t query_size;
	enum target_format format; /* by the extension of the raw path, as Rails routes it: ".json", never ".JSON" */
};

/*
 * Takes origin-form ("/issues.json?limit=5") apart. -EINVAL for anything else
 * (empty, no leading slash, a space or control byte). "*" (OPTIONS *) is accepted as a path of its own.
 */
int target_parse(struct target *ret, const char *raw);

#endif
