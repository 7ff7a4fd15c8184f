#include "flow/forward.h"

#include "redmine/links.h"
#include "redmine/request_fields.h"

#include <errno.h>
#include <strings.h>

/* The next hop's own: made anew by whoever sends. */
static const char *const made_anew[] = {"Host", "Content-Length", "Expect"};
/* An answer that may be kept is asked for whole: the client's conditions are judged here. */
static const char *const conditions[] = {
        "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"};

static bool listed(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (field_name_is(name, list[i]))
			return true;
	return false;
}

static int add_via(struct fields *fields)
{
	CLEANUP(buf_release) struct buf via = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < fields->count; i++)
		if (field_name_is(fields->items[i].name, "Via") && buf_printf(&via, "%s, ", fields->items[i].value) < 0)
			return -ENOMEM;
	if (buf_add_text(&via, FORWARD_VIA) < 0)
		return -ENOMEM;
	return fields_set(fields, "Via", via.data);
}

/* Redmine takes nobody's identity from a cookie there, but fails on an expired session (redmine-api.md 2.3). */
static bool is_api(const struct request *r)
{
	return r->target.format == TARGET_FORMAT_JSON || r->target.format == TARGET_FORMAT_XML || r->query.api_format;
}

bool forward_passes_cookies(const struct request *r, const struct fields *answer)
{
	const char *type = fields_get(answer, "Content-Type");

	if (r->conf->cache.policy != CACHE_POLICY_REDMINE)
		return true;
	if (is_api(r))
		return false;
	return r->identity.anonymous || r->identity.cookie || (type && strncasecmp(type, "text/html", 9) == 0);
}

int forward_request_fields(struct fields *ret, const struct request *r, enum forward_purpose purpose, bool own_coding)
{
	if (fields_copy(ret, &r->fields) < 0)
		return -ENOMEM;
	fields_remove_hop_by_hop(ret);
	for (size_t i = 0; i < r->fields.count; i++) {
		const char *name = r->fields.items[i].name;

		if (listed(name, made_anew, ARRAY_SIZE(made_anew)) || !request_field_forwardable(name) ||
		        (purpose == FORWARD_TO_KEEP && listed(name, conditions, ARRAY_SIZE(conditions))) ||
		        (own_coding && field_name_is(name, "Accept-Encoding")))
			fields_remove(ret, name);
	}
	if (r->conf->cache.policy == CACHE_POLICY_REDMINE && is_api(r))
		fields_remove(ret, "Cookie");
	if (preferences_take_out(ret) < 0)
		return -ENOMEM;
	return add_via(ret);
}

enum target_format forward_format(const struct request *r, const struct fields *answer)
{
	const char *type = fields_get(answer, "Content-Type");

	if (r->target.format != TARGET_FORMAT_NONE || !r->query.api_format || !type)
		return r->target.format;
	if (strcasestr(type, "json"))
		return TARGET_FORMAT_JSON;
	return strcasestr(type, "xml") ? TARGET_FORMAT_XML : TARGET_FORMAT_NONE;
}

bool forward_rewrites(const struct request *r)
{
	return (r->target.format != TARGET_FORMAT_NONE || r->query.api_format) && !r->directives.no_transform;
}

bool forward_names_links(const char *name)
{
	return field_name_is(name, "Location") || field_name_is(name, "Content-Location") ||
	       field_name_is(name, "Link");
}

static int lead_back_one(const char *value, const struct request *r, const struct origin *origin, struct buf *out)
{
	return links_location(value, origin->base, origin->path, r->base, r->sub_path ? origin->path : "", out);
}

/* RFC 8288 section 3: "<URI>; rel=...", ...; an angle bracket in quotes is a parameter's. */
static int lead_back_list(const char *value, const struct request *r, const struct origin *origin, struct buf *out)
{
	bool quoted = false;
	int result = 0;

	for (; *value && result == 0; value++) {
		const char *end = *value == '<' && !quoted ? strchr(value, '>') : NULL;

		if (quoted && *value == '\\' && value[1])
			result = buf_add_char(out, *value++);
		else
			quoted ^= *value == '"';
		if (result == 0)
			result = buf_add_char(out, *value);
		if (end && result == 0) {
			CLEANUP(freep) char *uri = strndup(value + 1, (size_t)(end - value) - 1);

			result = uri ? lead_back_one(uri, r, origin, out) : -ENOMEM;
			value = end - 1;
		}
	}
	return result;
}

int forward_lead_back(const struct field *field, const struct request *r, const struct origin *origin, struct buf *out)
{
	return field_name_is(field->name, "Link") ? lead_back_list(field->value, r, origin, out)
	                                          : lead_back_one(field->value, r, origin, out);
}

/* Of a field that is no list the first line; several of Link become one. */
static int lead_back(struct fields *fields, const char *name, const struct request *r, const struct origin *origin)
{
	CLEANUP(buf_release) struct buf led = BUF_INIT(64 * 1024);
	bool changed = false;
	int result = 0;

	for (size_t i = 0; i < fields->count && result == 0; i++) {
		const struct field *field = &fields->items[i];
		size_t start;

		if (!field_name_is(field->name, name) || (led.size > 0 && !field_name_is(name, "Link")))
			continue;
		if (led.size > 0)
			result = buf_add_text(&led, ", ");
		start = led.size;
		if (result == 0)
			result = forward_lead_back(field, r, origin, &led);
		changed |= result == 0 && strcmp(buf_text(&led) + start, field->value) != 0;
	}
	if (result == -ENOBUFS || !changed)
		return result == -ENOBUFS ? 0 : result;
	return result < 0 ? result : fields_set(fields, name, buf_text(&led));
}

int forward_answer_fields(struct fields *fields, const struct request *r, const struct origin *origin, bool rewrite)
{
	fields_remove_hop_by_hop(fields);
	fields_remove(fields, "Content-Length");
	if (!forward_passes_cookies(r, fields))
		fields_remove(fields, "Set-Cookie");
	if (!rewrite)
		return 0;
	if (lead_back(fields, "Location", r, origin) < 0 || lead_back(fields, "Content-Location", r, origin) < 0 ||
	        lead_back(fields, "Link", r, origin) < 0)
		return -ENOMEM;
	return 0;
}

char *forward_target(const struct request *r, const struct origin *origin)
{
	char *target;

	if (r->sub_path || strcmp(r->raw_target, "*") == 0)
		return strdup(r->raw_target);
	return asprintf(&target, "%s%s", origin->path, r->raw_target) < 0 ? NULL : target;
}

char *forward_base(const struct request *r, const struct origin *origin)
{
	char *base;

	return asprintf(&base, "%s://%s%s", r->secure ? "https" : "http", r->authority ? r->authority : "localhost",
	               r->sub_path ? origin->path : "") < 0
	               ? NULL
	               : base;
}

struct blob *forward_body(const struct request *r, const struct origin *origin)
{
	struct entry *entry = r->answer.entry;
	CLEANUP(buf_release) struct buf led = BUF_INIT(SIZE_MAX / 4);
	struct links *links;
	struct blob *blob;
	size_t size;
	char *data;
	int result;

	if (r->answer.cut)
		return blob_new(NULL, 0);
	if (!(entry->flags & ENTRY_LINKS) || r->directives.no_transform || strcmp(origin->base, r->base) == 0)
		return blob_ref(entry->body);
	links = links_new(forward_format(r, &entry->fields), origin->base, r->base);
	if (!links)
		return NULL;
	result = links_feed(links, entry->body->data, entry->body->size, &led);
	if (result == 0)
		result = links_finish(links, &led);
	links_free(links);
	if (result < 0)
		return NULL;
	data = buf_take(&led, &size);
	blob = blob_new(data, size);
	if (!blob)
		free(data);
	return blob;
}
