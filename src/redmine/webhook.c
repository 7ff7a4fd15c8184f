#include "redmine/webhook.h"

#include "base/macros.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define EDITED (TAG_ISSUES | TAG_MIXED | TAG_VERSION_HOURS | TAG_RELATIONS | TAG_ATTACHMENT)
#define HOURS  (TAG_TIME_ENTRIES | TAG_ISSUES | TAG_ISSUE | TAG_MIXED | TAG_VERSION_HOURS)
#define PAPERS (TAG_ATTACHMENT | TAG_MIXED)
#define OF_VERSIONS                                                                                                    \
	(TAG_VERSIONS | TAG_VERSION_HOURS | TAG_PROJECTS | TAG_ATTACHMENT | TAG_ISSUES | TAG_ISSUE | TAG_MIXED)

static const struct kind {
	const char *name;
	unsigned changed, deleted; /* classes; those of created are those of changed */
	bool own;                  /* there are tags of one of them */
} kinds[] = {
        {"issue", EDITED, EDITED | TAG_ISSUE | TAG_TIME_ENTRIES | TAG_TIME_ENTRY, true},
        {"time_entry", HOURS, HOURS, true},
        {"wiki_page", TAG_WIKI | TAG_VERSIONS | PAPERS, TAG_WIKI | TAG_VERSIONS | PAPERS, false},
        {"news", TAG_NEWS | PAPERS, TAG_NEWS | PAPERS, false},
        {"version", OF_VERSIONS, OF_VERSIONS, false},
};

static const struct kind *find_kind(const char *type, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, type, size) == 0)
			return &kinds[i];
	return NULL;
}

static uint64_t id_of(struct json_object *object)
{
	struct json_object *id;

	return json_object_object_get_ex(object, "id", &id) ? json_object_get_uint64(id) : 0;
}

static void add_one(struct tags *ret, const char *kind, uint64_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s:%llu", kind, (unsigned long long)number);
	tags_add_name(ret, name);
}

static int read_top(struct tags *ret, struct json_object *top)
{
	struct json_object *type, *data, *object, *parent;
	const struct kind *kind;
	const char *text, *dot;
	char unknown[24];

	if (!json_object_object_get_ex(top, "type", &type) || !json_object_is_type(type, json_type_string) ||
	        !json_object_object_get_ex(top, "data", &data) || !json_object_is_type(data, json_type_object))
		return -EINVAL;
	text = json_object_get_string(type);
	dot = strchr(text, '.');
	if (!dot)
		return -EINVAL;
	kind = find_kind(text, (size_t)(dot - text));
	if (!kind)
		return 0;
	tags_add_classes(ret, strcmp(dot, ".deleted") == 0 ? kind->deleted : kind->changed);
	if (!kind->own || !json_object_object_get_ex(data, kind->name, &object) || id_of(object) == 0)
		return kind->own ? -EINVAL : 0;
	add_one(ret, kind->name, id_of(object));
	snprintf(unknown, sizeof(unknown), "%s:?", kind->name);
	tags_add_name(ret, unknown);
	snprintf(ret->own, sizeof(ret->own), "%s:%llu", kind->name, (unsigned long long)id_of(object));
	if (json_object_object_get_ex(object, "parent", &parent) && id_of(parent) > 0)
		add_one(ret, kind->name, id_of(parent));
	return 0;
}

int webhook_read(struct tags *ret, const char *body, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *top = tokener ? json_tokener_parse_ex(tokener, body, (int)size) : NULL;
	int r;

	*ret = (struct tags){0};
	r = json_object_is_type(top, json_type_object) ? read_top(ret, top) : -EINVAL;
	json_object_put(top);
	if (tokener)
		json_tokener_free(tokener);
	return r;
}
