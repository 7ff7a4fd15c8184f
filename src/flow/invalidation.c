#include "flow/invalidation.h"

#include <strings.h>

#define URI_MAX (64 * 1024)

static uint64_t tag_of(const struct target *target, const struct query_parts *query)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(URI_MAX * 4);

	if (buf_add_text(&text, "uri:") < 0 || buf_add(&text, target->path, target->path_size) < 0 ||
	        buf_add_text(&text, "?") < 0 || buf_add(&text, query->normal.data, query->normal.size) < 0)
		return 0;
	return tag_number(buf_text(&text));
}

uint64_t invalidation_tag(const struct request *r)
{
	return tag_of(&r->target, &r->query);
}

/* What stands behind the authority when the URL is of the origin, or of the daemon as the client calls it; NULL: it is neither. */
static const char *behind(const char *url, const char *base)
{
	size_t size = strlen(base);

	if (strncasecmp(url, base, size) != 0)
		return NULL;
	return url[size] == '/' || url[size] == '?' || !url[size] ? url + size : NULL;
}

static bool has_scheme(const char *value)
{
	size_t size = strcspn(value, ":/?#");

	return size > 0 && value[size] == ':';
}

/* The target, below the sub-URI, that the value means as seen from r (RFC 3986 5.2 but for dot segments). NULL: another origin's, or out of memory. */
static char *resolve(const char *value, const struct request *r, const struct origin *origin)
{
	size_t prefix = strlen(origin->path);
	const char *rest = NULL, *slash;
	char *target;

	if (has_scheme(value)) {
		rest = behind(value, origin->base);
		if (!rest && r->base)
			rest = behind(value, r->base);
		if (!rest)
			return NULL;
		return asprintf(&target, "%s%s", rest[0] == '/' ? "" : "/", rest) < 0 ? NULL : target;
	}
	if (value[0] == '/') {
		if (value[1] == '/')
			return NULL;
		if (prefix > 0 && strncmp(value, origin->path, prefix) == 0 && value[prefix] == '/')
			value += prefix;
		return strdup(value);
	}
	slash = memrchr(r->target.path, '/', r->target.path_size);
	if (!slash || value[0] == '?' || value[0] == '#' || !value[0])
		return asprintf(&target, "%.*s%s", (int)r->target.path_size, r->target.path, value) < 0 ? NULL : target;
	return asprintf(&target, "%.*s%s", (int)(slash + 1 - r->target.path), r->target.path, value) < 0 ? NULL
	                                                                                                 : target;
}

static void add_named(struct tags *ret, const struct request *r, const struct origin *origin, const char *value)
{
	CLEANUP(freep) char *text = value ? resolve(value, r, origin) : NULL;
	struct query_parts query = {0};
	struct target target;
	uint64_t tag;

	if (!text || strlen(text) > URI_MAX)
		return;
	text[strcspn(text, "#")] = '\0';
	if (target_parse(&target, text) == 0 &&
	        query_parse(&query, target.query, target.query ? target.query_size : 0,
	                target.format != TARGET_FORMAT_JSON && target.format != TARGET_FORMAT_XML) == 0) {
		tag = tag_of(&target, &query);
		if (tag != 0)
			ret->items[ret->count++] = tag;
	}
	query_parts_release(&query);
}

void invalidation_by_answer(struct tags *ret, const struct request *r, const struct origin *origin, unsigned status,
        const struct fields *fields)
{
	uint64_t tag = invalidation_tag(r);

	*ret = (struct tags){.late = true};
	if (status < 200 || status >= 400)
		return;
	if (tag != 0)
		ret->items[ret->count++] = tag;
	add_named(ret, r, origin, fields_get(fields, "Location"));
	add_named(ret, r, origin, fields_get(fields, "Content-Location"));
}
