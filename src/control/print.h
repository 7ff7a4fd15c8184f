/*
 * What is stored, as JSON.
 */
#ifndef CONTROL_PRINT_H
#define CONTROL_PRINT_H

#include "cache/entry.h"
#include "redmine/tags.h"

#include <json-c/json.h>

/* One entry: its target, age and lifetimes at now_ms; the caller's to put. No secret is in an entry's target. */
struct json_object *print_entry(const struct entry *entry, bool in_memory, int64_t now_ms);

/* A tag whose name is known. */
struct known_tag {
	char name[32]; /* "": none */
	uint64_t number;
};

/* Its tags by name, as far as the names are known (the classes, and those of `known`), with the generation they were noted at. */
struct json_object *print_tags(const struct tag_notes *notes, const struct known_tag *known, size_t known_count);

#endif
