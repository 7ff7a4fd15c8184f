#include "flow/named_session.h"

#include "flow/inner.h"
#include "kit.h"

#include <sys/stat.h>
#include <unistd.h>

/* Files of secrets, and settings that name them; the default door is a listener of its own. */
static char key_file[] = "/tmp/test_named_session.XXXXXX";
static char key_setting[80], token_setting[80];
static const char *const settings[] = {"listen.address=127.0.0.1:1", "listen.address=unix:/run/x",
        "session.key.listeners=127.0.0.1:1", key_setting, "session.key.impersonate=jsmith",
        "session.plain.listeners=127.0.0.1:1", "session.plain.timeout=7s", "session.plain.connect_timeout=2s",
        "session.proxy.listeners=127.0.0.1:1", "session.proxy.proxy=http://proxy.test:1", "session.peer.uids=7",
        "session.peer.gids=8", "session.token.listeners=127.0.0.1:1", token_setting, NULL};

static void make(struct kit *kit)
{
	int fd = mkstemp(key_file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "secret\n", 7), 7);
	close(fd);
	snprintf(key_setting, sizeof(key_setting), "session.key.key_file=%s", key_file);
	snprintf(token_setting, sizeof(token_setting), "session.token.token_file=%s", key_file);
	kit_make(kit, &(struct kit_options){.settings = settings});
	ck_assert_int_eq(unlink(key_file), 0);
}

static const struct request_door front_door = {.listener = "127.0.0.1:1"};

static void ask(struct client *client, struct kit *kit, const struct request_door *door, const char *fields)
{
	*client = (struct client){0};
	client_prepare(client, kit, "GET", "/issues.json", fields);
	client->r->door = *door;
	client_start(client, kit);
}

static void assert_refused(struct kit *kit, const struct request_door *door, const char *fields, unsigned status)
{
	struct client client;

	ask(&client, kit, door, fields);
	ck_assert(client.at_once);
	ck_assert_uint_eq(client.r->answer.status, status);
	ck_assert_ptr_nonnull(strstr(buf_text(&client.r->answer.body), "Redmine-Cached-Session"));
	client_leave(&client);
	ck_assert_uint_eq(kit_open(kit), 0);
}

/* It is let in; what Redmine is asked, answered, is the job of that index. */
static void assert_let_in(struct kit *kit, const struct request_door *door, const char *fields)
{
	struct client client;
	size_t index = kit->job_count;

	ask(&client, kit, door, fields);
	client_assert_waits(&client);
	kit_answer(kit, index, "404 Not Found\r\n", "");
	client_leave(&client);
}

START_TEST(a_credential_as_if_the_client_had_sent_it)
{
	struct client client, same;
	struct kit kit;
	struct job *job;

	make(&kit);
	ask(&client, &kit, &front_door, "Redmine-Cached-Session: key\r\nX-Redmine-API-Key: \r\n");
	job = kit_job(&kit, 0);
	ck_assert_uint_eq(fields_count(&job->fields, "X-Redmine-API-Key"), 1);
	ck_assert_str_eq(fields_get(&job->fields, "X-Redmine-API-Key"), "secret");
	ck_assert_str_eq(fields_get(&job->fields, "X-Redmine-Switch-User"), "jsmith");
	ck_assert_ptr_null(fields_get(&job->fields, "Redmine-Cached-Session"));
	/* Who sends the same waits for the same answer. */
	ask(&same, &kit, &front_door, "X-Redmine-Switch-User: jsmith\r\nX-Redmine-API-Key: secret\r\n");
	ck_assert_uint_eq(kit.job_count, 1);
	kit_answer(&kit, 0, KIT_JSON, "{}");
	client_assert_answer(&same, 200, "; fwd=uri-miss; stored; collapsed", "{}");
	client_leave(&client);
	client_leave(&same);
	kit_clear(&kit);
}
END_TEST

START_TEST(not_beside_a_credential)
{
	static const char *const beside[] = {"X-Redmine-API-Key: x\r\n", "x_redmine_api_key: x\r\n",
	        "Authorization: x\r\n", "X-Redmine-Switch-User: x\r\n", "Cookie: x\r\n"};
	char fields[200];
	struct kit kit;

	make(&kit);
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		snprintf(fields, sizeof(fields), "Redmine-Cached-Session: key\r\n%s", beside[i]);
		assert_refused(&kit, &front_door, fields, 400);
		snprintf(fields, sizeof(fields), "Redmine-Cached-Session: plain\r\n%s", beside[i]);
		assert_let_in(&kit, &front_door, fields);
	}
	kit_clear(&kit);
}
END_TEST

START_TEST(only_by_its_door)
{
	static const struct request_door other = {.listener = "unix:/run/x"}, none = {0},
	                                 user = {.listener = "unix:/run/x", .has_peer = true, .uid = 7, .gid = 1},
	                                 group = {.listener = "unix:/run/x", .has_peer = true, .uid = 1, .gid = 8},
	                                 stranger = {.listener = "unix:/run/x", .has_peer = true, .uid = 8, .gid = 7},
	                                 unknown = {.listener = "unix:/run/x", .uid = 7, .gid = 8};
	struct kit kit;

	make(&kit);
	assert_let_in(&kit, &front_door, "Redmine-Cached-Session: key\r\n");
	assert_refused(&kit, &other, "Redmine-Cached-Session: key\r\n", 400);
	assert_refused(&kit, &none, "Redmine-Cached-Session: key\r\n", 400);
	assert_let_in(&kit, &user, "Redmine-Cached-Session: peer\r\n");
	assert_let_in(&kit, &group, "Redmine-Cached-Session: peer\r\n");
	assert_refused(&kit, &stranger, "Redmine-Cached-Session: peer\r\n", 400);
	assert_refused(&kit, &unknown, "Redmine-Cached-Session: peer\r\n", 400);
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: peer\r\n", 400);
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: nobody\r\n", 400);
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: \r\n", 400);
	kit_clear(&kit);
}
END_TEST

START_TEST(with_its_token)
{
	struct kit kit;

	make(&kit);
	assert_let_in(&kit, &front_door, "Redmine-Cached-Session: token\r\nRedmine-Cached-Token: secret\r\n");
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: token\r\n", 400);
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: token\r\nRedmine-Cached-Token: secre\r\n", 400);
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: token\r\nRedmine-Cached-Token: secret2\r\n", 400);
	assert_refused(&kit, &front_door, "Redmine-Cached-Session: token\r\nRedmine-Cached-Token: Secret\r\n", 400);
	kit_clear(&kit);
}
END_TEST

START_TEST(not_from_a_page_of_another_origin)
{
	static const char *const foreign[] = {"Origin: http://evil.test\r\n", "Origin: null\r\n", "Origin: \r\n",
	        "Origin: https://" KIT_AUTHORITY "\r\n", "Origin: http://" KIT_AUTHORITY ".evil.test\r\n",
	        "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: \r\n"};
	static const char *const own[] = {
	        "Origin: http://" KIT_AUTHORITY "\r\n", "Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n"};
	char fields[200];
	struct kit kit;

	make(&kit);
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		snprintf(fields, sizeof(fields), "Redmine-Cached-Session: key\r\n%s", foreign[i]);
		assert_refused(&kit, &front_door, fields, 403);
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		snprintf(fields, sizeof(fields), "Redmine-Cached-Session: key\r\n%s", own[i]);
		assert_let_in(&kit, &front_door, fields);
	}
	kit_clear(&kit);
}
END_TEST

START_TEST(its_time_limits_and_its_way)
{
	struct client client, other;
	struct kit kit;

	make(&kit);
	ask(&client, &kit, &front_door, "Redmine-Cached-Session: plain\r\n");
	ck_assert_int_eq(kit_job(&kit, 0)->timeout_ms, 7000);
	ck_assert_int_eq(kit_job(&kit, 0)->connect_timeout_ms, 2000);
	ck_assert_ptr_null(kit_job(&kit, 0)->route->proxy);
	/* By another way it is another answer, with the same credential or none. */
	ask(&other, &kit, &front_door, "Redmine-Cached-Session: proxy\r\n");
	ck_assert_uint_eq(kit.job_count, 2);
	ck_assert_str_eq(kit_job(&kit, 1)->route->proxy, "http://proxy.test:1");
	ck_assert_int_eq(kit_job(&kit, 1)->timeout_ms, 60000);
	kit_answer(&kit, 0, KIT_JSON, "{}");
	kit_answer(&kit, 1, KIT_JSON, "{1}");
	client_assert_answer(&client, 200, "; fwd=uri-miss; stored", "{}");
	client_assert_answer(&other, 200, "; fwd=uri-miss; stored", "{1}");
	client_leave(&client);
	client_leave(&other);
	kit_clear(&kit);
}
END_TEST

/* A proxy that fails does not make others believe that Redmine does. */
START_TEST(what_fails_on_its_way_fails_for_itself)
{
	struct client client;
	struct kit kit;

	make(&kit);
	for (size_t i = 0; i < 100; i++) {
		ask(&client, &kit, &front_door, "Redmine-Cached-Session: proxy\r\n");
		kit_fail(&kit, i, JOB_NOT_SENT, false);
		client_assert_ready(&client);
		ck_assert_uint_eq(client.r->answer.status, 502);
		client_leave(&client);
	}
	assert_let_in(&kit, &front_door, "");
	kit_clear(&kit);
}
END_TEST

static void told(void *arg, const struct inner_answer *answer)
{
	ck_assert_int_eq(answer->error, 0);
	++*(int *)arg;
}

/* The daemon's own requests are not asked who they are; one for a client has the credential already. */
START_TEST(for_inner_requests)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct kit kit;
	int count = 0;

	make(&kit);
	ck_assert_int_eq(fields_add(&fields, "X-Redmine-API-Key", "of-the-client"), 0);
	for (size_t i = 0; i < 2; i++) {
		struct inner_question question = {
		        .flow = &kit.flow,
		        .conf = kit.conf,
		        .target = "/issues.json",
		        .session = conf_session(kit.conf, "key"),
		        .fields = i ? &fields : NULL,
		        .rank = JOB_INTERACTIVE,
		        .limit = 1000,
		        .told = told,
		        .arg = &count,
		};

		inner_unref(inner_start(&question));
		ck_assert_uint_eq(fields_count(&kit_job(&kit, i)->fields, "X-Redmine-API-Key"), 1);
		ck_assert_str_eq(
		        fields_get(&kit_job(&kit, i)->fields, "X-Redmine-API-Key"), i ? "of-the-client" : "secret");
		kit_answer(&kit, i, KIT_JSON, "{}");
	}
	ck_assert_int_eq(count, 2);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("named_session", a_credential_as_if_the_client_had_sent_it, not_beside_a_credential, only_by_its_door,
        with_its_token, not_from_a_page_of_another_origin, its_time_limits_and_its_way,
        what_fails_on_its_way_fails_for_itself, for_inner_requests)
