#include "conf_text.h"

#include <errno.h>
#include <sys/stat.h>

START_TEST(url_is_required)
{
	assert_problems(NULL, NULL,
	        "upstream.url: not given; say where Redmine is: -o upstream.url=URL, or url = URL below [upstream]\n");
	assert_problems("[upstream]\nurl =\n", NULL,
	        "a.conf:2: url: empty; say where Redmine is: -o upstream.url=URL, or url = URL below [upstream]\n");
	/* One that was refused is one problem, not two. */
	assert_problems(NULL, OVERRIDES("upstream.url=http://a:b@c"),
	        "-o upstream.url: a URL with a user, a password or \"@\" in it (not shown); keys come with the requests; allowed: "
	        "http:// or https:// and HOST, HOST:PORT or either of them with a /PATH\n");
}
END_TEST

START_TEST(ca_file_can_be_read)
{
	assert_problems(URL "ca_file = /nonexistent/ca.pem\n", NULL,
	        "a.conf:3: ca_file: /nonexistent/ca.pem: No such file or directory\n");
}
END_TEST

START_TEST(others_are_let_in_only_when_told)
{
	CLEANUP(conf_unrefp)
	struct conf *local = conf_of(
	        URL "[listen]\naddress=127.9.9.9:1\naddress=[::1]:1\naddress=localhost:2\naddress=unix:/run/x\n", NULL);
	CLEANUP(conf_unrefp)
	struct conf *remote = conf_of(URL "[listen]\nallow_remote = yes\naddress=0.0.0.0:1\naddress=[::]:2\n", NULL);

	ck_assert_uint_eq(local->listen.address.count, 4);
	ck_assert_uint_eq(remote->listen.address.count, 2);
	assert_problems(URL "[listen]\naddress=127.0.0.1:1\naddress=0.0.0.0:1\naddress=cache.example.org:2\n", NULL,
	        "a.conf:5: address: other machines could reach 0.0.0.0:1; allowed: 127.0.0.1, [::1], localhost and unix:/PATH, "
	        "or any with listen.allow_remote = yes\n"
	        "a.conf:6: address: other machines could reach cache.example.org:2; allowed: 127.0.0.1, [::1], localhost and "
	        "unix:/PATH, or any with listen.allow_remote = yes\n");
	assert_problems(URL, OVERRIDES("listen.address=[::]:1"),
	        "-o listen.address: other machines could reach [::]:1; allowed: 127.0.0.1, [::1], localhost and unix:/PATH, "
	        "or any with listen.allow_remote = yes\n");
}
END_TEST

#define TLS "[listen]\ncertificate=/dev/null\ncertificate_key=/dev/null\ntls_address=0.0.0.0:7443\n"

START_TEST(others_are_let_in_by_tls_with_a_proof)
{
	CLEANUP(conf_unrefp) struct conf *by_certificate = conf_of(URL TLS "client_ca=/dev/null\n", NULL);

	ck_assert_ptr_null(by_certificate->listen.token);
	assert_problems(URL TLS, NULL,
	        "a.conf:6: tls_address: other machines could reach 0.0.0.0:7443; allowed: 127.0.0.1, [::1], localhost and "
	        "unix:/PATH, or any with listen.token_file, listen.client_ca or listen.allow_remote = yes\n");
	assert_problems(URL TLS "token_file=/nonexistent\n", NULL,
	        "a.conf:7: token_file: /nonexistent: No such file or directory\n");
	assert_problems(
	        URL TLS "token_file=/dev/null\n", NULL, "a.conf:7: token_file: /dev/null: it is not a regular file\n");
	assert_problems(URL "[listen]\naddress=0.0.0.0:1\ntoken_file=/nonexistent\n", NULL,
	        "a.conf:4: address: other machines could reach 0.0.0.0:1; allowed: 127.0.0.1, [::1], localhost and unix:/PATH, "
	        "or any with listen.allow_remote = yes\n"
	        "a.conf:5: token_file: /nonexistent: No such file or directory\n");
}
END_TEST

START_TEST(somewhere_to_listen_once)
{
	assert_problems(URL "[listen]\naddress =\n", NULL,
	        "a.conf:4: address: none is left to listen on; allowed: one or more\n");
	assert_problems(URL "[listen]\naddress = [::1]:1\naddress = [::1]:2\naddress = [::1]:1\n", NULL,
	        "a.conf:6: address: [::1]:1 is given twice\n");
}
END_TEST

START_TEST(sync_has_one_worker)
{
	CLEANUP(conf_unrefp) struct conf *one = conf_of(URL, OVERRIDES("engine.sync.workers=1"));
	CLEANUP(conf_unrefp) struct conf *automatic = conf_of(URL, OVERRIDES("engine.sync.workers=auto"));

	ck_assert_int_eq(conf_engine(one, "sync")->workers, 1);
	ck_assert_int_eq(conf_engine(automatic, "sync")->workers, 0);
	assert_problems(URL "[engine \"sync\"]\nworkers = 2\n", NULL,
	        "a.conf:4: workers: engine \"sync\" always has one; allowed: auto or 1\n");
	assert_problems(URL, OVERRIDES("engine.sync.workers=4"),
	        "-o engine.sync.workers: engine \"sync\" always has one; allowed: auto or 1\n");
}
END_TEST

static bool is_built_in(const char *name)
{
	return strcmp(name, "sync") == 0 || strcmp(name, "thread") == 0;
}

static void assert_engines(const char *text, const char *expected)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(10000);
	struct conf_source source = {
	        .engine_known = is_built_in, .engine_names = "sync, thread", .problems = &problems};
	struct conf *conf = NULL;
	size_t folder;

	conf_folder_make();
	folder = strlen(conf_folder) + 1;
	source.file = conf_file("a.conf", text);
	ck_assert_int_eq(conf_load(&source, &conf, NULL), *expected ? -EINVAL : 0);
	ck_assert_str_eq(buf_text(&problems) + (*expected ? folder : 0), expected);
	conf_unref(conf);
	conf_folder_remove();
}

START_TEST(engines_are_known_or_have_a_path)
{
	assert_engines(URL "[engine]\ndefault = sync\n[engine \"thread\"]\nworkers = 2\n", "");
	assert_engines(URL "[engine]\ndefault = mine\n[engine \"mine\"]\npath = /dev/null\n", "");
	assert_engines(URL "[engine]\ndefault = mine\n",
	        "a.conf:4: default: there is no engine \"mine\"; allowed: sync, thread, or one with a path below [engine \"mine\"]");
	assert_engines(URL "[engine \"mine\"]\n",
	        "a.conf:3: there is no engine \"mine\"; allowed: sync, thread, or one with a path below [engine \"mine\"]");
	assert_engines(URL "[engine \"thread\"]\npath = /dev/null\n",
	        "a.conf:4: path: engine \"thread\" is built in and has none; allowed: a name other than sync, thread");
	assert_engines(URL "[engine \"mine\"]\npath = /nonexistent/mine.so\n",
	        "a.conf:4: path: /nonexistent/mine.so: No such file or directory");
}
END_TEST

START_TEST(the_default_engine_always_has_a_row)
{
	CLEANUP(conf_unrefp)
	struct conf *conf = conf_of(URL "[engine]\ndefault = sync\n[engine \"thread\"]\nqueue = 7\n", NULL);

	ck_assert_uint_eq(conf->engine.count, 2);
	ck_assert_str_eq(conf->engine.items[0].name, "thread");
	ck_assert_str_eq(conf->engine.items[1].name, "sync");
	ck_assert_int_eq(conf->engine.items[1].queue, 4096);
	ck_assert_ptr_eq(conf_engine(conf, "other"), &conf->engine.defaults);
	ck_assert_int_eq(conf_engine(conf, "other")->workers, 0);
	ck_assert_int_eq(conf_engine(conf, "other")->queue, 4096);
}
END_TEST

static void assert_cache_path(const char *value, const char *expected)
{
	char override[256];
	struct conf *conf;

	snprintf(override, sizeof(override), "cache.path=%s", value);
	conf = conf_of(URL, OVERRIDES(override));
	ck_assert_str_eq(conf->cache.path, expected);
	conf_unref(conf);
}

START_TEST(cache_path_by_the_environment)
{
	setenv("HOME", "/home/someone", 1);
	setenv("XDG_CACHE_HOME", "/home/someone/caches", 1);
	setenv("CACHE_DIRECTORY", "/var/cache/a:/var/cache/b", 1);
	assert_cache_path("auto", "/var/cache/a/cache.db");
	assert_cache_path("/elsewhere/c.db", "/elsewhere/c.db");
	assert_cache_path("", "");
	unsetenv("CACHE_DIRECTORY");
	if (geteuid() == 0) {
		assert_cache_path("auto", LOCALSTATEDIR "/cache/redmine-cached/cache.db");
		ck_assert_int_eq(setresuid(65534, 65534, 65534),
		        0); /* the rest of this test, in a process of its own, is anyone's */
	}
	assert_cache_path("auto", "/home/someone/caches/redmine-cached/cache.db");
	setenv("XDG_CACHE_HOME", "relative", 1);
	assert_cache_path("auto", "/home/someone/.cache/redmine-cached/cache.db");
	unsetenv("XDG_CACHE_HOME");
	assert_cache_path("auto", "/home/someone/.cache/redmine-cached/cache.db");
	unsetenv("HOME");
	assert_problems(URL, NULL,
	        "cache.path: auto, but the environment has no HOME; allowed: a path that begins with \"/\" or nothing\n");
}
END_TEST

/* The last one leaves its process with the rights of nobody. */
UNIT_MAIN("check", url_is_required, ca_file_can_be_read, others_are_let_in_only_when_told,
        others_are_let_in_by_tls_with_a_proof, somewhere_to_listen_once, sync_has_one_worker,
        engines_are_known_or_have_a_path, the_default_engine_always_has_a_row, cache_path_by_the_environment)
