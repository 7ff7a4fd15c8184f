#include "flow/origin_policy.h"

#include "base/http_date.h"

#define SECOND_MS 1000

static bool is_listed(unsigned status, const unsigned *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == status)
			return true;
	return false;
}

/* RFC 9110 15.1: may be kept without explicit freshness; but for 206, which is not kept at all. */
static bool is_heuristic_status(unsigned status)
{
	static const unsigned heuristic[] = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};

	return is_listed(status, heuristic, ARRAY_SIZE(heuristic));
}

/* The final status codes of RFC 9110, and of RFC 6585: their rules for caches are those of this file. */
static bool is_understood(unsigned status)
{
	static const unsigned understood[] = {200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308, 400, 401,
	        402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431,
	        500, 501, 502, 503, 504, 505, 511};

	return is_listed(status, understood, ARRAY_SIZE(understood));
}

/* 4.2.1: Expires of several lines that differ, or of a form that is no date, counts as long past. */
static int64_t expires_ms(const struct policy_answer *answer, int64_t date)
{
	const char *expires = fields_get(answer->fields, "Expires");
	int64_t at;

	for (size_t i = 0; i < answer->fields->count; i++)
		if (field_name_is(answer->fields->items[i].name, "Expires") &&
		        strcmp(answer->fields->items[i].value, expires) != 0)
			return 0;
	at = http_date_ms(expires, answer->now_ms);
	return at > date ? at - date : 0;
}

/* 4.2.1 and 4.2.2: the lifetime that the origin gives, or a tenth of its age; -1: none. */
static int64_t lifetime_ms(const struct policy_answer *answer, const struct directives *directives, int64_t date)
{
	int64_t modified = http_date_ms(fields_get(answer->fields, "Last-Modified"), answer->now_ms);

	if (date < 0)
		date = answer->now_ms;
	if (directives->s_maxage != SECONDS_NONE)
		return directives->s_maxage * SECOND_MS;
	if (directives->max_age != SECONDS_NONE)
		return directives->max_age * SECOND_MS;
	if (fields_get(answer->fields, "Expires") && !directives->targeted)
		return expires_ms(answer, date);
	if (modified >= 0 && modified < date && (is_heuristic_status(answer->status) || directives->is_public))
		return (date - modified) / 10;
	return -1;
}

/* Section 3 for a shared cache; 3.5 for requests with a credential. */
static bool may_keep(enum cache_policy policy, const struct policy_answer *answer, const struct directives *directives,
        int64_t lifetime)
{
	bool shared = directives->is_public || directives->s_maxage != SECONDS_NONE || directives->must_revalidate;

	if (answer->status < 200 || answer->status == 206 || answer->status == 304)
		return false;
	if (directives->must_understand ? !is_understood(answer->status) : directives->no_store)
		return false;
	if (directives->is_private || (!answer->anonymous && !shared))
		return false;
	if (policy == CACHE_POLICY_REDMINE && fields_get(answer->fields, "Set-Cookie"))
		return false;
	if (fields_has_token(answer->fields, "Vary", "*"))
		return false;
	/* no-cache is explicit, too: kept to be validated at each use. */
	return lifetime >= 0 || directives->is_public || directives->no_cache || is_heuristic_status(answer->status);
}

int64_t origin_policy_age_ms(const struct fields *fields)
{
	const char *age = fields_get(fields, "Age");
	size_t digits = age ? strspn(age, "0123456789") : 0;
	int64_t seconds = 0;

	if (digits == 0 || (age[digits] && !strchr(" \t,", age[digits])))
		return 0;
	for (size_t i = 0; i < digits && seconds < SECONDS_ANY; i++)
		seconds = seconds * 10 + (age[i] - '0');
	return (seconds < SECONDS_ANY ? seconds : SECONDS_ANY) * SECOND_MS;
}

/* 4.2.3: what the answer says of its age and the time that it took to come, or what its Date tells. */
static int64_t age_ms(const struct policy_answer *answer, int64_t date)
{
	int64_t corrected = origin_policy_age_ms(answer->fields) + answer->delay_ms;
	int64_t apparent = date >= 0 ? answer->now_ms - date : 0;

	return apparent > corrected ? apparent : corrected;
}

void origin_policy_decide(struct policy_keep *ret, enum cache_policy policy, const struct policy_answer *answer)
{
	bool validator = fields_get(answer->fields, "ETag") || fields_get(answer->fields, "Last-Modified");
	int64_t date = http_date_ms(fields_get(answer->fields, "Date"), answer->now_ms), lifetime;
	struct directives directives;

	directives_of_answer(&directives, answer->fields, true);
	lifetime = lifetime_ms(answer, &directives, date);
	if (!may_keep(policy, answer, &directives, lifetime))
		return;
	ret->age_ms = age_ms(answer, date);
	ret->lifetime_ms = lifetime - ret->age_ms;
	if (directives.no_cache || ret->lifetime_ms < 0)
		ret->lifetime_ms = 0;
	ret->must_revalidate = directives.must_revalidate || directives.proxy_revalidate ||
	                       directives.s_maxage != SECONDS_NONE || directives.no_cache;
	/* What is stale already is worth keeping where it can be validated, or served when nothing better can be had. */
	ret->keep = ret->lifetime_ms > 0 || validator || directives.stale_if_error > 0 ||
	            directives.stale_while_revalidate > 0;
}
