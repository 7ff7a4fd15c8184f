#include "front/hosts.h"

#include "kit.h"

static void assert_allows(const char *const *settings, const char *authority, bool allowed)
{
	struct conf *conf = kit_conf(settings);

	ck_assert_msg(hosts_allowed(conf, "127.0.0.1:7336", authority) == allowed, "%s", authority);
	conf_unref(conf);
}

START_TEST(loopback_names_always)
{
	static const char *const good[] = {"localhost", "LocalHost", "localhost:7336", "localhost:1", "127.0.0.1",
	        "127.0.0.1:7336", "[::1]", "[::1]:7336", "localhost:"};
	static const char *const bad[] = {"", ":7336", "example.org", "localhost.example.org", "127.0.0.1.example.org",
	        "127.0.0.2", "127.1", "2130706433", "[::2]", "::1", "[::1", "[::1]x", "localhost:80:80",
	        "localhost:http", "localhost:-1", "user@localhost", "localhost@example.org", "localhost/", "localhost#",
	        "localhost ", " localhost", "localhost\\", "example.org:7336#localhost", "localhost\xff", "0.0.0.0",
	        "localhost,example.org"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_allows(NULL, good[i], true);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_allows(NULL, bad[i], false);
}
END_TEST

START_TEST(names_it_listens_on)
{
	static const char *const settings[] = {"listen.address=192.0.2.7:7336", "listen.address=[2001:db8::7]:7336",
	        "listen.address=unix:/run/x", "listen.allow_remote=yes", NULL};

	assert_allows(settings, "192.0.2.7", true);
	assert_allows(settings, "192.0.2.7:80", true); /* behind a port that leads here */
	assert_allows(settings, "[2001:db8::7]:7336", true);
	assert_allows(settings, "[2001:DB8::7]", true);
	assert_allows(settings, "192.0.2.8", false);
	assert_allows(settings, "2001:db8::7", false);
}
END_TEST

START_TEST(names_that_are_allowed)
{
	static const char *const settings[] = {"listen.allowed_hosts=cache.example.org",
	        "listen.allowed_hosts=other.example.org:8080", "listen.allowed_hosts=[2001:db8::1]", NULL};
	static const char *const all[] = {"listen.allowed_hosts=*", NULL};

	assert_allows(settings, "cache.example.org", true);
	assert_allows(settings, "Cache.Example.ORG:443", true);
	assert_allows(settings, "x.cache.example.org", false);
	assert_allows(settings, "cache.example.org.evil.test", false);
	assert_allows(settings, "other.example.org:8080", true);
	assert_allows(settings, "other.example.org:80", false);
	assert_allows(settings, "other.example.org", false);
	assert_allows(settings, "[2001:db8::1]:5", true);
	assert_allows(settings, "localhost", true);
	assert_allows(all, "anything.test:80", true);
	assert_allows(all, "not a name", false);
	assert_allows(all, "", false);
}
END_TEST

UNIT_MAIN("hosts", loopback_names_always, names_it_listens_on, names_that_are_allowed)
