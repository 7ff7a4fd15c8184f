#include "redmine/issue_body.h"

#include "base/macros.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#define BODY_DEPTH 16

struct member {
	const char *name;
	enum issue_reach update, create;
};

/* What is not here reaches everything: project_id, tracker_id, is_private, parent_issue_id, assigned_to_id (roles that see own issues), uploads... */
static const struct member members[] = {
        {"notes", ISSUE_REACH_ITSELF, ISSUE_REACH_ITSELF},
        {"private_notes", ISSUE_REACH_ITSELF, ISSUE_REACH_ITSELF},
        {"description", ISSUE_REACH_ITSELF, ISSUE_REACH_ITSELF},
        {"custom_fields", ISSUE_REACH_ITSELF, ISSUE_REACH_ITSELF},
        {"lock_version", ISSUE_REACH_ITSELF, ISSUE_REACH_ITSELF},
        {"subject", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"status_id", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"priority_id", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"done_ratio", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"start_date", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"due_date", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"estimated_hours", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"fixed_version_id", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"category_id", ISSUE_REACH_ISSUES, ISSUE_REACH_ITSELF},
        {"project_id", ISSUE_REACH_ALL, ISSUE_REACH_ITSELF},
        {"tracker_id", ISSUE_REACH_ALL, ISSUE_REACH_ITSELF},
        {"assigned_to_id", ISSUE_REACH_ALL, ISSUE_REACH_ITSELF},
        {"is_private", ISSUE_REACH_ALL, ISSUE_REACH_ITSELF},
        {"watcher_user_ids", ISSUE_REACH_ALL, ISSUE_REACH_ITSELF},
};

static enum issue_reach reach_of_member(const char *name, bool create)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return create ? members[i].create : members[i].update;
	return ISSUE_REACH_ALL;
}

static enum issue_reach reach_of_issue(struct json_object *issue, bool create)
{
	enum issue_reach reach = ISSUE_REACH_ITSELF;

	json_object_object_foreach(issue, name, value)
	{
		enum issue_reach own = reach_of_member(name, create);

		(void)value;
		if (own > reach)
			reach = own;
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

enum issue_reach issue_body_reach(const char *content_type, const char *body, size_t size, bool create)
{
	struct json_tokener *tokener = says_json(content_type) ? json_tokener_new_ex(BODY_DEPTH) : NULL;
	struct json_object *top, *issue;
	enum issue_reach reach = ISSUE_REACH_ALL;

	if (!tokener || memchr(body, '\0', size)) {
		if (tokener)
			json_tokener_free(tokener);
		return reach;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	top = json_tokener_parse_ex(tokener, body, (int)size);
	if (json_tokener_get_error(tokener) == json_tokener_success && json_object_is_type(top, json_type_object) &&
	        json_object_object_length(top) == 1 && json_object_object_get_ex(top, "issue", &issue) &&
	        json_object_is_type(issue, json_type_object))
		reach = reach_of_issue(issue, create);
	json_object_put(top);
	json_tokener_free(tokener);
	return reach;
}
