#include "redmine/who.h"

#include "redmine/identity.h"
#include "redmine/percent.h"

#include <json-c/json.h>
#include <string.h>

#define NAME_MAX_SIZE 256

static bool is_credential(const char *part, size_t size)
{
	const char *equals = memchr(part, '=', size);
	char name[NAME_MAX_SIZE];

	if (equals)
		size = (size_t)(equals - part);
	if (size > sizeof(name))
		return false;
	return query_name_is_credential(name, percent_decode(name, part, size, NULL));
}

static int add_parameters(struct buf *to, const struct target *target)
{
	const char *at = target->query, *end = at ? at + target->query_size : NULL;
	char separator = '?';
	int r = 0;

	while (at && at < end && r == 0) {
		const char *next = memchr(at, '&', (size_t)(end - at));
		size_t size = (size_t)((next ? next : end) - at);

		if (is_credential(at, size)) {
			r = buf_add_char(to, separator);
			if (r == 0)
				r = buf_add(to, at, size);
			separator = '&';
		}
		at += size + 1;
	}
	return r;
}

int who_question(struct buf *ret_target, struct fields *ret, const struct target *target, const struct fields *fields)
{
	int r = buf_add_text(ret_target, "/users/current.json");

	if (r == 0)
		r = add_parameters(ret_target, target);
	if (r == 0)
		r = identity_copy_fields(ret, fields);
	if (r == 0)
		r = fields_add(ret, "Cache-Control", "no-cache");
	return r;
}

static uint64_t user_of(const char *body, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *top = tokener ? json_tokener_parse_ex(tokener, body, (int)size) : NULL;
	struct json_object *user, *id;
	uint64_t number = 0;

	if (json_object_object_get_ex(top, "user", &user) && json_object_object_get_ex(user, "id", &id))
		number = json_object_get_uint64(id);
	json_object_put(top);
	if (tokener)
		json_tokener_free(tokener);
	return number;
}

void who_read(struct who *ret, unsigned status, const char *body, size_t size)
{
	*ret = (struct who){0};
	if (status == 401 || status == 403 || status == 412) {
		ret->status = status;
	} else if (status == 200) {
		ret->user = user_of(body, size);
		ret->status = ret->user > 0 ? 200 : 0;
	}
}

bool who_equal(const struct who *a, const struct who *b)
{
	return a->status == b->status && a->user == b->user;
}
