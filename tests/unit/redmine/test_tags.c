#include "redmine/tags.h"

#include "base/macros.h"
#include "tag_kit.h"

static const struct {
	const char *target, *tags;
} reads[] = {
        {"/issues.json", "any issues"},
        {"/projects/1/issues.xml?limit=2", "any issues"},
        {"/issues.json?status_id=*&&sort=id&assigned_to_id=me", "any issues"},
        {"/issues.json?sort=updated_on%3Adesc%2Cid", "any issues"},
        {"/issues.json?sort=id,last_updated_by:desc", "any issues issues_details"},
        {"/issues.json?sort=%6cast_updated_by", "any issues issues_details"},
        {"/issues.json?include=relations", "any issues issues_details"},
        {"/issues.json?watcher_id=me", "any issues issues_details"},
        {"/issues.json?limit=2;include=relations", "any issues issues_details"},
        {"/issues.json?%6cimit=2", "any issues issues_details"},
        {"/issues.json?limit[]=2", "any issues issues_details"},
        {"/issues.json?limit", "any issues"},
        {"/issues/12.json", "any issue issue:12"},
        {"/issues/0012.json?include=children", "any issue issue_details issue:12"},
        {"/issues/12.json?key=a", "any issue issue:12"},
        {"/issues/12abc.json", "any issue issue:?"},
        {"/issues/1%32.json", "any issue issue:?"},
        {"/issues/1234567890123456789012.json", "any issue issue:?"},
        {"/issues/1/relations.json", "any relations"},
        {"/relations/3.json", "any relations"},
        {"/time_entries.json", "any time_entries"},
        {"/time_entries.json?key=abc", "any time_entries"},
        {"/time_entries.json?issue.status_id=1", "any time_entries issues issues_details"},
        {"/time_entries/7.xml", "any time_entry time_entry:7"},
        {"/projects.json", "any projects"},
        {"/projects/foo.json", "any projects"},
        {"/projects/foo/versions.json", "any versions"},
        {"/versions/3.json", "any versions version_hours"},
        {"/projects/1/files.json", "any files versions"},
        {"/projects/1/issue_categories.json", "any categories"},
        {"/news/1.json", "any news"},
        {"/projects/1/wiki/Start.json", "any wiki"},
        {"/attachments/4.json", "any attachment attachment:4"},
        {"/attachments/download/4", "any attachment attachment:4"},
        {"/attachments/download/04/5.txt", "any attachment attachment:4"},
        {"/attachments/thumbnail/4/100", "any attachment attachment:4"},
        {"/queries.json", "any"},
        {"/custom_fields.json", "any"},
        {"/users/current.json", "any people"},
        {"/users/5.json", "any people"},
        {"/groups.json", "any people"},
        {"/projects/1/memberships.json", "any people"},
        {"/search.json?q=a", "any mixed"},
        {"/issues.atom", "any mixed"},
        {"/issues/1.atom", "any mixed"},
        {"/plugin/page", "any mixed"},
        {"/issues/1", "any mixed"},
        {"/", "any mixed"},
        {"/trackers.json", "meta"},
        {"/issue_statuses.xml", "meta"},
        {"/enumerations/issue_priorities.json", "meta"},
        {"/roles/3.json", "meta"},
};

static void read_row(const char *text, const char *expected)
{
	struct query_parts query;
	struct target target;
	struct tags tags;

	ck_assert_int_eq(target_parse(&target, text), 0);
	ck_assert_int_eq(query_parse(&query, target.query, target.query_size, false), 0);
	tags_of_read(&tags, resource_match(&target, false), &target, &query);
	query_parts_release(&query);
	tags_assert(&tags, expected, text);
}

START_TEST(every_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		read_row(reads[i].target, reads[i].tags);
}
END_TEST

/* A resource that the tags do not know would be spoilt by every write, or by none. */
START_TEST(every_resource_is_known)
{
	struct query_parts query = {.normal = BUF_INIT(1)};
	struct target target;

	ck_assert_int_eq(target_parse(&target, "/1"), 0);
	for (size_t i = 0; resource_at(i); i++) {
		const struct resource *resource = resource_at(i);
		struct tags tags;

		tags_of_read(&tags, resource, &target, &query);
		if (strcmp(resource->name, "search") == 0 || strcmp(resource->name, "feeds") == 0)
			ck_assert(tags.classes & TAG_MIXED);
		else
			ck_assert_msg(!(tags.classes & TAG_MIXED), "%s", resource->name);
	}
}
END_TEST

START_TEST(numbers)
{
	static const char *const names[] = {
	        "", "a", "any", "meta", "issue:1", "issue:12", "issue:2", "issues", "issue"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_uint_ne(tag_number(names[i]), 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(tag_number(names[i]), tag_number(names[j]));
	}
	ck_assert_uint_eq(tag_number("any"), tag_number("any"));
	ck_assert_str_eq(tag_class_name(TAG_ANY), "any");
	ck_assert_str_eq(tag_class_name(TAG_MIXED), "mixed");
	ck_assert_str_eq(tag_class_name(TAG_PEOPLE), "people");
	ck_assert_ptr_null(tag_class_name(TAG_PEOPLE << 1));
}
END_TEST

UNIT_MAIN("tags", every_read, every_resource_is_known, numbers)
