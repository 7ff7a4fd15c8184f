#include "redmine/resource.h"

#include "base/macros.h"
#include "../unit.h"

#include <string.h>

static const struct {
	const char *path, *pattern; /* pattern NULL: unknown to the table */
} paths[] = {
        {"/issues.json", "/issues"},
        {"/issues.xml", "/issues"},
        {"//issues.json", "/issues"},
        {"/issues.json/", "/issues"},
        {"/projects/foo/issues.json", "/projects/:p/issues"},
        {"/projects/%70ub/issues.json", "/projects/:p/issues"},
        {"/issues/1.json", "/issues/:id"},
        {"/issues/0001.json", "/issues/:id"},
        {"/issues/1abc.json", "/issues/:id"},
        {"/issues/1/relations.json", "/issues/:id/relations"},
        {"/relations/1.json", "/relations/:id"},
        {"/time_entries.json", "/time_entries"},
        {"/projects/foo/time_entries.json", "/projects/:p/time_entries"},
        {"/time_entries/1.json", "/time_entries/:id"},
        {"/projects.json", "/projects"},
        {"/projects/foo.json", "/projects/:p"},
        {"/projects/1.xml", "/projects/:p"},
        {"/projects/foo/memberships.json", "/projects/:p/memberships"},
        {"/memberships/1.json", "/memberships/:id"},
        {"/projects/foo/versions.json", "/projects/:p/versions"},
        {"/versions/1.json", "/versions/:id"},
        {"/projects/foo/issue_categories.json", "/projects/:p/issue_categories"},
        {"/issue_categories/1.json", "/issue_categories/:id"},
        {"/projects/foo/files.json", "/projects/:p/files"},
        {"/news.json", "/news"},
        {"/projects/foo/news.json", "/projects/:p/news"},
        {"/news/1.json", "/news/:id"},
        {"/projects/foo/wiki/index.json", "/projects/:p/wiki/index"},
        {"/projects/foo/wiki.json", "/projects/:p/wiki"},
        {"/projects/foo/wiki/Start%20page.json", "/projects/:p/wiki/:title"},
        {"/projects/foo/wiki/Start/3.json", "/projects/:p/wiki/:title/:number"},
        {"/users.json", "/users"},
        {"/users/1.json", "/users/:id"},
        {"/users/current.json", "/users/current"},
        {"/my/account.json", "/my/account"},
        {"/groups.json", "/groups"},
        {"/groups/1.json", "/groups/:id"},
        {"/issue_statuses.json", "/issue_statuses"},
        {"/trackers.json", "/trackers"},
        {"/enumerations/issue_priorities.json", "/enumerations/:type"},
        {"/enumerations/IssuePriority.json", "/enumerations/:type"},
        {"/custom_fields.json", "/custom_fields"},
        {"/roles.json", "/roles"},
        {"/roles/1.json", "/roles/:id"},
        {"/queries.json", "/queries"},
        {"/search.json", "/search"},
        {"/projects/foo/search.json", "/projects/:p/search"},
        {"/attachments/1.json", "/attachments/:id"},
        {"/attachments/download/1", "/attachments/download/:number"},
        {"/attachments/download/1/a.json", "/attachments/download/:number/*filename"},
        {"/attachments/download/1/a/b/c/d/e", "/attachments/download/:number/*filename"},
        {"/attachments/thumbnail/1", "/attachments/thumbnail/:number"},
        {"/attachments/thumbnail/1/200", "/attachments/thumbnail/:number/:number"},
        {"/issues.atom", "/issues"},
        {"/projects/foo/issues.atom", "/projects/:p/issues"},
        {"/issues/1.atom", "/issues/:id"},
        {"/issues/changes.atom", "/issues/changes"},
        {"/activity.atom", "/activity"},
        {"/projects/foo/activity.atom", "/projects/:p/activity"},
        {"/time_entries.atom", "/time_entries"},
        {"/projects/foo/time_entries.atom", "/projects/:p/time_entries"},
        {"/news.atom", "/news"},
        {"/projects/foo/news.atom", "/projects/:p/news"},
        {"/projects.atom", "/projects"},
        {"/projects/foo/repository/r/revisions.atom", "/projects/:p/repository/:r/revisions"},
        {"/projects/foo/boards.atom", "/projects/:p/boards"},
        {"/projects/foo/boards/1.atom", "/projects/:p/boards/:id"},

        {"/", NULL},
        {"/issues", NULL},
        {"/issues.html", NULL},
        {"/issues.csv", NULL},
        {"/issues.JSON", NULL},
        {"/ISSUES.json", NULL},
        {"/issues%2ejson", NULL},
        {"/iss%75es.json", NULL},
        {"/./issues.json", NULL},
        {"/issue.json", NULL},
        {"/issuess.json", NULL},
        {"/x/issues.json", NULL},
        {"/issues/new.json", NULL},
        {"/issues/changes.json", NULL},
        {"/issues/auto_complete.json", NULL},
        {"/issues/-1.json", NULL},
        {"/issues/.json", NULL},
        {"/issues/1.2.json", NULL},
        {"/issues/1/x.json", NULL},
        {"/issues/1/relations/2.json", NULL},
        {"/issues/1/time_entries.json", NULL},
        {"/journals/1.json", NULL},
        {"/projects/new.json", NULL},
        {"/projects/autocomplete.json", NULL},
        {"/projects/a.b.json", NULL},
        {"/projects/foo/roadmap.json", NULL},
        {"/projects/foo/wiki/export.json", NULL},
        {"/projects/foo/wiki/date_index.json", NULL},
        {"/projects/foo/wiki/a.b.json", NULL},
        {"/projects/foo/wiki/Start/history.json", NULL},
        {"/projects/foo/wiki/Start/3/diff.json", NULL},
        {"/projects/foo/wiki/Start/3x.json", NULL},
        {"/users/me.json", NULL},
        {"/my/page.json", NULL},
        {"/enumerations.json", NULL},
        {"/enumerations/new.json", NULL},
        {"/attachments/1/a.json", NULL},
        {"/attachments/download/1.json", NULL},
        {"/attachments/download/1a/b", NULL},
        {"/attachments/thumbnail/1/x", NULL},
        {"/attachments/thumbnail/1/2/3", NULL},
        {"/a/b/c/d/e/f/g/h.json", NULL},
        {"/oauth/token.json", NULL},
        {"/uploads.json", NULL},
        {"/users.atom", NULL},
        {"/projects/foo.atom", NULL},
};

static const struct resource *match(const char *raw, bool api_format)
{
	struct target target;

	ck_assert_int_eq(target_parse(&target, raw), 0);
	return resource_match(&target, api_format);
}

static void path(size_t at)
{
	const struct resource *resource = match(paths[at].path, false);

	ck_assert_msg(!resource == !paths[at].pattern, "%s: %s", paths[at].path, resource ? resource->pattern : "none");
	if (resource)
		ck_assert_str_eq(resource->pattern, paths[at].pattern);
}

START_TEST(every_path)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		path(i);
}
END_TEST

START_TEST(format_parameter)
{
	ck_assert_str_eq(match("/issues?format=json", true)->name, "issues");
	ck_assert_str_eq(match("/projects/foo/wiki/Start", true)->name, "wiki_page");
	ck_assert_str_eq(match("/users/current/", true)->name, "current_user");
	ck_assert_str_eq(match("/issues.json?format=xml", true)->name, "issues");
	ck_assert_str_eq(match("/attachments/download/1/a.txt", true)->name, "download");
	ck_assert_ptr_null(match("/issues.html?format=json", true));
	ck_assert_ptr_null(match("/issues.JSON?format=json", true));
	ck_assert_ptr_null(match("/activity?format=json", true));
	ck_assert_ptr_null(match("/issues?format=atom", false));
}
END_TEST

static void write_example(const struct resource *resource, char *to)
{
	const char *at = resource->pattern;

	while (*at) {
		if (*at == ':' || *at == '*') {
			*to++ = '7';
			at += strcspn(at, "/");
		} else {
			*to++ = *at++;
		}
	}
	strcpy(to, resource->formats[0] == 'j' ? ".json" : resource->formats[0] == 'a' ? ".atom" : "");
}

/* No row hides behind an earlier one, and each says sensible things. */
START_TEST(every_row)
{
	const struct resource *resource;
	size_t count = 0;

	for (; (resource = resource_at(count)); count++) {
		char example[128];

		write_example(resource, example);
		ck_assert_msg(match(example, false) == resource, "%s", example);
		ck_assert(resource_name_known(resource->name));
		ck_assert_int_gt(resource->lifetime_ms, 0);
		ck_assert_int_le(resource->lifetime_ms, 600000);
		ck_assert(!!(resource->traits & RESOURCE_FEED) == (resource->formats[0] == 'a'));
		ck_assert(!!(resource->traits & RESOURCE_BYTES) == (resource->formats[0] == '-'));
		if (resource->traits & RESOURCE_FEED)
			ck_assert(resource->traits & RESOURCE_SECRET);
	}
	ck_assert_uint_gt(count, 50);
	ck_assert_ptr_null(resource_at(count + 1));
}
END_TEST

START_TEST(names)
{
	char text[2048] = "";

	for (size_t i = 0; resource_at(i); i++) {
		bool fresh = true;

		for (size_t j = 0; j < i; j++)
			fresh = fresh && strcmp(resource_at(j)->name, resource_at(i)->name) != 0;
		if (fresh && *text)
			strcat(text, ", ");
		if (fresh)
			strcat(text, resource_at(i)->name);
	}
	ck_assert_str_eq(resource_names(), text);
	ck_assert(!resource_name_known("issuess"));
	ck_assert(!resource_name_known(""));
}
END_TEST

/* Bodies with an api_key or atom key stay in memory; settings lists are those that no API write changes. */
START_TEST(traits)
{
	static const char *const secret[] = {
	        "/users/5.json", "/users/current.xml", "/my/account.json", "/issues.atom", "/issues/changes.atom"};
	static const char *const links[] = {"/issues/1.json", "/issues.json", "/search.json", "/attachments/1.json",
	        "/news/1.json", "/projects/p/wiki/X/1.json", "/projects/p/files.json", "/news.atom"};
	static const char *const meta[] = {"/trackers.json", "/issue_statuses.json", "/roles.json", "/roles/1.json",
	        "/enumerations/issue_priorities.json"};

	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		ck_assert(match(secret[i], false)->traits & RESOURCE_SECRET);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		ck_assert(match(links[i], false)->traits & RESOURCE_LINKS);
	for (size_t i = 0; i < ARRAY_SIZE(meta); i++)
		ck_assert(match(meta[i], false)->traits & RESOURCE_META);
	ck_assert(!(match("/custom_fields.json", false)->traits & RESOURCE_META));
	ck_assert(!(match("/queries.json", false)->traits & RESOURCE_META));
	ck_assert(match("/issues.json", false)->traits & RESOURCE_PAGED);
	ck_assert(!(match("/issues/1.json", false)->traits & RESOURCE_SECRET));
}
END_TEST

UNIT_MAIN("resource", every_path, format_parameter, every_row, names, traits)
