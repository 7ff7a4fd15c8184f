#include "redmine/tags.h"

#include "base/hash.h"
#include "base/macros.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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
        "issues_details",
        "issue_details",
        "people",
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
        {"memberships", TAG_PEOPLE, NULL},
        {"membership", TAG_PEOPLE, NULL},
        {"versions", TAG_VERSIONS, NULL},
        {"version", TAG_VERSIONS | TAG_VERSION_HOURS, NULL},
        {"issue_categories", TAG_CATEGORIES, NULL},
        {"issue_category", TAG_CATEGORIES, NULL},
        {"files", TAG_FILES | TAG_VERSIONS, NULL},
        {"news", TAG_NEWS, NULL},
        {"news_item", TAG_NEWS, NULL},
        {"wiki_index", TAG_WIKI, NULL},
        {"wiki_page", TAG_WIKI, NULL},
        {"current_user", TAG_PEOPLE, NULL},
        {"users", TAG_PEOPLE, NULL},
        {"user", TAG_PEOPLE, NULL},
        {"my_account", TAG_PEOPLE, NULL},
        {"groups", TAG_PEOPLE, NULL},
        {"group", TAG_PEOPLE, NULL},
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

/*
 * Parameters with which issues show, and are found by, no more than the fields of their own: nothing of watchers, relations,
 * files, journals, children or groups.
 */
static const char *const plain[] = {"limit", "offset", "page", "nometa", "sort", "key", "status_id", "project_id",
        "tracker_id", "priority_id", "category_id", "fixed_version_id", "issue_id", "parent_id", "author_id",
        "assigned_to_id", "subject", "created_on", "updated_on", "closed_on", "start_date", "due_date"};

/* last_updated_by is the author of the newest journal (IssueQuery), and any letter may be escaped. */
static bool sorts_by_own(const char *part, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (part[i] == '%' && (size - i < 3 || (strncasecmp(part + i, "%2C", 3) != 0 &&
		                                               strncasecmp(part + i, "%3A", 3) != 0)))
			return false;
	return !memmem(part, size, "last_updated_by", 15);
}

static bool is_plain(const char *part, size_t size)
{
	const char *equals = memchr(part, '=', size);
	size_t name_size = equals ? (size_t)(equals - part) : size;

	if (memchr(part, ';', size))
		return false; /* may be another parameter behind it */
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strlen(plain[i]) == name_size && memcmp(plain[i], part, name_size) == 0)
			return strcmp(plain[i], "sort") != 0 || sorts_by_own(part, size);
	return size == 0;
}

static bool asks_for_details(const struct target *target)
{
	const char *at = target->query, *end = at ? at + target->query_size : NULL;

	while (at && at < end) {
		const char *next = memchr(at, '&', (size_t)(end - at));
		size_t size = (size_t)((next ? next : end) - at);

		if (!is_plain(at, size))
			return true;
		at += size + 1;
	}
	return false;
}

static unsigned details(unsigned classes, const struct target *target)
{
	unsigned found = 0;

	if ((classes & (TAG_ISSUES | TAG_ISSUE)) == 0 || !asks_for_details(target))
		return 0;
	if (classes & TAG_ISSUES)
		found |= TAG_ISSUES_DETAILS;
	if (classes & TAG_ISSUE)
		found |= TAG_ISSUE_DETAILS;
	return found;
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
		tags_add_classes(ret, TAG_ANY | reads[i].classes | details(reads[i].classes, target));
		/* issue.status_id=..., a saved query, a sort by the issue */
		if ((reads[i].classes & TAG_TIME_ENTRIES) && query->normal.size > 0)
			tags_add_classes(ret, TAG_ISSUES | TAG_ISSUES_DETAILS);
		if (reads[i].own)
			add_own(ret, reads[i].own, target);
		return;
	}
	tags_add_classes(ret, TAG_ANY | TAG_MIXED);
}
