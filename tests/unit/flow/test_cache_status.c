#include "flow/cache_status.h"

#include "../unit.h"

#include <string.h>

/* RFC 9211 section 2: hit, fwd, fwd-status, ttl, stored, collapsed. */
static const struct {
	struct cache_status status;
	const char *text, *word;
} cases[] = {
        {{.forward = FORWARD_NOT}, "redmine-cached", "none"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = 37999}, "redmine-cached; hit; ttl=37", "hit"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = 0}, "redmine-cached; hit; ttl=0", "hit"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = 999}, "redmine-cached; hit; ttl=0", "hit"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = -1}, "redmine-cached; hit; ttl=-1", "stale-hit"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = -1000}, "redmine-cached; hit; ttl=-1", "stale-hit"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = -1001}, "redmine-cached; hit; ttl=-2", "stale-hit"},
        {{.forward = FORWARD_NOT, .hit = true, .ttl_ms = INT64_C(31536000000)}, "redmine-cached; hit; ttl=31536000",
                "hit"},
        {{.forward = FORWARD_URI_MISS}, "redmine-cached; fwd=uri-miss", "miss"},
        {{.forward = FORWARD_URI_MISS, .stored = true}, "redmine-cached; fwd=uri-miss; stored", "miss"},
        {{.forward = FORWARD_URI_MISS, .stored = true, .collapsed = true},
                "redmine-cached; fwd=uri-miss; stored; collapsed", "collapsed"},
        {{.forward = FORWARD_STALE, .forward_status = 304, .stored = true},
                "redmine-cached; fwd=stale; fwd-status=304; stored", "revalidated"},
        {{.forward = FORWARD_STALE, .stored = true}, "redmine-cached; fwd=stale; stored", "miss"},
        {{.forward = FORWARD_REQUEST}, "redmine-cached; fwd=request", "miss"},
        {{.forward = FORWARD_BYPASS}, "redmine-cached; fwd=bypass", "bypass"},
        {{.forward = FORWARD_METHOD}, "redmine-cached; fwd=method", "write"},
};

START_TEST(says_what_the_cache_did)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT(1000);

		ck_assert_int_eq(cache_status_print(&cases[i].status, &text), 0);
		ck_assert_str_eq(buf_text(&text), cases[i].text);
		ck_assert_str_eq(cache_status_word(&cases[i].status), cases[i].word);
	}
}
END_TEST

START_TEST(says_when_there_is_no_room)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t room = 1; room < strlen(cases[i].text); room++) {
			CLEANUP(buf_release) struct buf text = BUF_INIT(room);

			ck_assert_int_lt(cache_status_print(&cases[i].status, &text), 0);
		}
	}
}
END_TEST

UNIT_MAIN("cache_status", says_what_the_cache_did, says_when_there_is_no_room)
