/* Stored answers are given to those only whose credential Redmine still honours. */
#include "kit.h"

#include "flow/credentials.h"

#define KEY      "X-Redmine-API-Key: 1\r\n"
#define TARGET   "/projects.json?limit=1"
#define DORA     "{\"user\":{\"id\":7,\"login\":\"dora\"}}"
#define RITA     "{\"user\":{\"id\":11}}"
#define ANSWERED "200 OK\r\nContent-Type: application/json\r\n"

static const char *const settings[] = {"lifetime.projects=1h", "lifetime.trackers=1h", NULL};
static const struct kit_options options = {.settings = settings};

/* A stored answer of that age in seconds, and time moved on. Job 0 is used. */
static void make(struct kit *kit, const char *target, const char *fields, int age)
{
	struct client client;

	kit_make(kit, &options);
	client_ask(&client, kit, "GET", target, fields);
	kit_answer(kit, 0, KIT_JSON, "{old}");
	client_assert_answer(&client, 200, "; fwd=uri-miss; stored", "{old}");
	client_leave(&client);
	clock_set_offset_ms(age * 1000);
}

static void expect_hit(struct kit *kit, const char *target, const char *fields)
{
	size_t jobs = kit->job_count;
	struct client client;

	client_ask(&client, kit, "GET", target, fields);
	ck_assert_uint_eq(kit->job_count, jobs);
	client_assert_answer(&client, 200, "; hit", "{old}");
	client_leave(&client);
}

static struct credentials_figures figures(struct kit *kit)
{
	struct credentials_figures figures;

	credentials_get_figures(kit->flow.credentials, &figures);
	return figures;
}

START_TEST(young_answers_need_no_question)
{
	struct kit kit;

	make(&kit, TARGET, KEY, 29);
	expect_hit(&kit, TARGET, KEY);
	ck_assert_uint_eq(figures(&kit).checks, 0);
	kit_clear(&kit);
}
END_TEST

START_TEST(anonymous_answers_need_none)
{
	struct kit kit;

	make(&kit, TARGET, NULL, 600);
	expect_hit(&kit, TARGET, NULL);
	kit_clear(&kit);
}
END_TEST

START_TEST(old_answers_wait_for_one)
{
	struct client a, b;
	struct kit kit;

	make(&kit, TARGET, KEY, 61);
	client_ask(&a, &kit, "GET", TARGET, KEY);
	client_ask(&b, &kit, "GET", TARGET, KEY);
	ck_assert_uint_eq(kit.job_count, 2);
	ck_assert_str_eq(kit_job(&kit, 1)->target, "/users/current.json");
	ck_assert_str_eq(fields_get(&kit_job(&kit, 1)->fields, "X-Redmine-API-Key"), "1");
	client_assert_waits(&a);
	kit_answer(&kit, 1, ANSWERED, DORA);
	client_assert_answer(&a, 200, "; hit", "{old}");
	client_assert_answer(&b, 200, "; hit", "{old}");
	client_leave(&a);
	client_leave(&b);
	expect_hit(&kit, TARGET, KEY);
	clock_set_offset_ms(89000);
	expect_hit(&kit, TARGET, KEY); /* within the term since the question */
	ck_assert_uint_eq(figures(&kit).checks, 1);
	ck_assert_uint_eq(figures(&kit).changed, 0);
	kit_clear(&kit);
}
END_TEST

/* So that a client that asks all the time never waits. */
START_TEST(asked_ahead_while_in_use)
{
	struct client client;
	struct kit kit;

	make(&kit, TARGET, KEY, 40);
	for (size_t i = 0; i < 2; i++) {
		client_ask(&client, &kit, "GET", TARGET, KEY);
		ck_assert_uint_eq(kit.job_count, 2);
		client_assert_answer(&client, 200, "; hit", "{old}");
		ck_assert_int_le(client.r->answer.usable_until_ms, clock_wall_ms() + 1000);
		client_leave(&client);
	}
	kit_answer(&kit, 1, ANSWERED, DORA);
	clock_set_offset_ms(65000);
	expect_hit(&kit, TARGET, KEY);
	kit_clear(&kit);
}
END_TEST

START_TEST(a_revoked_key_loses_its_answers)
{
	static const struct {
		const char *answer, *body;
	} rows[] = {{"401 Unauthorized\r\n", ""}, {"403 Forbidden\r\n", ""}, {"412 Precondition Failed\r\n", ""},
	        {ANSWERED, RITA}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client client;
		struct kit kit;

		make(&kit, TARGET, KEY, 61);
		client_ask(&client, &kit, "GET", TARGET, KEY);
		kit_answer(&kit, 1, ANSWERED, DORA);
		client_leave(&client);
		clock_set_offset_ms(130000);
		client_ask(&client, &kit, "GET", TARGET, KEY);
		kit_answer(&kit, 2, rows[i].answer, rows[i].body);
		client_assert_waits(&client);
		ck_assert_uint_eq(kit.job_count, 4);
		ck_assert_str_eq(kit_job(&kit, 3)->target, TARGET);
		ck_assert_ptr_null(fields_get(&kit_job(&kit, 3)->fields, "If-None-Match"));
		kit_answer(&kit, 3, KIT_JSON, "{of anybody}");
		client_assert_answer(&client, 200, "; fwd=uri-miss; stored", "{of anybody}");
		client_leave(&client);
		ck_assert_uint_eq(figures(&kit).changed, 1);
		kit_clear(&kit);
	}
}
END_TEST

/* As after a restart: nothing is known of the key, and it is nobody's. */
START_TEST(a_key_that_is_nobodys_at_first_sight)
{
	struct client client;
	struct kit kit;

	make(&kit, TARGET, KEY, 61);
	client_ask(&client, &kit, "GET", TARGET, KEY);
	kit_answer(&kit, 1, "401 Unauthorized\r\n", "");
	kit_answer(&kit, 2, KIT_JSON, "{of anybody}");
	client_assert_answer(&client, 200, "; fwd=uri-miss; stored", "{of anybody}");
	client_leave(&client);
	clock_set_offset_ms(130000);
	client_ask(&client, &kit, "GET", TARGET, KEY);
	kit_answer(&kit, 3, "401 Unauthorized\r\n", "");
	client_assert_answer(&client, 200, "; hit", "{of anybody}"); /* nothing has changed */
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(other_identities_keep_theirs)
{
	struct client client;
	struct kit kit;

	make(&kit, TARGET, KEY, 0);
	client_ask(&client, &kit, "GET", TARGET, "X-Redmine-API-Key: 2\r\n");
	kit_answer(&kit, 1, KIT_JSON, "{old}");
	client_leave(&client);
	clock_set_offset_ms(61000);
	client_ask(&client, &kit, "GET", TARGET, KEY);
	kit_answer(&kit, 2, "401 Unauthorized\r\n", "");
	kit_answer(&kit, 3, "401 Unauthorized\r\n", "");
	client_leave(&client);
	client_ask(&client, &kit, "GET", TARGET, "X-Redmine-API-Key: 2\r\n");
	kit_answer(&kit, 4, ANSWERED, RITA);
	client_assert_answer(&client, 200, "; hit", "{old}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* What is stored stands while Redmine does not say, and it is not asked at every turn. */
START_TEST(a_redmine_that_does_not_say)
{
	struct client client;
	struct kit kit;

	make(&kit, TARGET, KEY, 61);
	client_ask(&client, &kit, "GET", TARGET, KEY);
	kit_fail(&kit, 1, JOB_NOT_SENT, false);
	client_assert_answer(&client, 200, "; hit", "{old}");
	client_leave(&client);
	expect_hit(&kit, TARGET, KEY);
	clock_set_offset_ms(67000);
	client_ask(&client, &kit, "GET", TARGET, KEY);
	kit_answer(&kit, 2, "500 Internal Server Error\r\n", "");
	client_assert_answer(&client, 200, "; hit", "{old}");
	client_leave(&client);
	ck_assert_uint_eq(figures(&kit).unknown, 2);
	kit_clear(&kit);
}
END_TEST

START_TEST(the_question_carries_every_credential)
{
	struct client client;
	struct kit kit;

	make(&kit, "/projects.json?a=b&key=K%41&%6bey=2", "Authorization: Basic x\r\nX_Redmine_Switch_User: rita\r\n",
	        61);
	client_ask(&client, &kit, "GET", "/projects.json?a=b&key=K%41&%6bey=2",
	        "Authorization: Basic x\r\nX_Redmine_Switch_User: rita\r\n");
	ck_assert_str_eq(kit_job(&kit, 1)->target, "/users/current.json?key=K%41&%6bey=2");
	ck_assert_str_eq(fields_get(&kit_job(&kit, 1)->fields, "Authorization"), "Basic x");
	kit_answer(&kit, 1, ANSWERED, RITA);
	client_assert_answer(&client, 200, "; hit", "{old}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* Where Rack 2 and 3 read different keys no question is sure to be the same: the answer itself is asked for. */
START_TEST(what_cannot_be_asked_about_alone)
{
	struct client client;
	struct kit kit;

	make(&kit, "/projects.json?a=b;key=1", NULL, 61);
	client_ask(&client, &kit, "GET", "/projects.json?a=b;key=1", NULL);
	ck_assert_str_eq(kit_job(&kit, 1)->target, "/projects.json?a=b;key=1");
	kit_answer(&kit, 1, KIT_JSON, "{new}");
	client_assert_answer(&client, 200, "; fwd=stale; stored", "{new}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(a_401_raises_a_doubt)
{
	struct client client;
	struct kit kit;

	make(&kit, TARGET, KEY, 5);
	client_ask(&client, &kit, "GET", "/issues.json", KEY);
	kit_answer(&kit, 1, "401 Unauthorized\r\n", "");
	client_assert_answer(&client, 401, "; fwd=uri-miss", "");
	client_leave(&client);
	ck_assert_str_eq(kit_job(&kit, 2)->target, "/users/current.json");
	kit_answer(&kit, 2, "401 Unauthorized\r\n", "");
	client_ask(&client, &kit, "GET", TARGET, KEY);
	ck_assert_uint_eq(kit.job_count, 4);
	kit_answer(&kit, 3, "401 Unauthorized\r\n", ""); /* known by now */
	client_leave(&client);
	ck_assert_uint_eq(kit.job_count, 4);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("credentials", young_answers_need_no_question, anonymous_answers_need_none, old_answers_wait_for_one,
        asked_ahead_while_in_use, a_revoked_key_loses_its_answers, a_key_that_is_nobodys_at_first_sight,
        other_identities_keep_theirs, a_redmine_that_does_not_say, the_question_carries_every_credential,
        what_cannot_be_asked_about_alone, a_401_raises_a_doubt)
