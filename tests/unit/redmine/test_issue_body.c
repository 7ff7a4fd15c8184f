#include "redmine/issue_body.h"

#include "base/macros.h"
#include "../unit.h"

#include <string.h>

#define JSON   "application/json"
#define ITSELF ISSUE_REACH_ITSELF
#define ISSUES (ISSUE_REACH_ISSUES | ISSUE_REACH_HOURS)
#define FILES  ISSUE_REACH_FILES
#define ALL    ISSUE_REACH_ALL

static const struct {
	const char *type, *body;
	unsigned update, create;
} rows[] = {
        {JSON, "{\"issue\":{\"notes\":\"seen\"}}", ITSELF, ITSELF},
        {JSON "; charset=utf-8", "{\"issue\":{\"notes\":\"seen\",\"private_notes\":true}}", ITSELF, ITSELF},
        {"Application/JSON", "{\"issue\":{\"description\":\"x\"}}", ITSELF, ITSELF},
        {JSON, "{\"issue\":{}}", ITSELF, ITSELF},
        {JSON, "{\"issue\":{\"notes\":\"a\",\"status_id\":5}}", ISSUES, ITSELF},
        {JSON, "{\"issue\":{\"subject\":\"shown with the parent's children\"}}", ISSUE_REACH_DETAILS, ITSELF},
        {JSON, "{\"issue\":{\"fixed_version_id\":2,\"category_id\":3}}", ISSUE_REACH_HOURS, ITSELF},
        {JSON, "{\"issue\":{\"subject\":\"a\",\"uploads\":[]}}", FILES | ISSUE_REACH_DETAILS, FILES},
        {JSON, "{\"issue\":{\"due_date\":null,\"estimated_hours\":3}}", ISSUES, ITSELF},
        {JSON, "{\"issue\":{\"project_id\":2}}", ALL, ITSELF},
        {JSON, "{\"issue\":{\"is_private\":true,\"notes\":\"a\"}}", ALL, ITSELF},
        {JSON, "{\"issue\":{\"assigned_to_id\":2}}", ALL, ITSELF},
        {JSON, "{\"issue\":{\"parent_issue_id\":2}}", ALL, ISSUES},
        {JSON, "{\"issue\":{\"uploads\":[]}}", FILES, FILES},
        {JSON, "{\"issue\":{\"of a plugin\":1}}", ALL, ALL},
        {JSON, "{\"issue\":{\"Notes\":\"x\"}}", ALL, ALL},
        {JSON, "{\"issue\":{\"notes\":\"a\"},\"time_entry\":{\"hours\":1}}", ISSUE_REACH_TIME, ALL},
        {JSON, "{\"issue\":{},\"time_entry\":{},\"attachments\":[]}", ALL, ALL},
        {JSON, "{\"time_entry\":{\"hours\":1}}", ALL, ALL},
        {JSON, "{\"issue\":{\"notes\":\"a\"},\"copy_from\":1}", ALL, ALL},
        {JSON, "{\"issue\":{\"status_id\":5},\"issue\":{\"notes\":\"the last counts\"}}", ITSELF, ITSELF},
        {JSON, "{\"issue\":[{\"notes\":1}]}", ALL, ALL},
        {JSON, "{\"issue\":\"notes\"}", ALL, ALL},
        {JSON, "{\"issue\":null}", ALL, ALL},
        {JSON, "[]", ALL, ALL},
        {JSON, "{}", ALL, ALL},
        {JSON, "", ALL, ALL},
        {JSON, "null", ALL, ALL},
        {JSON, "{\"issue\":{\"notes\":\"cut", ALL, ALL},
        {JSON, "{\"issue\":{\"notes\":\"more\"}}{}", ALL, ALL},
        {JSON, "{\"issue\":{\"notes\":\"\xff\"}}", ALL, ALL},
        {JSON, "[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]", ALL, ALL},
        {"application/jsonp", "{\"issue\":{\"notes\":\"a\"}}", ALL, ALL},
        {"text/json", "{\"issue\":{\"notes\":\"a\"}}", ALL, ALL},
        {"application/xml", "<issue><notes>a</notes></issue>", ALL, ALL},
        {"application/x-www-form-urlencoded", "issue[notes]=a", ALL, ALL},
        {NULL, "{\"issue\":{\"notes\":\"a\"}}", ALL, ALL},
};

START_TEST(every_body)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size = strlen(rows[i].body);

		ck_assert_msg(issue_body_reach(rows[i].type, rows[i].body, size, false) == rows[i].update, "update %s",
		        rows[i].body);
		ck_assert_msg(issue_body_reach(rows[i].type, rows[i].body, size, true) == rows[i].create, "create %s",
		        rows[i].body);
	}
}
END_TEST

START_TEST(relations_that_move_dates)
{
	static const char *const still[] = {"relates", "duplicates", "blocks", "blocked", "copied_from"};
	static const char *const moving[] = {"precedes", "follows", "Relates", "of a plugin", ""};
	char body[96];

	for (size_t i = 0; i < ARRAY_SIZE(still); i++) {
		snprintf(body, sizeof(body), "{\"relation\":{\"issue_to_id\":2,\"relation_type\":\"%s\"}}", still[i]);
		ck_assert_msg(!relation_body_moves(JSON, body, strlen(body)), "%s", body);
		ck_assert(relation_body_moves("application/xml", body, strlen(body)));
		ck_assert(relation_body_moves(NULL, body, strlen(body)));
	}
	for (size_t i = 0; i < ARRAY_SIZE(moving); i++) {
		snprintf(body, sizeof(body), "{\"relation\":{\"relation_type\":\"%s\"}}", moving[i]);
		ck_assert_msg(relation_body_moves(JSON, body, strlen(body)), "%s", body);
	}
	ck_assert(relation_body_moves(JSON, "{\"relation\":{\"issue_to_id\":2}}", 30));
	ck_assert(relation_body_moves(JSON, "{\"relation\":[]}", 15));
	ck_assert(relation_body_moves(JSON, "[]", 2));
}
END_TEST

START_TEST(a_nul_byte_is_not_the_end)
{
	static const char body[] = "{\"issue\":{\"notes\":1}}\0,\"time_entry\":{}}";

	ck_assert_int_eq(issue_body_reach(JSON, body, sizeof(body) - 1, false), ISSUE_REACH_ALL);
}
END_TEST

UNIT_MAIN("issue_body", every_body, relations_that_move_dates, a_nul_byte_is_not_the_end)
