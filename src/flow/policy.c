#include "flow/policy.h"

#include <strings.h>
#include <time.h>

#define SECOND_MS 1000
/* Threads read the coarse clock at different moments; so much does not count as put back. */
#define CLOCK_TOLERANCE_MS 2000

/* What the redmine policy's answers may vary on: all of it is part of the key, or one fixed value is sent. */
static const char *const keyed_fields[] = {"Accept", "Accept-Encoding", "Accept-Language", "Authorization",
        "X-Redmine-API-Key", "X-Redmine-Switch-User", "X-Redmine-Nometa", "Cookie"};

const struct resource *policy_resource(const struct conf *conf, const struct resource *resource)
{
	return conf->cache.policy == CACHE_POLICY_REDMINE ? resource : NULL;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

enum policy_verdict policy_judge(
        const struct entry *entry, const struct directives *request, int64_t now_ms, int64_t *usable_until_ms)
{
	int64_t fresh_until_ms = entry->fresh_until_ms, until_ms;

	/* A clock that was put back must not make anything last longer. */
	if (now_ms < entry->born_ms - CLOCK_TOLERANCE_MS)
		return POLICY_STALE;
	if (request->max_stale != SECONDS_NONE && !(entry->flags & ENTRY_MUST_REVALIDATE))
		fresh_until_ms += request->max_stale * SECOND_MS;
	if (now_ms >= fresh_until_ms)
		return POLICY_STALE;
	if (request->no_cache)
		return POLICY_REFUSED;
	/* max-stale widens the lifetime; max-age (5.2.1.1) and min-fresh (5.2.1.3) are about age and what is left of it. */
	until_ms = fresh_until_ms;
	if (request->max_age != SECONDS_NONE)
		until_ms = least(until_ms, entry->born_ms - entry->age_ms + request->max_age * SECOND_MS);
	if (request->min_fresh != SECONDS_NONE)
		until_ms = least(until_ms, entry->fresh_until_ms - request->min_fresh * SECOND_MS);
	if (now_ms >= until_ms)
		return POLICY_REFUSED;
	*usable_until_ms = until_ms;
	return POLICY_FRESH;
}

/* Redmine's own type for the format: a maintenance page or a login form with status 200 is nothing to keep. */
static bool has_type_of(enum target_format format, const struct fields *fields)
{
	const char *type = fields_get(fields, "Content-Type");

	switch (format) {
	case TARGET_FORMAT_JSON:
		return type && (strcasestr(type, "json") || strcasestr(type, "javascript"));
	case TARGET_FORMAT_XML:
	case TARGET_FORMAT_ATOM:
		return type && strcasestr(type, "xml");
	case TARGET_FORMAT_NONE:
		return true;
	}
	WRONG("a format outside its enum");
}

static bool is_keyed(const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(keyed_fields); i++)
		if (strlen(keyed_fields[i]) == size && strncasecmp(keyed_fields[i], name, size) == 0)
			return true;
	return false;
}

/* True when the answer depends on a request field that is not part of its key. */
static bool varies_unkeyed(const struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const char *value = fields->items[i].value;

		if (!field_name_is(fields->items[i].name, "Vary"))
			continue;
		while (*value) {
			size_t size;

			value += strspn(value, " \t,");
			size = strcspn(value, " \t,");
			if (size > 0 && !is_keyed(value, size))
				return true;
			value += size;
		}
	}
	return false;
}

static void decide_redmine(struct policy_keep *ret, const struct conf *conf, const struct policy_answer *answer,
        const struct directives *directives)
{
	if (answer->status != 200 || directives->no_store || varies_unkeyed(answer->fields) ||
	        !has_type_of(answer->format, answer->fields))
		return;
	ret->lifetime_ms = conf_lifetime_ms(conf, answer->resource->name, answer->resource->lifetime_ms);
	ret->keep = ret->lifetime_ms > 0;
}

/* RFC 9110 5.6.7 in its one form that is still made; -1 for anything else, which then counts as long past. */
static int64_t date_ms(const char *text)
{
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

	return end && *end == '\0' ? (int64_t)timegm(&tm) * SECOND_MS : -1;
}

/* RFC 9110 15.1: may be kept without explicit freshness. */
static bool is_heuristic_status(unsigned status)
{
	static const unsigned heuristic[] = {200, 203, 300, 301, 308, 404, 405, 410, 414, 501};

	for (size_t i = 0; i < ARRAY_SIZE(heuristic); i++)
		if (heuristic[i] == status)
			return true;
	return false;
}

/* RFC 9111 4.2.1 and 4.2.2: the lifetime that the origin gives, or a tenth of its age; -1: none. */
static int64_t origin_lifetime_ms(const struct policy_answer *answer, const struct directives *directives)
{
	const char *expires = fields_get(answer->fields, "Expires");
	int64_t date = date_ms(fields_get(answer->fields, "Date"));
	int64_t modified = date_ms(fields_get(answer->fields, "Last-Modified"));

	if (date < 0)
		date = answer->now_ms;
	if (directives->s_maxage != SECONDS_NONE)
		return directives->s_maxage * SECOND_MS;
	if (directives->max_age != SECONDS_NONE)
		return directives->max_age * SECOND_MS;
	if (expires)
		return date_ms(expires) > date ? date_ms(expires) - date : 0;
	if (modified >= 0 && modified < date && is_heuristic_status(answer->status))
		return (date - modified) / 10;
	return -1;
}

/* RFC 9111 section 3, for a shared cache. A Redmine key counts as Authorization. */
static bool may_keep(const struct policy_answer *answer, const struct directives *directives, int64_t lifetime_ms)
{
	bool shared = directives->is_public || directives->s_maxage != SECONDS_NONE || directives->must_revalidate;

	if (answer->status < 200 || answer->status == 206 || answer->status == 304)
		return false;
	if (directives->no_store || directives->is_private || directives->qualified_private ||
	        directives->qualified_no_cache)
		return false;
	if (!answer->anonymous && !shared)
		return false;
	if (fields_get(answer->fields, "Vary") || fields_get(answer->fields, "Set-Cookie"))
		return false;
	return lifetime_ms >= 0 || (directives->is_public && is_heuristic_status(answer->status));
}

static int64_t age_ms(const struct fields *fields)
{
	const char *age = fields_get(fields, "Age");
	long long seconds = age ? strtoll(age, NULL, 10) : 0;

	return seconds > 0 ? (seconds < SECONDS_ANY ? seconds : SECONDS_ANY) * SECOND_MS : 0;
}

static void decide_origin(
        struct policy_keep *ret, const struct policy_answer *answer, const struct directives *directives)
{
	int64_t lifetime_ms = origin_lifetime_ms(answer, directives);
	int64_t date = date_ms(fields_get(answer->fields, "Date"));
	bool validator = fields_get(answer->fields, "ETag") || fields_get(answer->fields, "Last-Modified");

	if (!may_keep(answer, directives, lifetime_ms))
		return;
	ret->age_ms = age_ms(answer->fields);
	if (date >= 0 && answer->now_ms - date > ret->age_ms)
		ret->age_ms = answer->now_ms - date; /* RFC 9111 4.2.3: apparent age */
	ret->lifetime_ms = lifetime_ms - ret->age_ms;
	if (directives->no_cache || ret->lifetime_ms < 0)
		ret->lifetime_ms = 0;
	ret->must_revalidate = directives->must_revalidate || directives->proxy_revalidate ||
	                       directives->s_maxage != SECONDS_NONE || directives->no_cache;
	ret->keep = ret->lifetime_ms > 0 || validator;
}

static bool is_api(enum target_format format)
{
	return format == TARGET_FORMAT_JSON || format == TARGET_FORMAT_XML;
}

void policy_decide(struct policy_keep *ret, const struct conf *conf, const struct policy_answer *answer)
{
	struct directives directives, asked;

	*ret = (struct policy_keep){0};
	directives_read(&directives, answer->fields);
	directives_read(&asked, answer->request);
	/*
	 * An API format takes its identity from the credential alone, so equal requests get equal answers, an error
	 * too; of any other path only what may be kept is anybody else's.
	 */
	ret->share = answer->resource ||
	             (conf->cache.policy == CACHE_POLICY_REDMINE && is_api(answer->format) && !directives.no_store);
	if (!answer->framed || asked.no_store)
		return;
	if (answer->resource)
		decide_redmine(ret, conf, answer, &directives);
	else
		decide_origin(ret, answer, &directives);
	ret->share |= ret->keep;
}

bool policy_none_match(const struct fields *request, const char *etag)
{
	if (!etag)
		return false;
	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	for (size_t i = 0; i < request->count; i++) {
		const char *at = request->items[i].value;

		if (!field_name_is(request->items[i].name, "If-None-Match"))
			continue;
		for (at += strspn(at, " \t,"); *at; at += strspn(at, " \t,")) {
			const char *end;

			if (*at == '*')
				return true;
			if (strncmp(at, "W/", 2) == 0)
				at += 2;
			end = *at == '"' ? strchr(at + 1, '"') : NULL;
			if (!end)
				break; /* not an entity tag: nothing after it can be told */
			end++;
			if (*end && !strchr(" \t,", *end))
				break;
			if (strlen(etag) == (size_t)(end - at) && memcmp(etag, at, (size_t)(end - at)) == 0)
				return true;
			at = end;
		}
	}
	return false;
}
