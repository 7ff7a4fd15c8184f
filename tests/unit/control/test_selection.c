#include "control/selection.h"

#include "../unit.h"
#include "redmine/identity.h"
#include "redmine/tags.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A caller over a socket pair, whose other end reads what he is told. */
struct bed {
	struct origin origin;
	struct flow flow;
	struct control_settings settings;
	atomic_bool ending;
	struct caller caller;
	int other;
};

static void bed_make(struct bed *bed, const char *url)
{
	int pair[2];

	memset(bed, 0, sizeof(*bed));
	ck_assert_int_eq(origin_init(&bed->origin, url, NULL), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	bed->flow.origin = &bed->origin;
	bed->settings.flow = &bed->flow;
	bed->caller = (struct caller){.settings = &bed->settings, .ending = &bed->ending, .fd = pair[0]};
	bed->other = pair[1];
}

static void bed_clear(struct bed *bed)
{
	close(bed->caller.fd);
	close(bed->other);
	origin_release(&bed->origin);
}

/* An entry of that target, with a tag and an identity. */
static struct entry *entry_of(const char *target, const char *tag, const char *identity)
{
	struct entry *entry = entry_new();

	entry->body = blob_new(NULL, 0);
	entry->reason = strdup("");
	entry->resource = strdup("issue");
	entry->target = strdup(target);
	entry->tags.count = 2;
	entry->tags.items[0].slot = generations_slot(tag_number(tag));
	entry->tags.items[1].slot = generations_slot(identity_tag_of(identity));
	return entry;
}

static bool selects(struct bed *bed, const char *arguments, const char *target)
{
	struct json_object *object = json_tokener_parse(arguments);
	CLEANUP(entry_unrefp) struct entry *entry = entry_of(target, "issue:1", "3f09ac");
	struct selection selection;
	bool has;

	ck_assert_int_eq(selection_read(&selection, &bed->caller, object), 0);
	has = selection_has(&selection, entry);
	selection_release(&selection);
	json_object_put(object);
	return has;
}

START_TEST(by_url)
{
	static const char *const same[] = {"{\"url\":\"/issues/1.json?a=1&b=2\"}",
	        "{\"url\":\"/issues/1.json?b=2&a=1\"}", "{\"url\":\"http://localhost:7336/issues/1.json?a=1&b=2\"}",
	        "{\"url\":\"https://redmine.test/sub/issues/1.json?a=1&b=2\"}",
	        "{\"url\":\"/sub/issues/1.json?key=secret&b=2&a=1\"}"};
	static const char *const others[] = {"{\"url\":\"/issues/1.json\"}", "{\"url\":\"/issues/1.json?a=1&b=3\"}",
	        "{\"url\":\"/issues/1.xml?a=1&b=2\"}", "{\"url\":\"/subissues/1.json?a=1&b=2\"}"};
	struct bed bed;

	bed_make(&bed, "http://redmine.test/sub");
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		ck_assert_msg(selects(&bed, same[i], "/issues/1.json?a=1&b=2&key=-"), "%s", same[i]);
		ck_assert_msg(selects(&bed, same[i], "/sub/issues/1.json?a=1&b=2&key=-"), "%s", same[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!selects(&bed, others[i], "/issues/1.json?a=1&b=2"), "%s", others[i]);
	bed_clear(&bed);
}
END_TEST

START_TEST(by_the_rest)
{
	static const char target[] = "/issues/1.json?a=1";
	struct bed bed;

	bed_make(&bed, "http://redmine.test");
	ck_assert(selects(&bed, "{}", target));
	ck_assert(selects(&bed, "{\"pattern\":\"/issues/*\"}", target));
	ck_assert(!selects(&bed, "{\"pattern\":\"/issues\"}", target));
	ck_assert(selects(&bed, "{\"tag\":\"issue:1\"}", target));
	ck_assert(!selects(&bed, "{\"tag\":\"issue:2\"}", target));
	ck_assert(selects(&bed, "{\"identity\":\"3f09ac\"}", target));
	ck_assert(!selects(&bed, "{\"identity\":\"3f09ad\"}", target));
	ck_assert(selects(&bed, "{\"tag\":\"issue:1\",\"pattern\":\"*\",\"identity\":\"3f09ac\"}", target));
	ck_assert(!selects(&bed, "{\"tag\":\"issue:1\",\"pattern\":\"*.xml\"}", target));
	bed_clear(&bed);
}
END_TEST

/* The caller is told, and there is nothing to release. */
START_TEST(what_is_none)
{
	static const char *const wrong[] = {"{\"url\":\"issues.json\"}", "{\"url\":\"\\u0001\"}",
	        "{\"identity\":\"me\"}", "{\"identity\":\"3F09AC\"}", "{\"identity\":\"3f09ac0\"}"};
	struct bed bed;

	bed_make(&bed, "http://redmine.test");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct json_object *object = json_tokener_parse(wrong[i]);
		struct selection selection;
		char told[512] = "";

		ck_assert_int_lt(selection_read(&selection, &bed.caller, object), 0);
		ck_assert_int_gt(recv(bed.other, told, sizeof(told) - 1, 0), 0);
		ck_assert_msg(strncmp(told, "{\"error\":{\"code\":\"bad-request\"", 30) == 0, "%s", told);
		json_object_put(object);
	}
	bed_clear(&bed);
}
END_TEST

START_TEST(pasted_urls)
{
	static const struct {
		const char *url, *target;
	} cases[] = {
	        {"http://redmine.test/sub", "/"},
	        {"http://redmine.test/sub?x=1", "/?x=1"},
	        {"http://other", "/"},
	        {"/sub/issues", "/issues"},
	        {"/submarine", "/submarine"},
	        {"issues", NULL},
	};
	struct bed bed;

	bed_make(&bed, "http://redmine.test/sub");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(freep) char *target = selection_target(&bed.origin, cases[i].url);

		if (cases[i].target)
			ck_assert_str_eq(target, cases[i].target);
		else
			ck_assert_ptr_null(target);
	}
	bed_clear(&bed);
}
END_TEST

UNIT_MAIN("selection", by_url, by_the_rest, what_is_none, pasted_urls)
