#include "conf/address.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

START_TEST(tcp_addresses)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool local;
	} rows[] = {
	        {"127.0.0.1:7336", "127.0.0.1", 7336, true},
	        {"127.8.9.10:1", "127.8.9.10", 1, true},
	        {"[::1]:7336", "::1", 7336, true},
	        {"localhost:65535", "localhost", 65535, true},
	        {"LocalHost:80", "LocalHost", 80, true},
	        {"0.0.0.0:7336", "0.0.0.0", 7336, false},
	        {"[::]:7336", "::", 7336, false},
	        {"192.168.1.5:80", "192.168.1.5", 80, false},
	        {"[2001:db8::1]:80", "2001:db8::1", 80, false},
	        {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, false},
	        {"cache.example.org:80", "cache.example.org", 80, false},
	        {"localhost.example.org:80", "localhost.example.org", 80, false},
	        {"127.0.0.1.example.org:80", "127.0.0.1.example.org", 80, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address;
		struct fail fail = {0};

		ck_assert_msg(address_parse(rows[i].text, &address, &fail) == 0, "%s: %s", rows[i].text, fail.text);
		ck_assert_int_eq(address.kind, ADDRESS_TCP);
		ck_assert_str_eq(address.host, rows[i].host);
		ck_assert_uint_eq(address.port, rows[i].port);
		ck_assert_msg(address_is_local(&address) == rows[i].local, "%s", rows[i].text);
	}
}
END_TEST

START_TEST(unix_addresses)
{
	struct address address;
	char text[200] = "unix:/";

	ck_assert_int_eq(address_parse("unix:/run/a b:c", &address, NULL), 0);
	ck_assert_int_eq(address.kind, ADDRESS_UNIX);
	ck_assert_str_eq(address.path, "/run/a b:c");
	ck_assert(address_is_local(&address));
	ck_assert_int_eq(address_parse("unix:run", &address, NULL), -EINVAL);
	ck_assert_int_eq(address_parse("unix:/", &address, NULL), -EINVAL);
	ck_assert_int_eq(address_parse("unix:", &address, NULL), -EINVAL);

	memset(text + 6, 'x', 106); /* sun_path has 108 bytes, the NUL included */
	ck_assert_int_eq(address_parse(text, &address, NULL), 0);
	ck_assert_uint_eq(strlen(address.path), 107);
	text[6 + 106] = 'x';
	ck_assert_int_eq(address_parse(text, &address, NULL), -EINVAL);
}
END_TEST

START_TEST(no_addresses)
{
	static const char *const texts[] = {"", ":", "7336", "127.0.0.1", "127.0.0.1:", ":7336", "127.0.0.1:0",
	        "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:123456", "127.0.0:1",
	        "256.0.0.1:1", "1:1", "::1:7336", "[::1]", "[::1:7336", "[]:1", "[x]:1", "[127.0.0.1]:1", "::1]:7336",
	        "a b:1", "-a:1", ".a:1", "*:1", "a/b:1", "http://a:1", "UNIX:/run/x",
	        "b\xc3\xbc"
	        "cher.example:1"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address address = {.port = 42};
		struct fail fail = {0};

		ck_assert_msg(address_parse(texts[i], &address, &fail) == -EINVAL, "accepted: %s", texts[i]);
		ck_assert_str_ne(fail.text, "");
		ck_assert_uint_eq(address.port, 42);
	}
}
END_TEST

START_TEST(hosts_have_a_length)
{
	char host[300];

	memset(host, 'h', sizeof(host));
	ck_assert(!host_valid(host, 0));
	ck_assert(host_valid(host, 253));
	ck_assert(!host_valid(host, 254));
	ck_assert(host_valid("a_b-c.d1", 8));
}
END_TEST

START_TEST(urls)
{
	static const char *const rows[][2] = {
	        {"http://a", "http://a"},
	        {"https://redmine.example.org/", "https://redmine.example.org"},
	        {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
	        {"http://[::1]:3000/redmine", "http://[::1]:3000/redmine"},
	        {"http://[::1]", "http://[::1]"},
	        {"https://a:443/x/y///", "https://a:443/x/y"},
	        {"http://a/%7Ejoe/", "http://a/%7Ejoe"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEANUP(freep) char *url = NULL;
		struct fail fail = {0};

		ck_assert_msg(url_parse(rows[i][0], "http https", &url, &fail) == 0, "%s: %s", rows[i][0], fail.text);
		ck_assert_str_eq(url, rows[i][1]);
	}
}
END_TEST

START_TEST(no_urls)
{
	static const char *const texts[] = {"", "a", "//a", "http:", "http:/a", "http://", "http:///x", "http://:80",
	        "ftp://a", "HTTP://a", "https:// a", "http://a b", "http://a?x=1", "http://a/?x", "http://a/#x",
	        "http://a#x", "http://a:0", "http://a:", "http://a:x/", "http://a:99999", "http://[::1",
	        "http://[::1]x", "http://[::1]:", "http://a/b c", "http://a/\xc3\xbc", "http://a/\t", "http://a\\b",
	        "httpshttp://a", "http https://a"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *url = NULL;
		struct fail fail = {0};

		ck_assert_msg(url_parse(texts[i], "http https", &url, &fail) == -EINVAL, "accepted: %s", texts[i]);
		ck_assert_str_ne(fail.text, "");
		ck_assert_ptr_null(url);
	}
}
END_TEST

/* A password that somebody put there must not come out in an error. */
START_TEST(credentials_in_a_url_are_not_shown)
{
	static const char *const texts[] = {"http://user:hunter2@a", "http://hunter2@a/x", "http://user:hunter2@",
	        "http://a/@hunter2", "http://user:hunter2@[::1", "user:hunter2@a", "ftp://user:hunter2@a",
	        "http://user:hun/ter2@a", "http://user:hun?ter2@a"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *url = NULL;
		struct fail fail = {0};

		ck_assert_msg(url_parse(texts[i], "http https", &url, &fail) == -EINVAL, "accepted: %s", texts[i]);
		ck_assert_ptr_null(strstr(fail.text, "hun"));
	}
}
END_TEST

UNIT_MAIN("address", tcp_addresses, unix_addresses, no_addresses, hosts_have_a_length, urls, no_urls,
        credentials_in_a_url_are_not_shown)
