#include "redmine/tags.h"

#include "base/macros.h"
#include "../unit.h"

#include <string.h>

static bool has(const struct tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->count; i++)
		if (tags->items[i] == tag_number(name))
			return true;
	return false;
}

static const struct {
	const char *path, *tag;
} reads[] = {
        {"/issues.json", "any"},
        {"/issues/1.atom", "any"},
        {"/queries.json", "any"},
        {"/custom_fields.json", "any"},
        {"/users/current.json", "any"},
        {"/attachments/download/1/a", "any"},
        {"/plugin/page", "any"},
        {"/", "any"},
        {"/trackers.json", "meta"},
        {"/issue_statuses.xml", "meta"},
        {"/enumerations/issue_priorities.json", "meta"},
        {"/roles/3.json", "meta"},
};

static void read_row(size_t at)
{
	struct target target;
	struct tags tags;

	ck_assert_int_eq(target_parse(&target, reads[at].path), 0);
	tags_of_read(&tags, resource_match(&target, false), &target);
	ck_assert_uint_eq(tags.count, 1);
	ck_assert_msg(has(&tags, reads[at].tag), "%s", reads[at].path);
}

START_TEST(every_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		read_row(i);
}
END_TEST

static const struct {
	const char *method, *path;
	bool any, meta;
} writes[] = {
        {"POST", "/issues.json", true, false}, {"PUT", "/issues/1.json", true, false},
        {"DELETE", "/issues.json?ids[]=1", true, false}, {"POST", "/issues/1/watchers.json", true, false},
        {"PUT", "/journals/1.json", true, false}, {"POST", "//projects/foo//issues.json", true, false},
        {"POST", "/projects/foo/time_entries.json", true, false}, {"PUT", "/projects/foo/wiki/X.json", true, false},
        {"DELETE", "/projects/foo/repository/r/revisions/1/issues/2.json", true, false},
        {"POST", "/projects/foo/files.json", true, false}, {"POST", "/watchers.json", true, false},
        {"PATCH", "/attachments/1.json", true, false},
        /* who may see what */
        {"POST", "/projects.json", true, true}, {"PUT", "/projects/foo.json", true, true},
        {"PUT", "/projects/foo/archive.json", true, true}, {"POST", "/projects/foo/memberships.json", true, true},
        {"DELETE", "/memberships/1.json", true, true}, {"PUT", "/users/1.json", true, true},
        {"POST", "/groups/1/users.json", true, true}, {"PUT", "/my/account.json", true, true},
        /* the web interface, plug-ins, anything */
        {"PATCH", "/trackers/1", true, true}, {"POST", "/roles", true, true}, {"POST", "/plugin/x", true, true},
        {"POST", "/", true, true}, {"PURGE", "*", true, true},
        /* nothing shows before it is attached */
        {"POST", "/uploads.json?filename=x", false, false}, {"POST", "/uploads.xml", false, false},
        {"POST", "/uploads.js", false, false}, {"POST", "/uploads", false, false}, {"PUT", "/uploads.json", true, true},
        {"POST", "/uploads/1.json", true, true}, {"POST", "/x/uploads.json", true, true},
        {"GET", "/issues.json", true, false}, /* a POST that calls itself GET */
};

static void write_row(size_t at)
{
	struct target target;
	struct tags tags;

	ck_assert_int_eq(target_parse(&target, writes[at].path), 0);
	tags_of_write(&tags, writes[at].method, &target);
	ck_assert_msg(has(&tags, "any") == writes[at].any, "%s", writes[at].path);
	ck_assert_msg(has(&tags, "meta") == writes[at].meta, "%s", writes[at].path);
	ck_assert_uint_eq(tags.count, writes[at].any + writes[at].meta);
}

START_TEST(every_write)
{
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		write_row(i);
}
END_TEST

START_TEST(numbers)
{
	static const char *const names[] = {"", "a", "any", "meta", "i:1", "i:12", "i:2", "i*", "i@1"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_uint_ne(tag_number(names[i]), 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(tag_number(names[i]), tag_number(names[j]));
	}
	ck_assert_uint_eq(tag_number("any"), tag_number("any"));
}
END_TEST

UNIT_MAIN("tags", every_read, every_write, numbers)
