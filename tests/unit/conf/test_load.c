#include "conf_text.h"

#include <errno.h>
#include <sys/stat.h>

START_TEST(url_alone_is_enough)
{
	CLEANUP(conf_unrefp) struct conf *conf = conf_of(NULL, OVERRIDES("upstream.url=http://127.0.0.1:3000/"));

	ck_assert_str_eq(conf->upstream.url, "http://127.0.0.1:3000");
	ck_assert_ptr_null(conf->upstream.ca_file);
	ck_assert(conf->upstream.verify);
	ck_assert_int_eq(conf->upstream.connect_timeout_ms, 10000);
	ck_assert_int_eq(conf->upstream.timeout_ms, 60000);
	ck_assert_int_eq(conf->upstream.compression, CONF_COMPRESSION_AUTO);
	ck_assert_ptr_null(conf->upstream.proxy);
	ck_assert_uint_eq(conf->listen.address.count, 1);
	ck_assert_str_eq(conf->listen.address.items[0], "127.0.0.1:7336");
	ck_assert_uint_eq(conf->listen.allowed_hosts.count, 0);
	ck_assert(!conf->listen.allow_remote);
	ck_assert(!conf->listen.trust_forwarded);
	ck_assert_int_eq(conf->listen.threads, 0);
	ck_assert_int_eq(conf->listen.max_connections, 4096);
	ck_assert_int_eq(conf->listen.idle_timeout_ms, 60000);
	ck_assert_int_eq(conf->listen.header_timeout_ms, 15000);
	ck_assert_uint_eq(conf->listen.header_limit, 16 << 10);
	ck_assert_uint_eq(conf->listen.body_limit, 1 << 30);
	ck_assert_int_eq(conf->listen.drain_timeout_ms, 20000);
	ck_assert_str_eq(conf->engine.default_name, "thread");
	ck_assert_uint_eq(conf->cache.memory, 64 << 20);
	ck_assert_uint_eq(conf->cache.size, 1 << 30);
	ck_assert_uint_eq(conf->cache.object_limit, 8 << 20);
	ck_assert_int_eq(conf->cache.policy, CACHE_POLICY_REDMINE);
	ck_assert_int_eq(conf->log.level, LOG_LEVEL_INFO);
	ck_assert_int_eq(conf->log.format, LOG_FORMAT_TEXT);
}
END_TEST

static void assert_board(const struct conf_session *board)
{
	ck_assert_ptr_nonnull(board);
	ck_assert_str_eq(board->proxy, "none");
	ck_assert_str_eq(board->ca_file, "/dev/null");
	ck_assert_str_eq(board->client_certificate, "/dev/zero");
	ck_assert_str_eq(board->client_key, "/dev/full");
	ck_assert_int_eq(board->verify, CONF_VERIFY_NO);
	ck_assert_int_eq(board->http_version, CONF_HTTP_1_1);
	ck_assert_int_eq(board->connect_timeout_ms, 116);
	ck_assert_int_eq(board->timeout_ms, 117000);
	ck_assert_int_eq(board->workers, 108);
	ck_assert_str_eq(board->engine, "sync");
	ck_assert_uint_eq(board->listeners.count, 2);
	ck_assert_str_eq(board->listeners.items[1], "[::1]:7337");
	ck_assert_uint_eq(board->uids.count, 2);
	ck_assert_uint_eq(board->uid_numbers[1], 118);
	ck_assert_uint_eq(board->gids.count, 1);
	ck_assert_uint_eq(board->gid_numbers[0], 119);
}

/* Every option has a value of its own here, so that none can be taken for another. */
START_TEST(every_option)
{
	CLEANUP(conf_unrefp)
	struct conf *conf = conf_of("[upstream]\n"
	                            "url = https://redmine.example.org/r/\n"
	                            "ca_file = /dev/null\n"
	                            "verify = no\n"
	                            "connect_timeout = 101ms\n"
	                            "timeout = 102s\n"
	                            "compression = no\n"
	                            "proxy = socks5h://proxy.example.org:1080\n"
	                            "[listen]\n"
	                            "address = [::1]:7337\n"
	                            "address = unix:/run/x.sock\n"
	                            "address = 0.0.0.0:7338\n"
	                            "allowed_hosts = cache.example.org\n"
	                            "allowed_hosts = [2001:db8::1]\n"
	                            "allow_remote = yes\n"
	                            "trust_forwarded = yes\n"
	                            "threads = 3\n"
	                            "max_connections = 104\n"
	                            "idle_timeout = 105s\n"
	                            "header_timeout = 106s\n"
	                            "header_limit = 5K\n"
	                            "body_limit = 0\n"
	                            "drain_timeout = 0\n"
	                            "[engine]\n"
	                            "default = sync\n"
	                            "[engine \"thread\"]\n"
	                            "workers = 107\n"
	                            "queue = 108\n"
	                            "[engine \"mine\"]\n"
	                            "path = /dev/null\n"
	                            "[session]\n"
	                            "wait_limit = 114s\n"
	                            "workers_limit = 115\n"
	                            "[session \"board\"]\n"
	                            "proxy = none\n"
	                            "ca_file = /dev/null\n"
	                            "client_certificate = /dev/zero\n"
	                            "client_key = /dev/full\n"
	                            "verify = no\n"
	                            "http_version = 1.1\n"
	                            "connect_timeout = 116ms\n"
	                            "timeout = 117s\n"
	                            "workers = 108\n"
	                            "engine = sync\n"
	                            "listeners = unix:/run/x.sock [::1]:7337\n"
	                            "uids = 0 118\n"
	                            "gids = 119\n"
	                            "[errands]\n"
	                            "queue = 120\n"
	                            "body_limit = 121K\n"
	                            "memory = 122M\n"
	                            "keep = 123s\n"
	                            "outcomes = 124\n"
	                            "[cache]\n"
	                            "path =\n"
	                            "memory = 109M\n"
	                            "size = 110M\n"
	                            "object_limit = 111K\n"
	                            "policy = origin\n"
	                            "[lifetime]\n"
	                            "issues = 112s\n"
	                            "projects = 0\n"
	                            "issues = 113s\n"
	                            "[log]\n"
	                            "level = debug\n"
	                            "format = json\n",
	        NULL);

	ck_assert_str_eq(conf->upstream.url, "https://redmine.example.org/r");
	ck_assert_str_eq(conf->upstream.ca_file, "/dev/null");
	ck_assert(!conf->upstream.verify);
	ck_assert_int_eq(conf->upstream.connect_timeout_ms, 101);
	ck_assert_int_eq(conf->upstream.timeout_ms, 102000);
	ck_assert_int_eq(conf->upstream.compression, CONF_COMPRESSION_NO);
	ck_assert_str_eq(conf->upstream.proxy, "socks5h://proxy.example.org:1080");
	ck_assert_uint_eq(conf->listen.address.count, 3);
	ck_assert_str_eq(conf->listen.address.items[0], "[::1]:7337");
	ck_assert_str_eq(conf->listen.address.items[1], "unix:/run/x.sock");
	ck_assert_str_eq(conf->listen.address.items[2], "0.0.0.0:7338");
	ck_assert_uint_eq(conf->listen.allowed_hosts.count, 2);
	ck_assert_str_eq(conf->listen.allowed_hosts.items[1], "[2001:db8::1]");
	ck_assert(conf->listen.allow_remote);
	ck_assert(conf->listen.trust_forwarded);
	ck_assert_int_eq(conf->listen.threads, 3);
	ck_assert_int_eq(conf->listen.max_connections, 104);
	ck_assert_int_eq(conf->listen.idle_timeout_ms, 105000);
	ck_assert_int_eq(conf->listen.header_timeout_ms, 106000);
	ck_assert_uint_eq(conf->listen.header_limit, 5 << 10);
	ck_assert_uint_eq(conf->listen.body_limit, 0);
	ck_assert_int_eq(conf->listen.drain_timeout_ms, 0);
	ck_assert_str_eq(conf->engine.default_name, "sync");
	ck_assert_int_eq(conf_engine(conf, "thread")->workers, 107);
	ck_assert_int_eq(conf_engine(conf, "thread")->queue, 108);
	ck_assert_ptr_null(conf_engine(conf, "thread")->path);
	ck_assert_str_eq(conf_engine(conf, "mine")->path, "/dev/null");
	ck_assert_int_eq(conf->session.wait_limit_ms, 114000);
	ck_assert_int_eq(conf->session.workers_limit, 115);
	assert_board(conf_session(conf, "board"));
	ck_assert_int_eq(conf->errands.queue, 120);
	ck_assert_uint_eq(conf->errands.body_limit, 121 << 10);
	ck_assert_uint_eq(conf->errands.memory, 122 << 20);
	ck_assert_int_eq(conf->errands.keep_ms, 123000);
	ck_assert_int_eq(conf->errands.outcomes, 124);
	ck_assert_str_eq(conf->cache.path, "");
	ck_assert_uint_eq(conf->cache.memory, 109 << 20);
	ck_assert_uint_eq(conf->cache.size, 110 << 20);
	ck_assert_uint_eq(conf->cache.object_limit, 111 << 10);
	ck_assert_int_eq(conf->cache.policy, CACHE_POLICY_ORIGIN);
	ck_assert_uint_eq(conf->lifetime.count, 2);
	ck_assert_int_eq(conf_lifetime_ms(conf, "issues", 1), 113000);
	ck_assert_int_eq(conf_lifetime_ms(conf, "projects", 1), 0);
	ck_assert_int_eq(conf->log.level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(conf->log.format, LOG_FORMAT_JSON);
}
END_TEST

START_TEST(the_last_one_wins)
{
	CLEANUP(conf_unrefp)
	struct conf *conf = conf_of(URL "timeout = 1s\ntimeout = 2s\n[log]\nlevel = warn\n[upstream]\ntimeout = 3s\n",
	        OVERRIDES("log.level=error"));

	ck_assert_int_eq(conf->upstream.timeout_ms, 3000);
	ck_assert_int_eq(conf->log.level, LOG_LEVEL_ERROR);
}
END_TEST

static void assert_addresses(const struct conf *conf, const char *expected)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

	for (size_t i = 0; i < conf->listen.address.count; i++)
		ck_assert_int_eq(buf_printf(&out, "%s%s", i ? " " : "", conf->listen.address.items[i]), 0);
	ck_assert_str_eq(buf_text(&out), expected);
}

START_TEST(repeatable_settings_collect)
{
	CLEANUP(conf_unrefp) struct conf *file = conf_of(URL "[listen]\naddress=[::1]:1\naddress=[::1]:2\n", NULL);
	CLEANUP(conf_unrefp)
	struct conf *forgotten = conf_of(
	        URL "[listen]\naddress=[::1]:1\naddress=\naddress=[::1]:2\naddress=[::1]:3\n", NULL);
	CLEANUP(conf_unrefp)
	struct conf *replaced = conf_of(URL "[listen]\naddress=[::1]:1\naddress=[::1]:2\n",
	        OVERRIDES("listen.address=[::1]:3", "log.level=warn", "listen.address=[::1]:4"));
	CLEANUP(conf_unrefp)
	struct conf *emptied = conf_of(
	        URL, OVERRIDES("listen.address=[::1]:3", "listen.address=", "listen.address=[::1]:5"));

	assert_addresses(file, "[::1]:1 [::1]:2");
	assert_addresses(forgotten, "[::1]:2 [::1]:3");
	assert_addresses(replaced, "[::1]:3 [::1]:4");
	assert_addresses(emptied, "[::1]:5");
}
END_TEST

START_TEST(drop_ins_come_after_the_file)
{
	struct conf_source source = {0};
	struct conf *conf = NULL;
	struct fail fail = {0};
	char path[256], folder[256];

	conf_folder_make();
	snprintf(folder, sizeof(folder), "%s/conf.d", conf_folder);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	conf_file("conf.d/20.conf", "[log]\nlevel=debug\n[listen]\naddress=[::1]:4\n");
	conf_file("conf.d/10.conf", "[log]\nlevel=warn\n[listen]\naddress=\naddress=[::1]:3\n");
	snprintf(path, sizeof(path), "%s",
	        conf_file("a.conf", URL "[log]\nlevel=error\nformat=json\n[listen]\naddress=[::1]:1\n"));
	source.file = path;
	ck_assert_msg(conf_load(&source, &conf, &fail) == 0, "%s", fail.text);
	ck_assert_int_eq(conf->log.level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(conf->log.format, LOG_FORMAT_JSON);
	assert_addresses(conf, "[::1]:3 [::1]:4");
	conf_unref(conf);
	conf_folder_remove();
}
END_TEST

START_TEST(no_such_file)
{
	struct conf_source source = {.file = "/nonexistent/redmine-cached.conf"};
	struct conf *conf = (struct conf *)&source;
	struct fail fail = {0};

	ck_assert_int_eq(conf_load(&source, &conf, &fail), -ENOENT);
	ck_assert_str_eq(fail.text, "/nonexistent/redmine-cached.conf: No such file or directory");
	ck_assert_ptr_eq(conf, (struct conf *)&source); /* left alone */
	ck_assert_int_eq(conf_load(&source, &conf, NULL), -ENOENT);
}
END_TEST

START_TEST(unknown_names)
{
	assert_problems(URL "[upstrem]\nurl = x\ntimeout = y\n[database]\n[log]\nlevle = info\nxyzzy = 1\n", NULL,
	        "a.conf:3: unknown section [upstrem], perhaps [upstream]; allowed: {sections}\n"
	        "a.conf:6: unknown section [database]; allowed: {sections}\n"
	        "a.conf:8: unknown option \"levle\" in [log], perhaps \"level\"; allowed: level, format\n"
	        "a.conf:9: unknown option \"xyzzy\" in [log]; allowed: level, format\n");
	assert_problems(URL "[engine]\nworkers = 4\n[engine \"thread\"]\ndefault = thread\nworker = 4\n", NULL,
	        "a.conf:4: unknown option \"workers\" in [engine]; allowed: {engine}\n"
	        "a.conf:6: unknown option \"default\" in [engine \"NAME\"]; allowed: {engine NAME}\n"
	        "a.conf:7: unknown option \"worker\" in [engine \"NAME\"], perhaps \"workers\"; allowed: {engine NAME}\n");
	assert_problems(URL, OVERRIDES("lgo.level=warn", "log.levle=warn", "log.x.level=warn"),
	        "-o lgo.level: unknown section [lgo], perhaps [log]; allowed: {sections}\n"
	        "-o log.levle: unknown option \"levle\" in [log], perhaps \"level\"; allowed: level, format\n"
	        "-o log.x.level: section [log] is not followed by a name; allowed: [log]\n");
	assert_problems(URL "[log \"x\"]\nlevel = warn\n[engine \"a.b\"]\nworkers = 1\n", NULL,
	        "a.conf:3: section [log] is not followed by a name; allowed: [log]\n"
	        "a.conf:5: \"a.b\" cannot be a name; allowed: 1 to 32 letters, digits, \"_\" and \"-\"\n");
}
END_TEST

START_TEST(bad_values)
{
	assert_problems("[upstream]\nurl = redmine.example.org\ntimeout = 5\nverify = sometimes\n", NULL,
	        "a.conf:2: url: it does not begin with http:// or https://; allowed: http:// or https:// and HOST, HOST:PORT or "
	        "either of them with a /PATH\n"
	        "a.conf:3: timeout: \"5\" is not a span of time; allowed: 100ms to 1h (units ms, s, m, h, d)\n"
	        "a.conf:4: verify: \"sometimes\" is neither yes nor no; allowed: yes or no\n");
	assert_problems(URL "[cache]\nmemory = 1\nsize = 1000P\npolicy = mine\npath = cache.db\n", NULL,
	        "a.conf:4: memory: 1 is out of bounds; allowed: 64K to 1T bytes (K, M, G, T: by powers of 1024)\n"
	        "a.conf:5: size: \"1000P\" is not a size; allowed: 1M to 16T bytes (K, M, G, T: by powers of 1024)\n"
	        "a.conf:6: policy: \"mine\" is not one of the choices; allowed: redmine or origin\n"
	        "a.conf:7: path: \"cache.db\" is not an absolute path; allowed: a path that begins with \"/\", auto, or nothing\n");
	assert_problems(URL, OVERRIDES("listen.threads=0", "listen.max_connections=x"),
	        "-o listen.threads: 0 is out of bounds; allowed: auto or 1 to 256\n"
	        "-o listen.max_connections: \"x\" is not a number; allowed: 1 to 1000000\n");
}
END_TEST

START_TEST(values_that_no_file_could_hold)
{
	assert_problems(URL, OVERRIDES("cache.path=/a ;b", "cache.path=/a\nb"),
	        "-o cache.path: a value has no control characters and no \";\" after a space\n"
	        "-o cache.path: a value has no control characters and no \";\" after a space\n");
	assert_problems(URL "[cache]\npath = /a\x1b[0m\n", NULL,
	        "a.conf:4: path: a value has no control characters and no \";\" after a space\n");
}
END_TEST

static bool is_issues(const char *name)
{
	return strcmp(name, "issues") == 0;
}

START_TEST(resources_are_asked_for)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(10000);
	const char *const overrides[] = {
	        "upstream.url=http://a", "lifetime.issues=5m", "lifetime.isues=5m", "lifetime.users=5m"};
	struct conf_source source = {
	        .overrides = overrides,
	        .override_count = 2,
	        .resource_known = is_issues,
	        .resource_names = "projects, issues",
	        .problems = &problems,
	};
	struct conf *conf = NULL;

	ck_assert_int_eq(conf_load(&source, &conf, NULL), 0);
	ck_assert_int_eq(conf_lifetime_ms(conf, "issues", 0), 300000);
	conf_unref(conf);
	source.override_count = 4;
	ck_assert_int_eq(conf_load(&source, &conf, NULL), -EINVAL);
	ck_assert_str_eq(buf_text(&problems),
	        "-o lifetime.isues: unknown resource \"isues\", perhaps \"issues\"; allowed: projects, issues\n"
	        "-o lifetime.users: unknown resource \"users\"; allowed: projects, issues");
}
END_TEST

START_TEST(errors_count_even_when_nobody_wants_them_all)
{
	const char *const overrides[] = {"upstream.url=http://a", "a.b=c", "log.level=x", "log.format=x"};
	struct conf_source source = {.overrides = overrides, .override_count = 4};
	struct conf *conf = NULL;
	struct fail fail = {0};

	ck_assert_int_eq(conf_load(&source, &conf, &fail), -EINVAL);
	ck_assert_int_eq(fail.code, -EINVAL);
	ck_assert_int_eq(strncmp(fail.text, "-o a.b: unknown section [a]", 27), 0);
	ck_assert_ptr_nonnull(strstr(fail.text, " (and 2 more)"));
}
END_TEST

UNIT_MAIN("load", url_alone_is_enough, every_option, the_last_one_wins, repeatable_settings_collect,
        drop_ins_come_after_the_file, no_such_file, unknown_names, bad_values, values_that_no_file_could_hold,
        resources_are_asked_for, errors_count_even_when_nobody_wants_them_all)
