#include "redmine/issue_body.h"

#include "base/macros.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#define BODY_DEPTH 16

#define ITSELF ISSUE_REACH_ITSELF
#define ISSUES (ISSUE_REACH_ISSUES | ISSUE_REACH_HOURS)
#define ALL    ISSUE_REACH_ALL

struct member {
	const char *name;
	unsigned update, create; /* enum issue_reach */
};

/* What is not here reaches everything; assigned_to_id: roles that see own issues only. */
static const struct member members[] = {
        {"notes", ITSELF, ITSELF},
        {"private_notes", ITSELF, ITSELF},
        {"description", ITSELF, ITSELF},
        {"custom_fields", ITSELF, ITSELF},
        {"lock_version", ITSELF, ITSELF},
        {"category_id", ITSELF, ITSELF},
        {"subject", ISSUE_REACH_DETAILS, ITSELF},
        {"fixed_version_id", ISSUE_REACH_HOURS, ITSELF},
        {"uploads", ISSUE_REACH_FILES, ISSUE_REACH_FILES},
        {"status_id", ISSUES, ITSELF},
        {"priority_id", ISSUES, ITSELF},
        {"done_ratio", ISSUES, ITSELF},
        {"start_date", ISSUES, ITSELF},
        {"due_date", ISSUES, ITSELF},
        {"estimated_hours", ISSUES, ITSELF},
        {"parent_issue_id", ALL, ISSUES},
        {"project_id", ALL, ITSELF},
        {"tracker_id", ALL, ITSELF},
        {"assigned_to_id", ALL, ITSELF},
        {"is_private", ALL, ITSELF},
        {"watcher_user_ids", ALL, ITSELF},
};

/* IssueRelation::TYPES without those that set dates. */
static const char *const standing[] = {
        "relates", "duplicates", "duplicated", "blocks", "blocked", "copied_to", "copied_from"};

static unsigned reach_of_member(const char *name, bool create)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return create ? members[i].create : members[i].update;
	return ALL;
}

static unsigned reach_of_issue(struct json_object *issue, bool create)
{
	unsigned reach = ITSELF;

	json_object_object_foreach(issue, name, value)
	{
		(void)value;
		reach |= reach_of_member(name, create);
	}
	return reach;
}

static bool says_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t size = strlen(json);

	if (!content_type || strncasecmp(content_type, json, size) != 0)
		return false;
	return content_type[size] == '\0' || content_type[size] == ';' || content_type[size] == ' ';
}

/* The object, to be given back; NULL: the body is none, or may be read otherwise by Redmine. */
static struct json_object *read_object(const char *content_type, const char *body, size_t size)
{
	struct json_tokener *tokener;
	struct json_object *top;

	if (!says_json(content_type) || memchr(body, '\0', size))
		return NULL;
	tokener = json_tokener_new_ex(BODY_DEPTH);
	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	top = json_tokener_parse_ex(tokener, body, (int)size);
	if (json_tokener_get_error(tokener) != json_tokener_success || !json_object_is_type(top, json_type_object)) {
		json_object_put(top);
		top = NULL;
	}
	json_tokener_free(tokener);
	return top;
}

static unsigned reach_of_body(struct json_object *top, bool create)
{
	struct json_object *issue;
	int known = 1;
	unsigned reach = ITSELF;

	if (!json_object_object_get_ex(top, "issue", &issue) || !json_object_is_type(issue, json_type_object))
		return ALL;
	if (!create && json_object_object_get_ex(top, "time_entry", NULL)) {
		reach = ISSUE_REACH_TIME;
		known++;
	}
	return json_object_object_length(top) == known ? reach | reach_of_issue(issue, create) : ALL;
}

unsigned issue_body_reach(const char *content_type, const char *body, size_t size, bool create)
{
	struct json_object *top = read_object(content_type, body, size);
	unsigned reach = top ? reach_of_body(top, create) : ALL;

	json_object_put(top);
	return reach;
}

static bool moves(struct json_object *top)
{
	struct json_object *relation, *type;

	if (json_object_object_length(top) != 1 || !json_object_object_get_ex(top, "relation", &relation) ||
	        !json_object_is_type(relation, json_type_object) ||
	        !json_object_object_get_ex(relation, "relation_type", &type) ||
	        !json_object_is_type(type, json_type_string))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(standing); i++)
		if (strcmp(standing[i], json_object_get_string(type)) == 0)
			return false;
	return true;
}

bool relation_body_moves(const char *content_type, const char *body, size_t size)
{
	struct json_object *top = read_object(content_type, body, size);
	bool result = !top || moves(top);

	json_object_put(top);
	return result;
}
