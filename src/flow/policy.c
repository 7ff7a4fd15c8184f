#include "flow/policy.h"

#include "flow/origin_policy.h"

#include <strings.h>

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

static bool is_api(enum target_format format)
{
	return format == TARGET_FORMAT_JSON || format == TARGET_FORMAT_XML;
}

void policy_decide(struct policy_keep *ret, const struct conf *conf, const struct policy_answer *answer)
{
	struct directives directives, asked;

	*ret = (struct policy_keep){0};
	directives_of_answer(&directives, answer->fields, false);
	directives_read(&asked, answer->request);
	/*
	 * An API format takes its identity from the credential alone, so equal requests get equal answers, an error
	 * too; of any other path only what may be kept is anybody else's. RFC 9111 section 4.1: an answer with "Vary: *"
	 * answers no request but its own.
	 */
	ret->share = answer->resource ||
	             (conf->cache.policy == CACHE_POLICY_REDMINE && is_api(answer->format) && !directives.no_store);
	if (fields_has_token(answer->fields, "Vary", "*"))
		ret->share = false;
	if (!answer->framed || asked.no_store)
		return;
	if (answer->resource)
		decide_redmine(ret, conf, answer, &directives);
	else
		origin_policy_decide(ret, conf->cache.policy, answer);
	ret->share |= ret->keep;
}
