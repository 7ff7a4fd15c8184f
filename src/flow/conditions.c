#include "flow/conditions.h"

#include "base/clock.h"
#include "base/http_date.h"

#include <strings.h>

bool conditions_none_match(const struct fields *request, const char *etag)
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

bool conditions_not_modified(const struct fields *request, const struct entry *entry, bool dated)
{
	const char *since = fields_get(request, "If-Modified-Since");
	const char *modified = fields_get(&entry->fields, "Last-Modified");
	int64_t now_ms = clock_wall_ms(), since_ms, modified_ms;

	if (entry->status != 200)
		return false;
	if (fields_get(request, "If-None-Match"))
		return conditions_none_match(request, fields_get(&entry->fields, "ETag"));
	since_ms = since && fields_count(request, "If-Modified-Since") == 1 ? http_date_ms(since, now_ms) : -1;
	if (since_ms < 0 || (!modified && !dated))
		return false;
	modified_ms = http_date_ms(modified ? modified : fields_get(&entry->fields, "Date"), now_ms);
	if (modified_ms < 0 && !modified)
		modified_ms = entry->born_ms;
	return modified_ms >= 0 && modified_ms <= since_ms;
}

/* RFC 9110 13.1.5: strong comparison; a date must be the very one, and a strong validator (8.8.2.2). */
static bool if_range_allows(const struct fields *request, const struct entry *entry)
{
	const char *given = fields_get(request, "If-Range");
	const char *etag = fields_get(&entry->fields, "ETag");
	const char *modified = fields_get(&entry->fields, "Last-Modified");
	int64_t now_ms = clock_wall_ms(), modified_ms, date_ms;

	if (!given)
		return true;
	if (given[0] == '"')
		return etag && strcmp(given, etag) == 0;
	if (!modified || strcmp(given, modified) != 0)
		return false;
	modified_ms = http_date_ms(modified, now_ms);
	date_ms = http_date_ms(fields_get(&entry->fields, "Date"), now_ms);
	return modified_ms >= 0 && date_ms - modified_ms >= 1000;
}

/* Digits from *at on, which is moved behind them; a number larger than any body stays one. */
static bool take_number(const char **at, uint64_t *ret)
{
	size_t digits = strspn(*at, "0123456789");
	uint64_t number = 0;

	for (size_t i = 0; i < digits; i++)
		number = number > UINT64_MAX / 100 ? UINT64_MAX / 10 : number * 10 + (uint64_t)((*at)[i] - '0');
	*at += digits;
	*ret = number;
	return digits > 0;
}

/* "bytes=5-", "bytes=5-9", "bytes=-5". */
static enum range_kind read_range(const char *at, uint64_t size, struct range *ret)
{
	uint64_t first = 0, last = 0;
	bool starts, ends;

	if (strncasecmp(at, "bytes=", 6) != 0)
		return RANGE_NONE;
	at += 6;
	at += strspn(at, " \t,");
	starts = take_number(&at, &first);
	if (*at++ != '-')
		return RANGE_NONE;
	ends = take_number(&at, &last);
	at += strspn(at, " \t,");
	if (*at || (!starts && !ends) || (starts && ends && last < first))
		return RANGE_NONE;
	if (!starts) {
		if (last == 0 || size == 0)
			return RANGE_UNSATISFIABLE;
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	if (!ends || last >= size)
		last = size - 1;
	*ret = (struct range){.first = first, .size = last - first + 1};
	return RANGE_PART;
}

enum range_kind conditions_range(
        const struct fields *request, const struct entry *entry, uint64_t size, struct range *ret)
{
	const char *range = fields_get(request, "Range");

	if (!range || entry->status != 200 || fields_count(request, "Range") != 1 || !if_range_allows(request, entry))
		return RANGE_NONE;
	return read_range(range, size, ret);
}
