#include "redmine/tags.h"

#include "base/hash.h"
#include "base/macros.h"

#include <stdio.h>
#include <string.h>

static const char *const class_names[] = {
        "any",
        "meta",
        "issues",
        "issue",
        "relations",
        "time_entries",
        "time_entry",
        "versions",
        "version_hours",
        "categories",
        "projects",
        "files",
        "news",
        "wiki",
        "attachment",
        "mixed",
};

/* What the answers of a resource depend on, besides TAG_ANY; own: the kind of its tag of one. */
static const struct {
	const char *resource;
	unsigned classes;
	const char *own;
} reads[] = {
        {"issues", TAG_ISSUES, NULL},
        {"issue", TAG_ISSUE, "issue"},
        {"relations", TAG_RELATIONS, NULL},
        {"relation", TAG_RELATIONS, NULL},
        {"time_entries", TAG_TIME_ENTRIES, NULL},
        {"time_entry", TAG_TIME_ENTRY, "time_entry"},
        {"projects", TAG_PROJECTS, NULL},
        {"project", TAG_PROJECTS, NULL},
        {"memberships", 0, NULL},
        {"membership", 0, NULL},
        {"versions", TAG_VERSIONS, NULL},
        {"version", TAG_VERSIONS | TAG_VERSION_HOURS, NULL},
        {"issue_categories", TAG_CATEGORIES, NULL},
        {"issue_category", TAG_CATEGORIES, NULL},
        {"files", TAG_FILES | TAG_VERSIONS, NULL},
        {"news", TAG_NEWS, NULL},
        {"news_item", TAG_NEWS, NULL},
        {"wiki_index", TAG_WIKI, NULL},
        {"wiki_page", TAG_WIKI, NULL},
        {"current_user", 0, NULL},
        {"users", 0, NULL},
        {"user", 0, NULL},
        {"my_account", 0, NULL},
        {"groups", 0, NULL},
        {"group", 0, NULL},
        {"custom_fields", 0, NULL},
        {"queries", 0, NULL},
        {"attachment", TAG_ATTACHMENT, "attachment"},
        {"download", TAG_ATTACHMENT, "attachment"},
        {"thumbnail", TAG_ATTACHMENT, "attachment"},
};

uint64_t tag_number(const char *name)
{
	uint64_t number = hash_add(HASH_START, name, strlen(name));

	return number != 0 ? number : 1;
}

const char *tag_class_name(enum tag_class class)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if ((unsigned)class == 1u << i)
			return class_names[i];
	return NULL;
}

void tags_add_name(struct tags *tags, const char *name)
{
	ASSERT(tags->count < TAGS_OF_REQUEST_MAX);
	tags->items[tags->count++] = tag_number(name);
}

void tags_add_classes(struct tags *tags, unsigned classes)
{
	tags->classes |= classes;
	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if (classes & 1u << i)
			tags_add_name(tags, class_names[i]);
}

bool tag_of_one(char *room, size_t size, const char *kind, const struct target_segment *segment)
{
	const char *digits = segment->text, *end = segment->text + segment->size;

	while (digits < end && *digits == '0')
		digits++;
	for (const char *at = digits; at < end; at++) {
		if (*at < '0' || *at > '9' || end - digits > 18) {
			snprintf(room, size, "%s:?", kind);
			return false;
		}
	}
	snprintf(room, size, "%s:%.*s", kind, (int)(end - digits), digits);
	return true;
}

/* The first segment of the path that begins with a digit: the number of what a single resource is about. */
static void add_own(struct tags *tags, const char *kind, const struct target *target)
{
	struct target_segment segment;
	char name[32];
	size_t at = 0;

	while (target_next_segment(target, &at, &segment)) {
		if (segment.text[0] < '0' || segment.text[0] > '9')
			continue;
		if (target->format != TARGET_FORMAT_NONE)
			target_segment_cut(&segment);
		tag_of_one(name, sizeof(name), kind, &segment);
		tags_add_name(tags, name);
		return;
	}
}

void tags_of_read(
        struct tags *ret, const struct resource *resource, const struct target *target, const struct query_parts *query)
{
	*ret = (struct tags){0};
	if (resource && (resource->traits & RESOURCE_META)) {
		tags_add_classes(ret, TAG_META);
		return;
	}
	for (size_t i = 0; resource && i < ARRAY_SIZE(reads); i++) {
		if (strcmp(reads[i].resource, resource->name) != 0)
			continue;
		tags_add_classes(ret, TAG_ANY | reads[i].classes);
		/* issue.status_id=..., a saved query, a sort by the issue */
		if ((reads[i].classes & TAG_TIME_ENTRIES) && query->normal.size > 0)
			tags_add_classes(ret, TAG_ISSUES);
		if (reads[i].own)
			add_own(ret, reads[i].own, target);
		return;
	}
	tags_add_classes(ret, TAG_ANY | TAG_MIXED);
}
