#include "redmine/webhook.h"

#include "base/macros.h"
#include "tag_kit.h"

#include <errno.h>

#define EDITED "issues mixed version_hours relations attachment"
#define HOURS  "time_entries issues issue mixed version_hours"

static const struct {
	const char *body, *tags;
	int result;
} rows[] = {
        {"{\"type\":\"issue.updated\",\"data\":{\"issue\":{\"id\":12}}}", EDITED " issue:12 issue:?", 0},
        {"{\"type\":\"issue.created\",\"data\":{\"issue\":{\"id\":12,\"parent\":{\"id\":3}}}}",
                EDITED " issue:12 issue:? issue:3", 0},
        {"{\"type\":\"issue.deleted\",\"data\":{\"issue\":{\"id\":12}}}",
                EDITED " issue time_entries time_entry issue:12 issue:?", 0},
        {"{\"type\":\"time_entry.updated\",\"data\":{\"time_entry\":{\"id\":5}}}", HOURS " time_entry:5 time_entry:?",
                0},
        {"{\"type\":\"wiki_page.updated\",\"data\":{}}", "wiki versions attachment mixed", 0},
        {"{\"type\":\"news.deleted\",\"data\":{}}", "news attachment mixed", 0},
        {"{\"type\":\"version.updated\",\"data\":{}}", "versions version_hours projects attachment issues issue mixed",
                0},
        {"{\"type\":\"project.updated\",\"data\":{}}", "", 0},
        {"{\"type\":\"issues.updated\",\"data\":{}}", "", 0},
        {"{\"type\":\"issue.updated\",\"data\":{\"issue\":{}}}", NULL, -EINVAL},
        {"{\"type\":\"issue.updated\",\"data\":{\"issue\":[12]}}", NULL, -EINVAL},
        {"{\"type\":\"issue.updated\"}", NULL, -EINVAL},
        {"{\"type\":\"issue\",\"data\":{}}", NULL, -EINVAL},
        {"{\"type\":7,\"data\":{}}", NULL, -EINVAL},
        {"[1]", NULL, -EINVAL},
        {"null", NULL, -EINVAL},
        {"{\"type\":", NULL, -EINVAL},
        {"", NULL, -EINVAL},
};

START_TEST(every_delivery)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tags tags;

		ck_assert_msg(
		        webhook_read(&tags, rows[i].body, strlen(rows[i].body)) == rows[i].result, "%s", rows[i].body);
		if (rows[i].tags)
			tags_assert(&tags, rows[i].tags, rows[i].body);
	}
}
END_TEST

START_TEST(names_the_one)
{
	static const char body[] = "{\"type\":\"issue.updated\",\"data\":{\"issue\":{\"id\":12}}}";
	struct tags tags;

	ck_assert_int_eq(webhook_read(&tags, body, strlen(body)), 0);
	ck_assert_str_eq(tags.own, "issue:12");
}
END_TEST

UNIT_MAIN("webhook", every_delivery, names_the_one)
