/*
 * What a read depends on and what a write may have changed (redmine-api.md
 * section 5), as 64-bit tags of one origin. For now coarse: every read carries
 * "any", or "meta" where no API write changes its resource (RESOURCE_META).
 * Every write raises "any"; one that is not known to leave alone who may see
 * what (users, groups, memberships, projects, and every page of the web
 * interface, by which statuses or roles may be edited) raises "meta" too.
 * POST /uploads raises nothing: the file shows when a later write attaches it.
 */
#ifndef REDMINE_TAGS_H
#define REDMINE_TAGS_H

#include "redmine/method.h"
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

/* method: what the request is in truth (method_effective). Every POST is a write here, whatever it says it is. Pure. */
void tags_of_write(struct tags *ret, const char *method, const struct target *target);

#endif
