/*
 * What a read depends on and what a write may have changed (redmine-api.md
 * section 5), as 64-bit tags of one origin. For now coarse: every read carries "any" unless no
 * API write changes its resource (RESOURCE_META); every write raises "any"; POST /uploads raises nothing.
 */
#ifndef REDMINE_TAGS_H
#define REDMINE_TAGS_H

#include "redmine/resource.h"

#define TAGS_OF_REQUEST_MAX 12

struct tags {
	size_t count;
	uint64_t items[TAGS_OF_REQUEST_MAX];
};

/* A tag's number: "i:12", "any", ... Never 0. Pure. */
uint64_t tag_number(const char *name);

/* resource: NULL for a path that the table does not know. Pure. */
void tags_of_read(struct tags *ret, const struct resource *resource, const struct target *target);
void tags_of_write(struct tags *ret, const char *method, const struct target *target);

/* The effective method of a request: POST's X-HTTP-Method-Override (any case; redmine-api.md section 8). Returns method or the override, static or borrowed. */
const char *method_effective(const char *method, const char *override_field);

/* GET, HEAD, OPTIONS, TRACE (RFC 9110 9.2.1), exact case. */
bool method_is_safe(const char *method);

#endif
