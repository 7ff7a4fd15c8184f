#include "redmine/resource.h"

#include "base/macros.h"

#include <string.h>

#define SECONDS(n) ((n)*INT64_C(1000))
#define MINUTES(n) ((n)*INT64_C(60000))

#define LINKS  RESOURCE_LINKS
#define SECRET RESOURCE_SECRET
#define PAGED  RESOURCE_PAGED
#define BYTES  RESOURCE_BYTES
#define META   RESOURCE_META
#define FEED   RESOURCE_FEED

/* Enough for every pattern; a longer path can only match one that ends in "*". */
#define SEGMENTS_MAX 6

/* Redmine's config/routes.rb, GET, those that answer in an API format, feeds, downloads. The first match counts. */
static const struct resource resources[] = {
        {"issues", "/issues", "jx", SECONDS(30), PAGED | LINKS},
        {"issues", "/projects/:p/issues", "jx", SECONDS(30), PAGED | LINKS},
        {"issue", "/issues/:id", "jx", SECONDS(30), LINKS},
        {"relations", "/issues/:id/relations", "jx", SECONDS(30), 0},
        {"relation", "/relations/:id", "jx", SECONDS(30), 0},
        {"time_entries", "/time_entries", "jx", SECONDS(30), PAGED},
        {"time_entries", "/projects/:p/time_entries", "jx", SECONDS(30), PAGED},
        {"time_entry", "/time_entries/:id", "jx", SECONDS(30), 0},
        {"projects", "/projects", "jx", SECONDS(60), PAGED},
        {"project", "/projects/:p", "jx", SECONDS(60), 0},
        {"memberships", "/projects/:p/memberships", "jx", SECONDS(60), PAGED},
        {"membership", "/memberships/:id", "jx", SECONDS(60), 0},
        {"versions", "/projects/:p/versions", "jx", SECONDS(60), 0},
        {"version", "/versions/:id", "jx", SECONDS(60), 0},
        {"issue_categories", "/projects/:p/issue_categories", "jx", SECONDS(60), 0},
        {"issue_category", "/issue_categories/:id", "jx", SECONDS(60), 0},
        {"files", "/projects/:p/files", "jx", SECONDS(60), LINKS},
        {"news", "/news", "jx", SECONDS(60), PAGED},
        {"news", "/projects/:p/news", "jx", SECONDS(60), PAGED},
        {"news_item", "/news/:id", "jx", SECONDS(60), LINKS},
        {"wiki_index", "/projects/:p/wiki/index", "jx", SECONDS(60), 0},
        {"wiki_page", "/projects/:p/wiki", "jx", SECONDS(60), LINKS},
        {"wiki_page", "/projects/:p/wiki/:title", "jx", SECONDS(60), LINKS},
        {"wiki_page", "/projects/:p/wiki/:title/:number", "jx", SECONDS(60), LINKS},
        {"current_user", "/users/current", "jx", SECONDS(60), SECRET},
        {"users", "/users", "jx", SECONDS(60), PAGED},
        {"user", "/users/:id", "jx", SECONDS(60), SECRET},
        {"my_account", "/my/account", "jx", SECONDS(60), SECRET},
        {"groups", "/groups", "jx", SECONDS(60), 0},
        {"group", "/groups/:id", "jx", SECONDS(60), 0},
        {"issue_statuses", "/issue_statuses", "jx", MINUTES(10), META},
        {"trackers", "/trackers", "jx", MINUTES(10), META},
        {"enumerations", "/enumerations/:type", "jx", MINUTES(10), META},
        {"custom_fields", "/custom_fields", "jx", MINUTES(10), 0},
        {"roles", "/roles", "jx", MINUTES(10), META},
        {"role", "/roles/:id", "jx", MINUTES(10), META},
        {"queries", "/queries", "jx", MINUTES(5), PAGED},
        {"search", "/search", "jx", SECONDS(30), PAGED | LINKS},
        {"search", "/projects/:p/search", "jx", SECONDS(30), PAGED | LINKS},
        {"attachment", "/attachments/:id", "jx", SECONDS(60), LINKS},
        {"download", "/attachments/download/:number", "-", SECONDS(60), BYTES},
        {"download", "/attachments/download/:number/*filename", "-", SECONDS(60), BYTES},
        {"thumbnail", "/attachments/thumbnail/:number", "-", SECONDS(60), BYTES},
        {"thumbnail", "/attachments/thumbnail/:number/:number", "-", SECONDS(60), BYTES},
        {"feeds", "/issues", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/issues", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/issues/:id", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/issues/changes", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/activity", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/activity", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/time_entries", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/time_entries", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/news", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/news", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/repository/:r/revisions", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/boards", "a", SECONDS(30), FEED | SECRET | LINKS},
        {"feeds", "/projects/:p/boards/:id", "a", SECONDS(30), FEED | SECRET | LINKS},
};

static const char resource_names_text[] =
        "issues, issue, relations, relation, time_entries, time_entry, projects, project, "
        "memberships, membership, versions, version, issue_categories, issue_category, files, "
        "news, news_item, wiki_index, wiki_page, current_user, users, user, my_account, groups, "
        "group, issue_statuses, trackers, enumerations, custom_fields, roles, role, queries, "
        "search, attachment, download, thumbnail, feeds";

/* Segments that other routes take before a parameter would; none of them is an answer that we know. */
static const struct {
	const char *parameter, *word;
} reserved[] = {
        {":p", "autocomplete"},
        {":p", "new"},
        {":title", "date_index"},
        {":title", "destroy"},
        {":title", "export"},
        {":title", "index"},
        {":title", "new"},
        {":type", "new"},
};

struct split_path {
	struct target_segment segments[SEGMENTS_MAX];
	size_t count; /* of all segments, also when there are more than fit */
};

/* The segments, the last one without the extension that makes the format. */
static void split_path(struct split_path *ret, const struct target *target)
{
	struct target_segment segment;
	size_t at = 0;

	ret->count = 0;
	while (target_next_segment(target, &at, &segment))
		if (ret->count++ < SEGMENTS_MAX)
			ret->segments[ret->count - 1] = segment;
	if (ret->count > 0 && ret->count <= SEGMENTS_MAX && target->format != TARGET_FORMAT_NONE)
		target_segment_cut(&ret->segments[ret->count - 1]);
}

static bool format_fits(const struct resource *resource, enum target_format format, bool api_format)
{
	switch (resource->formats[0]) {
	case 'a':
		return format == TARGET_FORMAT_ATOM;
	case '-':
		return format == TARGET_FORMAT_NONE;
	default:
		return format == TARGET_FORMAT_JSON || format == TARGET_FORMAT_XML ||
		       (format == TARGET_FORMAT_NONE && api_format);
	}
}

static bool is_reserved(const struct target_segment *parameter, const struct target_segment *segment)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (target_segment_is(parameter, reserved[i].parameter) && target_segment_is(segment, reserved[i].word))
			return true;
	return false;
}

static bool is_number(const struct target_segment *segment)
{
	for (size_t i = 0; i < segment->size; i++)
		if (segment->text[i] < '0' || segment->text[i] > '9')
			return false;
	return segment->size > 0;
}

/* Rails' segments have no dot in them. ":id" is what Ruby's to_i makes a number of ("1abc" too), ":number" is /\d+/. */
static bool parameter_fits(const struct target_segment *parameter, const struct target_segment *segment)
{
	if (segment->size == 0 || memchr(segment->text, '.', segment->size))
		return false;
	if (target_segment_is(parameter, ":id"))
		return segment->text[0] >= '0' && segment->text[0] <= '9';
	if (target_segment_is(parameter, ":number"))
		return is_number(segment);
	return !is_reserved(parameter, segment);
}

/* The part of a pattern that begins at `at`, up to its slash. */
static struct target_segment pattern_part(const char *at)
{
	return (struct target_segment){.text = at, .size = strcspn(at, "/")};
}

/* The words of the pattern stand in the path where they should, and it has as many segments. Cheap: asked of each row. */
static bool words_fit(const struct split_path *path, const char *pattern)
{
	for (size_t i = 0; i < path->count && i < SEGMENTS_MAX; i++) {
		const struct target_segment *segment = &path->segments[i];

		pattern++;
		if (*pattern == '*')
			return true;
		if (*pattern == ':')
			pattern += pattern_part(pattern).size;
		else if (strncmp(pattern, segment->text, segment->size) == 0)
			pattern += segment->size;
		else
			return false;
		if (*pattern == '\0')
			return i + 1 == path->count;
		if (*pattern != '/')
			return false;
	}
	return false;
}

static bool parameters_fit(const struct split_path *path, const char *pattern)
{
	for (size_t i = 0; *pattern == '/' && pattern[1] != '*'; i++) {
		struct target_segment part = pattern_part(pattern + 1);

		if (part.text[0] == ':' && !parameter_fits(&part, &path->segments[i]))
			return false;
		pattern = part.text + part.size;
	}
	return true;
}

const struct resource *resource_match(const struct target *target, bool api_format)
{
	struct split_path path;

	split_path(&path, target);
	if (path.count == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
		if (resources[i].pattern[1] == path.segments[0].text[0] &&
		        format_fits(&resources[i], target->format, api_format) &&
		        words_fit(&path, resources[i].pattern) && parameters_fit(&path, resources[i].pattern))
			return &resources[i];
	return NULL;
}

bool resource_name_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
		if (strcmp(resources[i].name, name) == 0)
			return true;
	return false;
}

const char *resource_names(void)
{
	return resource_names_text;
}

const struct resource *resource_at(size_t index)
{
	return index < ARRAY_SIZE(resources) ? &resources[index] : NULL;
}

_Static_assert(ARRAY_SIZE(resources) <= RESOURCE_ROWS_MAX, "RESOURCE_ROWS_MAX is too small");

size_t resource_index(const struct resource *resource)
{
	if (resource < resources || resource >= resources + ARRAY_SIZE(resources))
		return RESOURCE_ROWS_MAX;
	return (size_t)(resource - resources);
}
