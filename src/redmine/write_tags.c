#include "redmine/write_tags.h"

#include "base/macros.h"
#include "redmine/issue_body.h"

#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 8

#define POST   1u
#define PUT    2u /* and PATCH */
#define DELETE 4u

/* Lists and single issues, and what shows both; hours of issues add up in versions. */
#define ABOUT_ISSUES (TAG_ISSUES | TAG_ISSUE | TAG_MIXED)
#define HOURS        (TAG_TIME_ENTRIES | ABOUT_ISSUES | TAG_VERSION_HOURS)
/* What hangs on issues: seen, moved and deleted with them. */
#define WITH_ISSUES (HOURS | TAG_TIME_ENTRY | TAG_RELATIONS | TAG_ATTACHMENT)
/* What is seen of issues only by who asks for more than their own fields. */
#define DETAILS (TAG_ISSUES_DETAILS | TAG_ISSUE_DETAILS | TAG_MIXED)

enum special {
	PLAIN,
	ISSUE_CREATE, /* the body says how far it reaches */
	ISSUE_UPDATE,
	RELATION_CREATE,
	SETTLES,
};

struct row {
	unsigned methods;
	const char *pattern;
	unsigned classes;
	const char *
	        own; /* kind of the one that it names by its first parameter; its class is raised where that cannot be told */
	enum tag_class own_class;
	enum special special;
};

static const struct row rows[] = {
        {POST, "/issues", TAG_ISSUES | TAG_MIXED | TAG_VERSION_HOURS, NULL, 0, ISSUE_CREATE},
        {POST, "/projects/:p/issues", TAG_ISSUES | TAG_MIXED | TAG_VERSION_HOURS, NULL, 0, ISSUE_CREATE},
        {PUT, "/issues/:id", TAG_ISSUES | TAG_MIXED, "issue", TAG_ISSUE, ISSUE_UPDATE},
        {DELETE, "/issues", WITH_ISSUES, NULL, 0, PLAIN},
        {DELETE, "/issues/:id", WITH_ISSUES, NULL, 0, PLAIN},
        {PUT, "/journals/:id", DETAILS, NULL, 0, PLAIN},
        {POST, "/issues/:id/relations", DETAILS | TAG_RELATIONS, NULL, 0, RELATION_CREATE},
        {DELETE, "/relations/:id", ABOUT_ISSUES | TAG_RELATIONS, NULL, 0, PLAIN},
        {POST, "/issues/:id/watchers", TAG_ISSUES_DETAILS | TAG_MIXED, "issue", TAG_ISSUE, PLAIN},
        {DELETE, "/issues/:id/watchers/:u", TAG_ISSUES_DETAILS | TAG_MIXED, "issue", TAG_ISSUE, PLAIN},
        {POST | DELETE, "/watchers", DETAILS, NULL, 0, PLAIN},
        {POST, "/time_entries", HOURS, NULL, 0, PLAIN},
        {POST, "/projects/:p/time_entries", HOURS, NULL, 0, PLAIN},
        {POST, "/issues/:id/time_entries", HOURS, NULL, 0, PLAIN},
        {DELETE, "/time_entries/destroy", HOURS | TAG_TIME_ENTRY, NULL, 0, PLAIN},
        {PUT | DELETE, "/time_entries/:id", HOURS, "time_entry", TAG_TIME_ENTRY, PLAIN},
        {PUT | DELETE, "/attachments/:id", DETAILS | TAG_WIKI | TAG_NEWS | TAG_FILES | TAG_VERSIONS, "attachment",
                TAG_ATTACHMENT, PLAIN},
        {POST, "/projects/:p/versions", TAG_VERSIONS | TAG_PROJECTS | TAG_MIXED, NULL, 0, PLAIN},
        {DELETE, "/versions/:id", TAG_VERSIONS | TAG_PROJECTS | TAG_MIXED, NULL, 0, PLAIN}, /* unused ones only */
        {PUT, "/versions/:id", TAG_VERSIONS | TAG_PROJECTS | TAG_ATTACHMENT | ABOUT_ISSUES, NULL, 0, PLAIN},
        {POST, "/projects/:p/issue_categories", TAG_CATEGORIES | TAG_PROJECTS | TAG_MIXED, NULL, 0, PLAIN},
        {PUT | DELETE, "/issue_categories/:id", TAG_CATEGORIES | TAG_PROJECTS | ABOUT_ISSUES, NULL, 0, PLAIN},
        {POST, "/projects/:p/files", TAG_FILES | TAG_VERSIONS | TAG_ATTACHMENT | TAG_MIXED, NULL, 0, PLAIN},
        {POST, "/projects/:p/news", TAG_NEWS | TAG_ATTACHMENT | TAG_MIXED, NULL, 0, PLAIN},
        {PUT | DELETE, "/news/:id", TAG_NEWS | TAG_ATTACHMENT | TAG_MIXED, NULL, 0, PLAIN},
        {PUT | DELETE, "/projects/:p/wiki/:title", TAG_WIKI | TAG_VERSIONS | TAG_ATTACHMENT | TAG_MIXED, NULL, 0,
                PLAIN},
        {POST, "/projects/:p/repository/:r/revisions/:rev/issues", DETAILS, NULL, 0, PLAIN},
        {DELETE, "/projects/:p/repository/:r/revisions/:rev/issues/:id", DETAILS, NULL, 0, PLAIN},
        {POST, "/uploads", 0, NULL, 0, PLAIN},
        /* a new group has no members' rights to give, and nothing is assigned to it */
        {POST, "/groups", TAG_PEOPLE | TAG_ISSUES_DETAILS | TAG_MIXED, NULL, 0, PLAIN},
        /* who may see what, and names that show everywhere */
        {POST, "/projects", TAG_ANY, NULL, 0, PLAIN},
        {PUT, "/projects/:p", TAG_ANY, NULL, 0, PLAIN},
        {DELETE, "/projects/:p", TAG_ANY, NULL, 0, SETTLES},
        {POST | PUT, "/projects/:p/archive", TAG_ANY, NULL, 0, PLAIN},
        {POST | PUT, "/projects/:p/unarchive", TAG_ANY, NULL, 0, PLAIN},
        {POST | PUT, "/projects/:p/close", TAG_ANY, NULL, 0, PLAIN},
        {POST | PUT, "/projects/:p/reopen", TAG_ANY, NULL, 0, PLAIN},
        {POST, "/projects/:p/memberships", TAG_ANY, NULL, 0, PLAIN},
        {PUT | DELETE, "/memberships/:id", TAG_ANY, NULL, 0, PLAIN},
        {PUT | DELETE, "/groups/:id", TAG_ANY, NULL, 0, PLAIN},
        {POST | DELETE, "/groups/:id/users", TAG_ANY, NULL, 0, PLAIN},
        {DELETE, "/groups/:id/users/:u", TAG_ANY, NULL, 0, PLAIN},
};

/* 0 for a method that Redmine's routes know no write by. */
static unsigned method_bit(const char *method)
{
	if (strcmp(method, "POST") == 0)
		return POST;
	if (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0)
		return PUT;
	return strcmp(method, "DELETE") == 0 ? DELETE : 0;
}

struct split {
	struct target_segment segments[SEGMENTS_MAX];
	size_t count; /* SEGMENTS_MAX + 1: more than any pattern has */
};

static void split_path(struct split *ret, const struct target *target)
{
	struct target_segment segment;
	size_t at = 0;

	ret->count = 0;
	while (target_next_segment(target, &at, &segment)) {
		if (ret->count == SEGMENTS_MAX) {
			ret->count++;
			return;
		}
		ret->segments[ret->count++] = segment;
	}
	if (ret->count > 0)
		target_segment_cut(&ret->segments[ret->count - 1]);
}

/* True when the path has the pattern's words where they stand in it. first: the segment of its first parameter. */
static bool fits(const struct split *path, const char *pattern, const struct target_segment **first)
{
	*first = NULL;
	for (size_t i = 0; i < path->count && i < SEGMENTS_MAX; i++) {
		const struct target_segment *segment = &path->segments[i];
		struct target_segment part;

		if (*pattern != '/' || segment->size == 0)
			return false;
		part = (struct target_segment){.text = pattern + 1, .size = strcspn(pattern + 1, "/")};
		if (part.text[0] == ':' && !*first)
			*first = segment;
		else if (part.text[0] != ':' &&
		         (part.size != segment->size || memcmp(part.text, segment->text, part.size) != 0))
			return false;
		pattern = part.text + part.size;
	}
	return *pattern == '\0' && path->count <= SEGMENTS_MAX;
}

static const struct row *find_row(
        const struct write_shape *write, const struct target_segment **first, struct split *path)
{
	unsigned method = method_bit(write->method);

	split_path(path, write->target);
	for (size_t i = 0; method && i < ARRAY_SIZE(rows); i++)
		if ((rows[i].methods & method) && fits(path, rows[i].pattern, first))
			return &rows[i];
	return NULL;
}

/* The classes of enum issue_reach. */
static const struct {
	unsigned reach, classes;
} reaches[] = {
        {ISSUE_REACH_DETAILS, TAG_ISSUE_DETAILS},
        {ISSUE_REACH_HOURS, TAG_VERSION_HOURS},
        {ISSUE_REACH_FILES, TAG_ATTACHMENT},
        {ISSUE_REACH_ISSUES, ABOUT_ISSUES},
        {ISSUE_REACH_TIME, HOURS},
        {ISSUE_REACH_ALL, WITH_ISSUES},
};

/* What the body of a write adds to its row. Parameters of a query would come before those of the body. */
static unsigned reach(const struct write_shape *write, enum special special)
{
	bool readable = write->body && write->query->normal.size == 0;
	unsigned classes = 0, flags = ISSUE_REACH_ALL;

	if (special == RELATION_CREATE)
		return readable && !relation_body_moves(write->content_type, write->body, write->body_size)
		               ? 0
		               : ABOUT_ISSUES;
	if (readable)
		flags = issue_body_reach(write->content_type, write->body, write->body_size, special == ISSUE_CREATE);
	for (size_t i = 0; i < ARRAY_SIZE(reaches); i++)
		if (flags & reaches[i].reach)
			classes |= reaches[i].classes;
	return classes;
}

/* The one that the write names, and readers of which it cannot be told whether they are of that one. */
static void add_own(struct tags *tags, const struct row *row, const struct target_segment *segment)
{
	char unknown[sizeof(tags->own)];

	if (tags->classes & row->own_class)
		return;
	if (!tag_of_one(tags->own, sizeof(tags->own), row->own, segment)) {
		tags->own[0] = '\0';
		tags_add_classes(tags, row->own_class);
		return;
	}
	snprintf(unknown, sizeof(unknown), "%s:?", row->own);
	tags_add_name(tags, tags->own);
	tags_add_name(tags, unknown);
}

void tags_of_write(struct tags *ret, const struct write_shape *write)
{
	const struct target_segment *first;
	unsigned classes;
	struct split path;
	const struct row *row = find_row(write, &first, &path);

	*ret = (struct tags){.late = method_bit(write->method) == 0};
	if (!row) {
		tags_add_classes(ret, TAG_ANY | TAG_META);
		return;
	}
	classes = row->classes;
	if (row->special == ISSUE_CREATE || row->special == ISSUE_UPDATE || row->special == RELATION_CREATE)
		classes |= reach(write, row->special);
	tags_add_classes(ret, classes);
	if (row->own)
		add_own(ret, row, first);
	ret->settles = row->special == SETTLES;
}

bool write_status_has_effect(unsigned status)
{
	return status != 401 && status != 403 && status != 404 && status != 406 && status != 412;
}
