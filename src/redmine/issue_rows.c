#include "redmine/issue_rows.h"

#include "redmine/tags.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

/* "2026-11-22T08:12:51Z", or with "+01:00" where the server has a time zone of its own. */
static int read_time(const char *text, int64_t *ret)
{
	struct tm tm = {0};
	int hours = 0, minutes = 0;
	char zone = 'Z';

	if (!text || sscanf(text, "%d-%d-%dT%d:%d:%d%c%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
	                     &tm.tm_min, &tm.tm_sec, &zone, &hours, &minutes) < 7)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret = timegm(&tm);
	if (zone == '+' || zone == '-')
		*ret -= (zone == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return 0;
}

static uint64_t number_in(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_uint64(value) : 0;
}

static int read_row(struct issue_row *ret, struct json_object *row)
{
	struct json_object *updated, *parent;

	if (!json_object_is_type(row, json_type_object) || !json_object_object_get_ex(row, "updated_on", &updated) ||
	        read_time(json_object_get_string(updated), &ret->updated_s) < 0)
		return -EINVAL;
	ret->id = number_in(row, "id");
	ret->parent = json_object_object_get_ex(row, "parent", &parent) ? number_in(parent, "id") : 0;
	ret->digest = tag_number(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN));
	return ret->id > 0 ? 0 : -EINVAL;
}

static int read_list(struct issue_rows *ret, struct json_object *top)
{
	struct json_object *list;
	int r = 0;

	if (!json_object_object_get_ex(top, "issues", &list) || !json_object_is_type(list, json_type_array) ||
	        json_object_array_length(list) > ISSUE_ROWS_MAX)
		return -EINVAL;
	ret->total = number_in(top, "total_count");
	ret->count = json_object_array_length(list);
	for (size_t i = 0; i < ret->count && r == 0; i++)
		r = read_row(&ret->items[i], json_object_array_get_idx(list, i));
	return r;
}

int issue_rows_read(struct issue_rows *ret, const char *body, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *top = tokener ? json_tokener_parse_ex(tokener, body, (int)size) : NULL;
	int r = top ? read_list(ret, top) : -EINVAL;

	json_object_put(top);
	if (tokener)
		json_tokener_free(tokener);
	return r;
}
