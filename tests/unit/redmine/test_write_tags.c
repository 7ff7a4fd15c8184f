#include "redmine/write_tags.h"

#include "base/macros.h"
#include "tag_kit.h"

#define ABOUT_ISSUES "issues issue mixed"
#define HOURS        ABOUT_ISSUES " time_entries version_hours"
#define WITH_ISSUES  HOURS " time_entry relations attachment"
#define DETAILS      "issues_details issue_details mixed"
#define EVERYTHING   "any meta"
#define RELATION(t)  "{\"relation\":{\"issue_to_id\":2,\"relation_type\":\"" t "\"}}"
#define NOTE         "{\"issue\":{\"notes\":\"a\"}}"

static const struct {
	const char *method, *target, *body, *tags;
} writes[] = {
        {"POST", "/issues.json", NULL, WITH_ISSUES},
        {"POST", "/issues.json", "{\"issue\":{\"subject\":\"a\",\"project_id\":1}}", "issues mixed version_hours"},
        {"POST", "//projects/foo//issues.xml", NULL, WITH_ISSUES},
        {"PUT", "/issues/12.json", NULL, WITH_ISSUES},
        {"PUT", "/issues/12.json", NOTE, "issues mixed issue:12 issue:?"},
        {"PATCH", "/issues/012.json", NOTE, "issues mixed issue:12 issue:?"},
        {"PUT", "/issues/12.json?key=a", NOTE, "issues mixed issue:12 issue:?"},
        {"PUT", "/issues/12.json?issue[status_id]=5", NOTE, WITH_ISSUES},
        {"PUT", "/issues/12x.json", NOTE, "issues mixed issue"},
        {"PUT", "/issues/1%32.json", NOTE, "issues mixed issue"},
        {"PUT", "/issues/12.json", "{\"issue\":{\"status_id\":5}}", ABOUT_ISSUES " version_hours"},
        {"PUT", "/issues/12.json", "{\"issue\":{\"subject\":\"a\"}}", "issues mixed issue_details issue:12 issue:?"},
        {"PUT", "/issues/12.json", "{\"issue\":{\"fixed_version_id\":5,\"uploads\":[]}}",
                "issues mixed version_hours attachment issue:12 issue:?"},
        {"PUT", "/issues/12.json", "{\"issue\":{\"notes\":\"\"},\"time_entry\":{}}", HOURS},
        {"DELETE", "/issues/12.json", NULL, WITH_ISSUES},
        {"DELETE", "/issues.json?ids[]=1", NULL, WITH_ISSUES},
        {"PUT", "/journals/1.json", NULL, DETAILS},
        {"POST", "/issues/1/relations.json", NULL, ABOUT_ISSUES " issues_details issue_details relations"},
        {"POST", "/issues/1/relations.json", RELATION("precedes"),
                ABOUT_ISSUES " issues_details issue_details relations"},
        {"POST", "/issues/1/relations.json", RELATION("blocks"), DETAILS " relations"},
        {"POST", "/issues/1/relations.json?relation[relation_type]=follows", RELATION("blocks"),
                ABOUT_ISSUES " issues_details issue_details relations"},
        {"DELETE", "/relations/1.json", NULL, ABOUT_ISSUES " relations"},
        {"POST", "/issues/1/watchers.json", NULL, "issues_details mixed issue:1 issue:?"},
        {"DELETE", "/issues/1/watchers/2.json", NULL, "issues_details mixed issue:1 issue:?"},
        {"DELETE", "/issues/1a/watchers/2.json", NULL, "issues_details mixed issue"},
        {"POST", "/watchers.json", NULL, DETAILS},
        {"POST", "/time_entries.json", NULL, HOURS},
        {"POST", "/projects/foo/time_entries.json", NULL, HOURS},
        {"POST", "/issues/3/time_entries.json", NULL, HOURS},
        {"PUT", "/time_entries/4.json", NULL, HOURS " time_entry:4 time_entry:?"},
        {"DELETE", "/time_entries/4.xml", NULL, HOURS " time_entry:4 time_entry:?"},
        {"DELETE", "/time_entries/destroy.json?ids[]=4", NULL, HOURS " time_entry"},
        {"PATCH", "/attachments/1.json", NULL, DETAILS " wiki news files versions attachment:1 attachment:?"},
        {"POST", "/projects/1/versions.json", NULL, "versions projects mixed"},
        {"PUT", "/versions/1.json", NULL, ABOUT_ISSUES " versions projects attachment"},
        {"DELETE", "/versions/1.json", NULL, "versions projects mixed"},
        {"POST", "/projects/1/issue_categories.json", NULL, "categories projects mixed"},
        {"DELETE", "/issue_categories/1.json", NULL, ABOUT_ISSUES " categories projects"},
        {"POST", "/projects/foo/files.json", NULL, "files versions attachment mixed"},
        {"POST", "/projects/foo/news.json", NULL, "news attachment mixed"},
        {"DELETE", "/news/1.json", NULL, "news attachment mixed"},
        {"PUT", "/projects/foo/wiki/X.json", NULL, "wiki versions attachment mixed"},
        {"DELETE", "/projects/foo/repository/r/revisions/1/issues/2.json", NULL, DETAILS},
        /* who may see what */
        {"POST", "/projects.json", NULL, "any"},
        {"PUT", "/projects/foo.json", NULL, "any"},
        {"DELETE", "/projects/foo.json", NULL, "any"},
        {"PUT", "/projects/foo/archive.json", NULL, "any"},
        {"POST", "/projects/foo/memberships.json", NULL, "any"},
        {"DELETE", "/memberships/1.json", NULL, "any"},
        {"POST", "/groups.json", NULL, "people issues_details mixed"},
        {"PUT", "/groups/1.json", NULL, "any"},
        {"POST", "/groups/1/users.json", NULL, "any"},
        {"PUT", "/users/1.json", NULL, EVERYTHING},
        {"PUT", "/my/account.json", NULL, EVERYTHING},
        /* the web interface, plug-ins, anything */
        {"PATCH", "/trackers/1", NULL, EVERYTHING},
        {"POST", "/roles", NULL, EVERYTHING},
        {"POST", "/plugin/x", NULL, EVERYTHING},
        {"POST", "/issues/bulk_update/1/2", NULL, EVERYTHING},
        {"POST", "/a/b/c/d/e/f/g/h/i/j", NULL, EVERYTHING},
        {"POST", "/projects/1/repository/r/revisions/1/issues/2/3", NULL, EVERYTHING},
        {"POST", "/issues/%31/watchers/x", NULL, EVERYTHING},
        {"POST", "/", NULL, EVERYTHING},
        {"GET", "/issues.json", NULL, EVERYTHING}, /* a POST that calls itself GET */
        /* nothing shows before it is attached */
        {"POST", "/uploads.json?filename=x", NULL, ""},
        {"POST", "/uploads.xml", NULL, ""},
        {"POST", "/uploads", NULL, ""},
        {"PUT", "/uploads.json", NULL, EVERYTHING},
        {"POST", "/uploads/1.json", NULL, EVERYTHING},
        {"POST", "/x/uploads.json", NULL, EVERYTHING},
};

static void make(struct tags *ret, const char *method, const char *text, const char *body)
{
	struct query_parts query;
	struct target target;
	struct write_shape write = {
	        .method = method,
	        .target = &target,
	        .query = &query,
	        .content_type = "application/json",
	        .body = body,
	        .body_size = body ? strlen(body) : 0,
	};

	ck_assert_int_eq(target_parse(&target, text), 0);
	ck_assert_int_eq(query_parse(&query, target.query, target.query_size, false), 0);
	tags_of_write(ret, &write);
	query_parts_release(&query);
}

START_TEST(every_write)
{
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		struct tags tags;

		make(&tags, writes[i].method, writes[i].target, writes[i].body);
		tags_assert(&tags, writes[i].tags, writes[i].target);
	}
}
END_TEST

START_TEST(own_is_named_where_it_is_known)
{
	struct tags tags;

	make(&tags, "PUT", "/issues/012.json", NOTE);
	ck_assert_str_eq(tags.own, "issue:12");
	make(&tags, "PUT", "/issues/12x.json", NOTE);
	ck_assert_str_eq(tags.own, "");
}
END_TEST

START_TEST(unknown_methods_wait_for_their_answer)
{
	static const char *const late[] = {"PROPFIND", "LINK", "put", "GET", "BREW"};
	static const char *const at_once[] = {"POST", "PUT", "PATCH", "DELETE"};
	struct tags tags;

	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		make(&tags, late[i], "/issues/1.json", NULL);
		ck_assert(tags.late);
	}
	for (size_t i = 0; i < ARRAY_SIZE(at_once); i++) {
		make(&tags, at_once[i], "/issues/1.json", NULL);
		ck_assert(!tags.late && !tags.settles);
	}
	make(&tags, "DELETE", "/projects/foo.json", NULL);
	ck_assert(tags.settles);
}
END_TEST

START_TEST(what_surely_changed_nothing)
{
	static const unsigned none[] = {401, 403, 404, 406, 412};
	static const unsigned some[] = {200, 201, 204, 302, 400, 405, 409, 413, 422, 500, 502, 503, 504};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert(!write_status_has_effect(none[i]));
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		ck_assert(write_status_has_effect(some[i]));
}
END_TEST

UNIT_MAIN("write_tags", every_write, own_is_named_where_it_is_known, unknown_methods_wait_for_their_answer,
        what_surely_changed_nothing)
