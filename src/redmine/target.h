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
	/*
	 * By the extension of the raw path, as Rails routes it: ".json", never ".JSON" or "%2Ejson". NONE where
	 * Redmine's routes take the rest of the path as a file's name (attachments, repository files), whatever the
	 * file is called.
	 */
	enum target_format format;
};

/*
 * Takes origin-form ("/issues.json?limit=5") apart. -EINVAL for anything else
 * (empty, no leading slash, a space, control byte or "#"). "*" (OPTIONS *) is accepted as a path of its own. Pure.
 */
int target_parse(struct target *ret, const char *raw);

/* One part of a path between slashes, never empty. Borrowed. */
struct target_segment {
	const char *text;
	size_t size;
};

/* The next segment from *at on (0 at first; moved behind it). False when there is none left. Pure. */
bool target_next_segment(const struct target *target, size_t *at, struct target_segment *ret);

/*
 * Cuts the extension off a segment ("issues.json" to "issues"): everything from its last dot. Returns the extension's
 * size with the dot, 0 when there is none. Pure.
 */
size_t target_segment_cut(struct target_segment *segment);

/* The segment is exactly that text. Pure. */
bool target_segment_is(const struct target_segment *segment, const char *text);

#endif
