#include "upstream/origin.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *url, *expected_url, *base, *authority, *path;
	bool secure, loopback;
} good[] = {
        {"http://redmine.example.org", "http://redmine.example.org", "http://redmine.example.org",
                "redmine.example.org", "", false, false},
        {"http://redmine.example.org/", "http://redmine.example.org", "http://redmine.example.org",
                "redmine.example.org", "", false, false},
        {"https://redmine.example.org/redmine", "https://redmine.example.org", "https://redmine.example.org/redmine",
                "redmine.example.org", "/redmine", true, false},
        {"https://redmine.example.org/a/b///", "https://redmine.example.org", "https://redmine.example.org/a/b",
                "redmine.example.org", "/a/b", true, false},
        /* Redmine leaves the usual port out of its links, so a link with it is none of ours. */
        {"http://redmine.example.org:80/x", "http://redmine.example.org", "http://redmine.example.org/x",
                "redmine.example.org", "/x", false, false},
        {"https://redmine.example.org:443", "https://redmine.example.org", "https://redmine.example.org",
                "redmine.example.org", "", true, false},
        {"http://redmine.example.org:443", "http://redmine.example.org:443", "http://redmine.example.org:443",
                "redmine.example.org:443", "", false, false},
        {"https://redmine.example.org:8443/r", "https://redmine.example.org:8443", "https://redmine.example.org:8443/r",
                "redmine.example.org:8443", "/r", true, false},
        {"http://127.0.0.1:3000", "http://127.0.0.1:3000", "http://127.0.0.1:3000", "127.0.0.1:3000", "", false, true},
        {"http://127.8.9.10", "http://127.8.9.10", "http://127.8.9.10", "127.8.9.10", "", false, true},
        {"http://localhost:3000", "http://localhost:3000", "http://localhost:3000", "localhost:3000", "", false, true},
        {"http://[::1]:3000/r", "http://[::1]:3000", "http://[::1]:3000/r", "[::1]:3000", "/r", false, true},
        {"http://[2001:db8::1]", "http://[2001:db8::1]", "http://[2001:db8::1]", "[2001:db8::1]", "", false, false},
        {"HTTP://redmine", "http://redmine", "http://redmine", "redmine", "", false, false},
        {"http://redmine/%7euser/../x", "http://redmine", "http://redmine/%7euser/../x", "redmine", "/%7euser/../x",
                false, false},
};

START_TEST(takes_a_url_apart)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct fail fail = {0};
		struct origin o;

		ck_assert_msg(origin_init(&o, good[i].url, &fail) == 0, "%s: %s", good[i].url, fail.text);
		ck_assert_str_eq(o.url, good[i].expected_url);
		ck_assert_str_eq(o.base, good[i].base);
		ck_assert_str_eq(o.authority, good[i].authority);
		ck_assert_str_eq(o.path, good[i].path);
		ck_assert_msg(o.secure == good[i].secure, "%s", good[i].url);
		ck_assert_msg(o.loopback == good[i].loopback, "%s", good[i].url);
		origin_release(&o);
		ck_assert_ptr_null(o.url);
	}
}
END_TEST

START_TEST(refuses_what_is_no_url)
{
	static const char *const bad[] = {"", "redmine", "http://", "://x", "/x", "http://x:99999", "http://x:y"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fail fail = {0};
		struct origin o;

		ck_assert_msg(origin_init(&o, bad[i], &fail) == -EINVAL, "%s", bad[i]);
		ck_assert_int_eq(fail.code, -EINVAL);
		ck_assert_msg(strstr(fail.text, "not a URL"), "%s", fail.text);
		origin_release(&o);
	}
}
END_TEST

UNIT_MAIN("origin", takes_a_url_apart, refuses_what_is_no_url)
