#include "redmine/target.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

/* Actions of a repository whose path is that of a file in it; config/routes.rb, "repositories routes". */
static const char *const file_actions[] = {"browse", "show", "entry", "raw", "annotate", "changes", "diff"};

bool target_next_segment(const struct target *target, size_t *at, struct target_segment *ret)
{
	const char *end = target->path + target->path_size;
	const char *start = target->path + *at;
	const char *slash;

	while (start < end && *start == '/')
		start++;
	if (start == end)
		return false;
	slash = memchr(start, '/', (size_t)(end - start));
	if (slash)
		end = slash;
	*ret = (struct target_segment){.text = start, .size = (size_t)(end - start)};
	*at = (size_t)(end - target->path);
	return true;
}

size_t target_segment_cut(struct target_segment *segment)
{
	const char *dot = memrchr(segment->text, '.', segment->size);
	size_t extension;

	if (!dot)
		return 0;
	extension = segment->size - (size_t)(dot - segment->text);
	segment->size -= extension;
	return extension;
}

bool target_segment_is(const struct target_segment *segment, const char *text)
{
	return strlen(text) == segment->size && memcmp(segment->text, text, segment->size) == 0;
}

static bool is_number(const struct target_segment *segment)
{
	for (size_t i = 0; i < segment->size; i++)
		if (segment->text[i] < '0' || segment->text[i] > '9')
			return false;
	return true;
}

static bool is_file_action(const struct target_segment *segment)
{
	for (size_t i = 0; i < ARRAY_SIZE(file_actions); i++)
		if (target_segment_is(segment, file_actions[i]))
			return true;
	return false;
}

/* True when Redmine takes the end of the path as a file's name: segments is at least one more than the name's place. */
static bool ends_in_file_name(const struct target_segment *segments, size_t count)
{
	if (count >= 3 && target_segment_is(&segments[0], "attachments")) {
		if (is_number(&segments[1]))
			return true; /* attachments/:id/:filename */
		return count >= 4 && target_segment_is(&segments[1], "download") && is_number(&segments[2]);
	}
	if (count < 6 || !target_segment_is(&segments[0], "projects") || !target_segment_is(&segments[2], "repository"))
		return false;
	if (is_file_action(&segments[4]))
		return true; /* projects/:id/repository/:repository_id/raw/PATH */
	return count >= 8 && target_segment_is(&segments[4], "revisions") && is_file_action(&segments[6]);
}

static enum target_format format_of(const struct target *target)
{
	struct target_segment first[8], last = {.text = "", .size = 0};
	size_t count = 0, at = 0, extension;

	while (target_next_segment(target, &at, &last)) {
		if (count < ARRAY_SIZE(first))
			first[count++] = last;
	}
	extension = target_segment_cut(&last);
	if (extension == 0 || ends_in_file_name(first, count))
		return TARGET_FORMAT_NONE;
	last = (struct target_segment){.text = last.text + last.size, .size = extension};
	if (target_segment_is(&last, ".json"))
		return TARGET_FORMAT_JSON;
	if (target_segment_is(&last, ".xml"))
		return TARGET_FORMAT_XML;
	if (target_segment_is(&last, ".atom"))
		return TARGET_FORMAT_ATOM;
	return TARGET_FORMAT_NONE;
}

int target_parse(struct target *ret, const char *raw)
{
	const char *at = raw, *question = NULL;

	if (raw[0] != '/' && strcmp(raw, "*") != 0)
		return -EINVAL;
	for (; *at != '\0'; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#')
			return -EINVAL;
		if (*at == '?' && !question)
			question = at;
	}
	*ret = (struct target){.path = raw, .path_size = (size_t)((question ? question : at) - raw)};
	if (question) {
		ret->query = question + 1;
		ret->query_size = (size_t)(at - ret->query);
	}
	ret->format = format_of(ret);
	return 0;
}
