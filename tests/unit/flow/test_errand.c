#include "flow/errand.h"

#include "kit.h"

#include <unistd.h>

/* A client's request as the front hands it over: its preferences read. */
static void ask(struct client *client, struct kit *kit, const char *method, const char *fields, const char *body)
{
	struct fail fail = {0};

	*client = (struct client){0};
	client_prepare(client, kit, method, "/issues/1.json", fields);
	ck_assert_int_eq(preferences_read(&client->r->preferences, &client->r->fields, kit->conf, &fail), 0);
	if (body) {
		client->r->has_body = true;
		client->r->body_size = (int64_t)strlen(body);
		ck_assert_int_eq(pipe_push(&client->r->upload, body, strlen(body)), 0);
		pipe_end(&client->r->upload, 0);
	}
	client_start(client, kit);
}

#define AS_A  "X-Redmine-API-Key: a\r\n"
#define AS_B  "X-Redmine-API-Key: b\r\n"
#define LATER "Prefer: respond-async\r\n"

/* Sends one that is accepted; its ID in id. */
static void send(struct kit *kit, const char *method, const char *fields, const char *body, char id[ERRAND_ID_SIZE])
{
	struct client client;
	const char *place;

	ask(&client, kit, method, fields, body);
	ck_assert(client.at_once);
	ck_assert_uint_eq(client.r->answer.status, 202);
	ck_assert_str_eq(client_field(&client, "Preference-Applied"), "respond-async");
	place = client_field(&client, "Location");
	ck_assert_uint_eq(strlen(place), strlen(ERRAND_PLACE) + ERRAND_ID_SIZE - 1);
	memcpy(id, place + strlen(ERRAND_PLACE), ERRAND_ID_SIZE);
	client_leave(&client);
}

/* The identity of somebody with that key. */
static struct identity identity_with(struct kit *kit, const char *fields_text)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(query_parts_release) struct query_parts query;
	struct identity identity;

	ck_assert_int_eq(fields_parse(&fields, fields_text, strlen(fields_text)), 0);
	ck_assert_int_eq(query_parse(&query, NULL, 0, false), 0);
	identity_of(&identity, &fields, &query, &kit->secret);
	return identity;
}

static void assert_outcome(
        struct kit *kit, const char *id, const char *who, enum errand_state state, unsigned status, const char *body)
{
	struct identity identity = identity_with(kit, who);
	struct errand *errand = errand_find(kit->flow.errands, id, &identity);
	struct errand_outcome outcome;

	ck_assert_ptr_nonnull(errand);
	errand_get_outcome(errand, &outcome);
	ck_assert_int_eq(outcome.state, state);
	ck_assert_uint_eq(outcome.status, status);
	if (body) {
		ck_assert_uint_eq(outcome.body->size, strlen(body));
		if (body[0])
			ck_assert_mem_eq(outcome.body->data, body, strlen(body));
	}
	errand_unref(errand);
}

static void assert_unknown(struct kit *kit, const char *id, const char *who)
{
	struct identity identity = identity_with(kit, who);

	ck_assert_ptr_null(errand_find(kit->flow.errands, id, &identity));
}

START_TEST(one_is_done_without_its_client)
{
	char id[ERRAND_ID_SIZE], room[16];
	struct kit kit;
	struct job *job;

	kit_make(&kit, NULL);
	send(&kit, "PUT", AS_A LATER "Content-Type: application/json\r\n", "{1}", id);
	job = kit_job(&kit, 0);
	ck_assert_str_eq(job->method, "PUT");
	ck_assert_ptr_null(fields_get(&job->fields, "Prefer"));
	ck_assert_str_eq(fields_get(&job->fields, "X-Redmine-API-Key"), "a");
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 3);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 0);
	assert_outcome(&kit, id, AS_A, ERRAND_RUNNING, 0, NULL);
	kit_answer(&kit, 0, "422 Unprocessable Entity\r\n", "{\"errors\":[]}");
	assert_outcome(&kit, id, AS_A, ERRAND_DONE, 422, "{\"errors\":[]}");
	assert_unknown(&kit, id, AS_B);
	assert_unknown(&kit, id, "");
	assert_unknown(&kit, "0123456789abcdef0123456789abcdef", AS_A);
	kit_clear(&kit);
}
END_TEST

START_TEST(those_of_one_identity_come_one_by_one)
{
	char ids[4][ERRAND_ID_SIZE];
	struct kit kit;

	kit_make(&kit, NULL);
	for (size_t i = 0; i < 3; i++)
		send(&kit, "PUT", AS_A LATER, "{}", ids[i]);
	send(&kit, "PUT", AS_B LATER, "{}", ids[3]);
	ck_assert_uint_eq(kit.job_count, 2);
	assert_outcome(&kit, ids[1], AS_A, ERRAND_WAITING, 0, NULL);
	kit_answer(&kit, 1, "204 No Content\r\n", "");
	assert_outcome(&kit, ids[3], AS_B, ERRAND_DONE, 204, "");
	ck_assert_uint_eq(kit.job_count, 2);
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	ck_assert_uint_eq(kit.job_count, 3);
	kit_fail(&kit, 2, JOB_NO_ANSWER, true);
	assert_outcome(&kit, ids[1], AS_A, ERRAND_DONE, 502, NULL);
	kit_answer(&kit, 3, "204 No Content\r\n", "");
	assert_outcome(&kit, ids[2], AS_A, ERRAND_DONE, 204, "");
	kit_clear(&kit);
}
END_TEST

START_TEST(a_write_has_its_turn_among_them)
{
	char ids[2][ERRAND_ID_SIZE];
	struct client write, other, read;
	struct kit kit;

	kit_make(&kit, NULL);
	send(&kit, "PUT", AS_A LATER, "{}", ids[0]);
	ask(&write, &kit, "PUT", AS_A, "{}");
	client_assert_waits(&write);
	send(&kit, "PUT", AS_A LATER, "{}", ids[1]);
	ask(&other, &kit, "PUT", AS_B, "{}");
	ask(&read, &kit, "GET", AS_A, NULL);
	ck_assert_uint_eq(kit.job_count, 3); /* the errand, the other's write, the read */
	kit_answer(&kit, 1, "204 No Content\r\n", "");
	client_assert_ready(&other);
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	ck_assert_uint_eq(kit.job_count, 4);
	client_assert_waits(&write);
	assert_outcome(&kit, ids[1], AS_A, ERRAND_WAITING, 0, NULL);
	kit_answer(&kit, 3, "204 No Content\r\n", "");
	client_assert_ready(&write);
	ck_assert_uint_eq(kit.job_count, 5);
	kit_answer(&kit, 4, "204 No Content\r\n", "");
	assert_outcome(&kit, ids[1], AS_A, ERRAND_DONE, 204, "");
	kit_answer(&kit, 2, KIT_JSON, "{}");
	client_leave(&write);
	client_leave(&other);
	client_leave(&read);
	/* Nobody is before it any more. */
	ask(&write, &kit, "PUT", AS_A, "{}");
	ck_assert_uint_eq(kit.job_count, 6);
	kit_answer(&kit, 5, "204 No Content\r\n", "");
	client_leave(&write);
	kit_clear(&kit);
}
END_TEST

/* It is told when one before it ends, so that its wait has an end. */
START_TEST(a_write_does_not_wait_for_ever)
{
	static const char *const settings[] = {"upstream.timeout=100ms", NULL};
	char ids[3][ERRAND_ID_SIZE];
	struct client write;
	struct kit kit;
	int64_t until_us;

	kit_make(&kit, &(struct kit_options){.settings = settings});
	for (size_t i = 0; i < 2; i++)
		send(&kit, "PUT", AS_A LATER, "{}", ids[i]);
	ask(&write, &kit, "PUT", AS_A, "{}");
	send(&kit, "PUT", AS_A LATER, "{}", ids[2]);
	for (until_us = clock_monotonic_us() + 101000; clock_monotonic_us() < until_us;)
		usleep(1000);
	client_assert_waits(&write);
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	client_assert_answer(&write, 503, "", NULL);
	ck_assert_ptr_nonnull(strstr(buf_text(&write.r->answer.body), "nothing was changed"));
	client_leave(&write);
	for (size_t i = 1; i < 3; i++) {
		ck_assert_uint_eq(kit.job_count, i + 1);
		kit_answer(&kit, i, "204 No Content\r\n", "");
		assert_outcome(&kit, ids[i], AS_A, ERRAND_DONE, 204, "");
	}
	kit_clear(&kit);
}
END_TEST

/* What is over before it has begun does not pile up. */
START_TEST(many_that_are_refused_at_once)
{
	char ids[41][ERRAND_ID_SIZE];
	struct kit kit;

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		send(&kit, "PUT", AS_A LATER, "{}", ids[i]);
	kit.refuses = true;
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	for (size_t i = 1; i < ARRAY_SIZE(ids); i++)
		assert_outcome(&kit, ids[i], AS_A, ERRAND_DONE, 503, NULL);
	kit_clear(&kit);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	static const char *const settings[] = {"errands.queue=2", NULL};
	struct errands_figures figures;
	char ids[3][ERRAND_ID_SIZE];
	struct client client;
	struct kit kit;

	kit_make(&kit, &(struct kit_options){.settings = settings});
	for (size_t i = 0; i < 2; i++)
		send(&kit, "PUT", AS_A LATER, "{}", ids[i]);
	ask(&client, &kit, "PUT", AS_B LATER, "{}");
	ck_assert_uint_eq(client.r->answer.status, 503);
	ck_assert_ptr_nonnull(client_field(&client, "Retry-After"));
	client_leave(&client);
	errands_get_figures(kit.flow.errands, &figures);
	ck_assert_uint_eq(figures.accepted, 2);
	ck_assert_uint_eq(figures.refused, 1);
	ck_assert_uint_eq(figures.waiting, 1);
	ck_assert_uint_eq(figures.running, 1);
	for (size_t i = 0; i < 2; i++)
		kit_answer(&kit, i, "204 No Content\r\n", "");
	send(&kit, "PUT", AS_B LATER, "{}", ids[2]);
	kit_answer(&kit, 2, "204 No Content\r\n", "");
	errands_get_figures(kit.flow.errands, &figures);
	ck_assert_uint_eq(figures.done, 3);
	ck_assert_uint_eq(figures.outcomes, 3);
	ck_assert_uint_gt(figures.bytes, 0);
	kit_clear(&kit);
}
END_TEST

START_TEST(outcomes_grow_old)
{
	static const char *const settings[] = {"errands.keep=10s", NULL};
	struct errands_figures figures;
	char id[ERRAND_ID_SIZE], other[ERRAND_ID_SIZE];
	struct kit kit;

	kit_make(&kit, &(struct kit_options){.settings = settings});
	send(&kit, "PUT", AS_A LATER, "{}", id);
	clock_set_offset_ms(60000); /* it is running: it does not grow old */
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	assert_outcome(&kit, id, AS_A, ERRAND_DONE, 204, "");
	clock_set_offset_ms(65000);
	assert_outcome(&kit, id, AS_A, ERRAND_DONE, 204, "");
	clock_set_offset_ms(71000);
	assert_unknown(&kit, id, AS_A);
	send(&kit, "PUT", AS_A LATER, "{}", other);
	kit_answer(&kit, 1, "204 No Content\r\n", "");
	errands_get_figures(kit.flow.errands, &figures);
	ck_assert_uint_eq(figures.outcomes, 1);
	kit_clear(&kit);
}
END_TEST

START_TEST(the_end_of_the_daemon)
{
	struct client held, late;
	char ids[2][ERRAND_ID_SIZE];
	struct kit kit;

	kit_make(&kit, NULL);
	ck_assert(errands_drain(kit.flow.errands, 0));
	kit_clear(&kit);
	kit_make(&kit, NULL);
	for (size_t i = 0; i < 2; i++)
		send(&kit, "PUT", AS_A LATER, "{}", ids[i]);
	ask(&held, &kit, "PUT", AS_A, "{}");
	ck_assert(!errands_drain(kit.flow.errands, 1));
	ask(&late, &kit, "PUT", AS_B LATER, "{}");
	ck_assert_uint_eq(late.r->answer.status, 503);
	client_leave(&late);
	/* As when the engines are stopped. */
	kit.refuses = true;
	kit_fail(&kit, 0, JOB_CANCELLED, true);
	assert_outcome(&kit, ids[0], AS_A, ERRAND_DONE, 502, NULL);
	client_assert_waits(&held);
	errands_close(kit.flow.errands);
	client_assert_answer(&held, 503, "; fwd=method", NULL);
	client_leave(&held);
	kit_clear(&kit);
}
END_TEST

/* A write that comes behind one that is still under way when the lanes were cleared: nobody would let it go on. */
START_TEST(a_write_after_the_end)
{
	struct client before, late;
	char id[ERRAND_ID_SIZE];
	struct kit kit;

	kit_make(&kit, NULL);
	send(&kit, "PUT", AS_A LATER, "{}", id);
	ask(&before, &kit, "PUT", AS_A, "{}");
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	client_assert_waits(&before); /* it has its turn now */
	errands_close(kit.flow.errands);
	kit.refuses = true;
	ask(&late, &kit, "PUT", AS_A, "{}");
	client_assert_answer(&late, 503, "; fwd=method", NULL);
	client_leave(&late);
	kit_answer(&kit, 1, "204 No Content\r\n", "");
	client_assert_answer(&before, 204, "; fwd=method", "");
	client_leave(&before);
	kit_clear(&kit);
}
END_TEST

START_TEST(what_is_not_wanted_so)
{
	static const char *const settings[] = {"errands.body_limit=1K", NULL};
	char body[2000];
	struct client client;
	struct kit kit;

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	kit_make(&kit, &(struct kit_options){.settings = settings});
	ask(&client, &kit, "PUT", AS_A LATER, body);
	client_assert_waits(&client);
	kit_answer(&kit, 0, "200 OK\r\n", "{}");
	client_assert_answer(&client, 200, "; fwd=method", "{}");
	ck_assert_ptr_null(client_field(&client, "Preference-Applied"));
	client_leave(&client);
	ask(&client, &kit, "GET", AS_A LATER "Cookie: a=b\r\n", NULL);
	client_assert_waits(&client);
	kit_answer(&kit, 1, KIT_JSON, "{}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("errand", one_is_done_without_its_client, those_of_one_identity_come_one_by_one,
        a_write_has_its_turn_among_them, a_write_does_not_wait_for_ever, many_that_are_refused_at_once,
        a_full_queue_refuses, outcomes_grow_old, the_end_of_the_daemon, a_write_after_the_end, what_is_not_wanted_so)
