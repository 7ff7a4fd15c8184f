#include "control/selection.h"

#include "redmine/identity.h"
#include "redmine/tags.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

/* What lies behind "http://host". */
static const char *behind_authority(const char *url)
{
	const char *host = strncasecmp(url, "http://", 7) == 0    ? url + 7
	                   : strncasecmp(url, "https://", 8) == 0 ? url + 8
	                                                          : NULL;

	return host ? host + strcspn(host, "/?") : url;
}

/* What lies below the sub-URI, whether the target carries it or not. */
static const char *below(const char *prefix, const char *target)
{
	size_t size = strlen(prefix);

	if (size > 0 && strncmp(target, prefix, size) == 0 &&
	        (target[size] == '/' || target[size] == '?' || !target[size]))
		target += size;
	return target;
}

char *selection_target(const struct origin *origin, const char *url)
{
	const char *target = below(origin->path, behind_authority(url));
	char *ret;

	if (*target == '/')
		return strdup(target);
	if (*target && *target != '?')
		return NULL;
	return asprintf(&ret, "/%s", target) < 0 ? NULL : ret;
}

static int parse(const char *text, struct target *target, struct query_parts *query)
{
	bool ordered;
	int r = target_parse(target, text);

	if (r < 0)
		return r;
	ordered = target->format != TARGET_FORMAT_JSON && target->format != TARGET_FORMAT_XML;
	return query_parse(query, target->query, target->query ? target->query_size : 0, ordered);
}

static int read_url(struct selection *ret, struct caller *caller, const char *url)
{
	ret->url = selection_target(caller->settings->flow->origin, url);
	if (ret->url && parse(ret->url, &ret->target, &ret->query) == 0)
		return 0;
	caller_error(
	        caller, "bad-request", "url: \"%s\" is no URL of Redmine's, nor a path that begins with a slash.", url);
	return -EINVAL;
}

/* As the log shows it: six hexadecimal digits, "-" for whoever had none. */
static int read_identity(struct selection *ret, struct caller *caller, const char *identity)
{
	if (strlen(identity) != IDENTITY_DIGITS || strspn(identity, "0123456789abcdef") != IDENTITY_DIGITS) {
		caller_error(caller, "bad-request",
		        "identity: \"%s\" is none; they are six hexadecimal digits, as in the log.", identity);
		return -EINVAL;
	}
	ret->identity = identity_tag_of(identity);
	ret->identified = true;
	return 0;
}

int selection_read(struct selection *ret, struct caller *caller, struct json_object *arguments)
{
	const char *url = caller_text(arguments, "url"), *tag = caller_text(arguments, "tag");
	const char *identity = caller_text(arguments, "identity");
	int r = 0;

	*ret = (struct selection){.prefix = caller->settings->flow->origin->path,
	        .pattern = caller_text(arguments, "pattern"),
	        .all = caller_flag(arguments, "all")};
	if (tag) {
		ret->tagged = true;
		ret->tag = tag_number(tag);
	}
	if (url)
		r = read_url(ret, caller, url);
	if (r == 0 && identity)
		r = read_identity(ret, caller, identity);
	if (r < 0)
		selection_release(ret);
	return r;
}

void selection_release(struct selection *selection)
{
	free(selection->url);
	selection->url = NULL;
	query_parts_release(&selection->query);
}

bool selection_is_open(const struct selection *selection)
{
	return !selection->url && !selection->pattern && !selection->tagged && !selection->identified;
}

bool selection_same(const struct target *target, const struct query_parts *query, const char *other)
{
	CLEANUP(query_parts_release) struct query_parts parts = {0};
	struct target parsed;

	if (parse(other, &parsed, &parts) < 0)
		return false;
	return parsed.path_size == target->path_size && memcmp(parsed.path, target->path, target->path_size) == 0 &&
	       parts.normal.size == query->normal.size &&
	       (parts.normal.size == 0 || memcmp(parts.normal.data, query->normal.data, parts.normal.size) == 0);
}

static bool has_tag(const struct entry *entry, uint64_t tag)
{
	uint32_t slot = generations_slot(tag);

	for (uint32_t i = 0; i < entry->tags.count; i++)
		if (entry->tags.items[i].slot == slot)
			return true;
	return false;
}

bool selection_has(const struct selection *selection, const struct entry *entry)
{
	const char *target = below(selection->prefix, entry->target);

	if (selection->url && !selection_same(&selection->target, &selection->query, target))
		return false;
	if (selection->pattern && fnmatch(selection->pattern, target, 0) != 0)
		return false;
	if (selection->tagged && !has_tag(entry, selection->tag))
		return false;
	return !selection->identified || has_tag(entry, selection->identity);
}
