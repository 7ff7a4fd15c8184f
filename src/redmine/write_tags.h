/*
 * What a write may have changed: a table of Redmine's write paths with the
 * tags (tags.h) that each raises, from redmine-api.md 5.2. What is in doubt is raised; a path that is not
 * in the table raises everything. POST /uploads raises nothing: the
 * file shows when a later write attaches it.
 */
#ifndef REDMINE_WRITE_TAGS_H
#define REDMINE_WRITE_TAGS_H

#include "base/buf.h"
#include "redmine/tags.h"

/* One write, as far as it says what it changes. */
struct write_shape {
	const char *method; /* what it is in truth (method_effective); every POST is a write, whatever it says it is */
	const struct target *target;
	const struct query_parts *query;
	const char *content_type; /* NULL: none */
	const char *body;         /* the whole body, or NULL where it is not at hand */
	size_t body_size;
};

/* Fills ret; count is 0 for a write that changes nothing that is read. Pure. */
void tags_of_write(struct tags *ret, const struct write_shape *write);

/* False when an answer of that status says for sure that nothing was changed: 401, 403, 404, 406, 412 (5.3). Pure. */
bool write_status_has_effect(unsigned status);

#endif
