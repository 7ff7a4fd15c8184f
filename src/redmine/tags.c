#include "redmine/tags.h"

#include "base/macros.h"

#include <string.h>

/*
 * First segments of the write paths that change content only, neither who may see it nor a settings list;
 * those of a project stand behind /projects/:p.
 */
static const char *const content[] = {
        "attachments",
        "issue_categories",
        "issues",
        "journals",
        "news",
        "relations",
        "time_entries",
        "versions",
        "watchers",
};
static const char *const project_content[] = {
        "files",
        "issue_categories",
        "issues",
        "news",
        "repository",
        "time_entries",
        "versions",
        "wiki",
};

uint64_t tag_number(const char *name)
{
	uint64_t number = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *name != '\0'; name++)
		number = (number ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return number != 0 ? number : 1;
}

static void tags_add(struct tags *tags, const char *name)
{
	ASSERT(tags->count < TAGS_OF_REQUEST_MAX);
	tags->items[tags->count++] = tag_number(name);
}

void tags_of_read(struct tags *ret, const struct resource *resource, const struct target *target)
{
	ret->count = 0;
	tags_add(ret, resource && (resource->traits & RESOURCE_META) ? "meta" : "any");
}

static bool is_one_of(const struct target_segment *segment, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (target_segment_is(segment, words[i]))
			return true;
	return false;
}

/* The first segments' stems: "issues" of "/issues.json". */
static size_t stems(struct target_segment *ret, size_t room, const struct target *target)
{
	size_t count = 0, at = 0;

	while (count < room && target_next_segment(target, &at, &ret[count]))
		target_segment_cut(&ret[count++]);
	return count;
}

void tags_of_write(struct tags *ret, const char *method, const struct target *target)
{
	struct target_segment segments[3];
	size_t count = stems(segments, ARRAY_SIZE(segments), target);
	bool content_only = false;

	ret->count = 0;
	if (count == 1 && strcmp(method, "POST") == 0 && target_segment_is(&segments[0], "uploads"))
		return;
	if (count >= 1)
		content_only = is_one_of(&segments[0], content, ARRAY_SIZE(content));
	if (count == 3 && target_segment_is(&segments[0], "projects"))
		content_only = is_one_of(&segments[2], project_content, ARRAY_SIZE(project_content));
	tags_add(ret, "any");
	if (!content_only)
		tags_add(ret, "meta");
}
