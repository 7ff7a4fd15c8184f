/* Writes on their way through the flow, and reads that meet them: nobody reads what was before an answered write. */
#include "kit.h"

START_TEST(write_passes)
{
	struct kit kit;
	struct client client;
	struct job *job;
	char room[16];

	kit_make(&kit, NULL);
	client_send(&client, &kit, "POST", "/issues.json?key=1",
	        "Content-Type: application/json\r\nIf-Match: \"1\"\r\n", "{1}");
	client_assert_waits(&client);
	job = kit_job(&kit, 0);
	ck_assert_str_eq(job->method, "POST");
	ck_assert_str_eq(job->target, "/issues.json?key=1");
	ck_assert_str_eq(fields_get(&job->fields, "If-Match"), "\"1\"");
	ck_assert(!job->safe && job->has_body);
	ck_assert_int_eq(job->body_size, 3);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 3);
	ck_assert_int_eq(memcmp(room, "{1}", 3), 0);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 0);
	kit_answer(&kit, 0, "201 Created\r\nContent-Type: application/json\r\nLocation: " KIT_ORIGIN "/issues/1\r\n",
	        "{\"issue\":{}}");
	client_assert_answer(&client, 201, "; fwd=method", "{\"issue\":{}}");
	ck_assert_str_eq(client_field(&client, "Location"), "http://" KIT_AUTHORITY "/issues/1");
	client_leave(&client);
	ck_assert_uint_eq(kit.flow.figures.writes, 1);
	kit_clear(&kit);
}
END_TEST

START_TEST(writes_are_never_shared)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "PROPPATCH"};
	struct client clients[2 * ARRAY_SIZE(methods)];
	struct kit kit;

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		client_ask(&clients[i], &kit, methods[i / 2], "/issues/1.json", NULL);
		ck_assert_uint_eq(kit.job_count, i + 1);
		ck_assert(!kit_job(&kit, i)->safe && !kit_job(&kit, i)->has_body);
		ck_assert_str_eq(kit_job(&kit, i)->method, methods[i / 2]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		kit_answer(&kit, i, "204 No Content\r\n", "");
		client_assert_answer(&clients[i], 204, "; fwd=method", "");
		client_leave(&clients[i]);
	}
	kit_clear(&kit);
}
END_TEST

START_TEST(safe_methods_spoil_nothing)
{
	static const char *const methods[] = {"OPTIONS", "TRACE"};
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON, "{}");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		client_ask(&client, &kit, methods[i], "/issues.json", NULL);
		ck_assert(kit_job(&kit, i + 1)->safe);
		kit_answer(&kit, i + 1, "404 Not Found\r\n", "");
		client_assert_answer(&client, 404, "; fwd=method", "");
		client_leave(&client);
	}
	client_ask(&client, &kit, "OPTIONS", "*", NULL);
	ck_assert_str_eq(kit_job(&kit, 3)->target, "*");
	kit_answer(&kit, 3, "200 OK\r\n", "");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&client, 200, "; hit", "{}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(write_spoils_what_is_stored)
{
	static const struct {
		enum job_outcome outcome;
		const char *answer;
	} ends[] = {
	        {JOB_DONE, "204 No Content\r\n"},
	        {JOB_DONE, "422 Unprocessable Entity\r\n"}, /* may have been made in part */
	        {JOB_DONE, "500 Internal Server Error\r\n"},
	        {JOB_NO_ANSWER, NULL}, /* the outcome is unknown */
	        {JOB_TIMEOUT, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct client write, read;
		struct kit kit;

		kit_make(&kit, NULL);
		kit_store(&kit, "/issues.json", KIT_JSON "ETag: \"1\"\r\n", "{old}");
		kit_store(&kit, "/trackers.json", KIT_JSON, "{trackers}");
		client_ask(&write, &kit, "PUT", "/issues/1.json", NULL);
		if (ends[i].answer)
			kit_answer(&kit, 2, ends[i].answer, "");
		else
			kit_fail(&kit, 2, ends[i].outcome, true);
		client_assert_ready(&write);
		client_leave(&write);
		client_ask(&read, &kit, "GET", "/issues.json", NULL);
		ck_assert_uint_eq(kit.job_count, 4);
		ck_assert_ptr_null(fields_get(&kit_job(&kit, 3)->fields, "If-None-Match"));
		kit_answer(&kit, 3, KIT_JSON, "{new}");
		client_assert_answer(&read, 200, "; fwd=uri-miss; stored", "{new}");
		client_leave(&read);
		client_ask(&read, &kit, "GET", "/trackers.json", NULL); /* no API write changes those */
		client_assert_answer(&read, 200, "; hit", "{trackers}");
		client_leave(&read);
		kit_clear(&kit);
	}
}
END_TEST

/* Not while it is under way; but Redmine said, or was never asked, so that nothing can have changed (5.3). */
START_TEST(write_without_effect_spoils_nothing)
{
	static const char *const answers[] = {
	        "401 No\r\n", "403 No\r\n", "404 No\r\n", "406 No\r\n", "412 No\r\n", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct client write, during, read;
		struct kit kit;

		kit_make(&kit, NULL);
		kit_store(&kit, "/issues.json", KIT_JSON, "{old}");
		client_ask(&write, &kit, "PUT", "/issues/1.json", NULL);
		client_ask(&during, &kit, "GET", "/issues.json", NULL);
		kit_answer(&kit, 2, KIT_JSON, "{during}");
		client_assert_answer(&during, 200, "; fwd=uri-miss", "{during}");
		client_leave(&during);
		if (answers[i])
			kit_answer(&kit, 1, answers[i], "");
		else
			kit_fail(&kit, 1, JOB_NOT_SENT, false);
		client_assert_ready(&write);
		client_leave(&write);
		client_ask(&read, &kit, "GET", "/issues.json", NULL);
		client_assert_answer(&read, 200, "; hit", "{old}");
		client_leave(&read);
		kit_clear(&kit);
	}
}
END_TEST

/* What a method is that nobody knows, its answer says. */
START_TEST(unknown_method_spoils_by_its_answer)
{
	static const struct {
		const char *answer;
		bool hit;
	} ends[] = {{"404 Not Found\r\n", true}, {"207 Multi-Status\r\n", false}, {NULL, false}};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct client write, read;
		struct kit kit;

		kit_make(&kit, NULL);
		kit_store(&kit, "/issues.json", KIT_JSON, "{old}");
		client_ask(&write, &kit, "PROPFIND", "/plugin", NULL);
		client_ask(&read, &kit, "GET", "/issues.json", NULL);
		client_assert_answer(&read, 200, "; hit", "{old}"); /* one that never ends must not stop all hits */
		client_leave(&read);
		if (ends[i].answer)
			kit_answer(&kit, 1, ends[i].answer, "");
		else
			kit_fail(&kit, 1, JOB_NO_ANSWER, true);
		client_assert_ready(&write);
		client_leave(&write);
		client_ask(&read, &kit, "GET", "/issues.json", NULL);
		ck_assert_uint_eq(kit.job_count, ends[i].hit ? 2 : 3);
		if (!ends[i].hit)
			kit_answer(&kit, 2, KIT_JSON, "{new}");
		client_leave(&read);
		kit_clear(&kit);
	}
}
END_TEST

/* A note on one issue leaves other issues, and what has nothing to do with it. */
START_TEST(write_spoils_what_it_can_have_changed)
{
	static const struct {
		const char *target;
		bool spoilt;
	} reads[] = {
	        {"/issues/1.json", true},
	        {"/issues/01.json", true},
	        {"/issues/1x.json", true},
	        {"/issues.json", true},
	        {"/search.json?q=a", true},
	        {"/issues/2.json", false},
	        {"/projects.json", false},
	        {"/time_entries.json", false},
	        {"/news.json", false},
	        {"/trackers.json", false},
	};
	struct client write, read;
	struct kit kit;

	kit_make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		kit_store(&kit, reads[i].target, KIT_JSON, "{old}");
	client_send(&write, &kit, "PUT", "/issues/001.json", "Content-Type: application/json\r\n",
	        "{\"issue\":{\"notes\":\"x\"}}");
	kit_answer(&kit, ARRAY_SIZE(reads), "204 No Content\r\n", "");
	client_leave(&write);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		size_t jobs = kit.job_count;

		client_ask(&read, &kit, "GET", reads[i].target, NULL);
		ck_assert_msg((kit.job_count > jobs) == reads[i].spoilt, "%s", reads[i].target);
		if (reads[i].spoilt)
			kit_answer(&kit, jobs, KIT_JSON, "{new}");
		client_leave(&read);
	}
	kit_clear(&kit);
}
END_TEST

START_TEST(upload_of_a_file_spoils_nothing)
{
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON, "{}");
	client_send(&client, &kit, "POST", "/uploads.json?filename=a", "Content-Type: application/octet-stream\r\n",
	        "bytes");
	kit_answer(&kit, 1, "201 Created\r\n", "{}");
	client_assert_answer(&client, 201, "; fwd=method", "{}");
	client_leave(&client);
	client_ask(&client, &kit, "GET", "/issues.json", NULL);
	client_assert_answer(&client, 200, "; hit", "{}");
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* Asked before the write ended: delivered to whoever asked, not kept, and not for a later reader. */
START_TEST(read_in_flight_across_a_write)
{
	struct client before, during, after, write, last;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&before, &kit, "GET", "/issues.json", NULL); /* job 0 */
	client_ask(&write, &kit, "POST", "/issues.json", NULL); /* job 1 */
	client_ask(&during, &kit, "GET", "/issues.json", NULL); /* job 2: not together with 0 */
	ck_assert_uint_eq(kit.job_count, 3);
	kit_answer(&kit, 1, "201 Created\r\n", "");
	client_assert_ready(&write);
	client_leave(&write);
	client_ask(&after, &kit, "GET", "/issues.json", NULL); /* job 3: with neither */
	ck_assert_uint_eq(kit.job_count, 4);
	kit_answer(&kit, 0, KIT_JSON, "{before}");
	kit_answer(&kit, 2, KIT_JSON, "{during}");
	client_assert_answer(&before, 200, "; fwd=uri-miss", "{before}");
	client_assert_answer(&during, 200, "; fwd=uri-miss", "{during}");
	client_leave(&before);
	client_leave(&during);
	client_ask(&last, &kit, "GET", "/issues.json", NULL); /* together with 3 */
	ck_assert_uint_eq(kit.job_count, 4);
	kit_answer(&kit, 3, KIT_JSON, "{after}");
	client_assert_answer(&after, 200, "; fwd=uri-miss; stored", "{after}");
	client_assert_answer(&last, 200, "; fwd=uri-miss; stored; collapsed", "{after}");
	client_leave(&after);
	client_leave(&last);
	kit_clear(&kit);
}
END_TEST

START_TEST(nothing_is_kept_while_a_write_is_open)
{
	struct client write, read;
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON, "{old}");
	client_ask(&write, &kit, "DELETE", "/issues/1.json", NULL);
	client_ask(&read, &kit, "GET", "/issues.json", NULL);
	kit_answer(&kit, 2, KIT_JSON, "{maybe}");
	client_assert_answer(&read, 200, "; fwd=uri-miss", "{maybe}");
	client_leave(&read);
	client_ask(&read, &kit, "GET", "/issues.json", NULL);
	ck_assert_uint_eq(kit.job_count, 4);
	kit_answer(&kit, 1, "204 No Content\r\n", "");
	kit_answer(&kit, 3, KIT_JSON, "{maybe}");
	client_assert_answer(&read, 200, "; fwd=uri-miss", "{maybe}");
	client_leave(&read);
	client_leave(&write);
	kit_clear(&kit);
}
END_TEST

/* What is stored was validated, but a write came between: it is not kept on. */
START_TEST(validated_across_a_write)
{
	struct client write, read;
	struct kit kit;

	kit_make(&kit, NULL);
	kit_store(&kit, "/issues.json", KIT_JSON "ETag: \"1\"\r\n", "{old}");
	clock_set_offset_ms(30000);
	client_ask(&read, &kit, "GET", "/issues.json", NULL);
	client_ask(&write, &kit, "PUT", "/issues/1.json", NULL);
	kit_answer(&kit, 2, "204 No Content\r\n", "");
	client_leave(&write);
	kit_answer(&kit, 1, "304 Not Modified\r\n", "");
	client_assert_answer(&read, 200, "; fwd=stale; fwd-status=304", "{old}");
	client_leave(&read);
	client_ask(&read, &kit, "GET", "/issues.json", NULL);
	kit_answer(&kit, 3, KIT_JSON, "{new}");
	client_assert_answer(&read, 200, "; fwd=uri-miss; stored", "{new}");
	client_leave(&read);
	kit_clear(&kit);
}
END_TEST

/* The head of the answer ends the write; the body may take its time. */
START_TEST(streamed_answer_of_a_write)
{
	struct client write, read;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&write, &kit, "POST", "/search", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), "200 OK\r\n", -1, true), 0);
	client_assert_ready(&write);
	client_ask(&read, &kit, "GET", "/issues.json", NULL);
	kit_answer(&kit, 1, KIT_JSON, "{}");
	client_assert_answer(&read, 200, "; fwd=uri-miss; stored", "{}");
	client_leave(&read);
	ck_assert_int_eq(kit.jobs[0]->client->body(kit.jobs[0], "body", 4), 0);
	kit_done(&kit, 0, JOB_DONE, true);
	client_assert_answer(&write, 200, "; fwd=method", "body");
	client_leave(&write);
	kit_clear(&kit);
}
END_TEST

START_TEST(lost_writes_say_what_is_known)
{
	struct client client;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "POST", "/issues.json", NULL);
	kit_fail(&kit, 0, JOB_NO_ANSWER, true);
	client_assert_answer(&client, 502, "; fwd=method", NULL);
	ck_assert_ptr_nonnull(strstr(buf_text(&client.r->answer.body), "may or may not have been made"));
	client_leave(&client);
	client_ask(&client, &kit, "POST", "/issues.json", NULL);
	kit_fail(&kit, 1, JOB_NOT_SENT, false);
	client_assert_answer(&client, 502, "; fwd=method", NULL);
	ck_assert_ptr_nonnull(strstr(buf_text(&client.r->answer.body), "nothing was changed"));
	client_leave(&client);
	client_ask(&client, &kit, "POST", "/issues.json", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 2), "201 Created\r\n", 10, true), 0);
	kit_fail(&kit, 2, JOB_CUT, true);
	client_assert_answer(&client, 502, "; fwd=method", NULL);
	ck_assert_ptr_nonnull(strstr(buf_text(&client.r->answer.body), "had accepted the change"));
	client_leave(&client);
	ck_assert_uint_eq(kit.job_count, 3); /* none was sent again */
	kit_clear(&kit);
}
END_TEST

/* The client sends its body bit by bit; then it leaves in the middle of another. */
START_TEST(uploads_that_come_slowly)
{
	struct client client;
	struct kit kit;
	struct job *job;
	char room[16];

	kit_make(&kit, NULL);
	client = (struct client){0};
	client_prepare(&client, &kit, "POST", "/uploads.json", NULL);
	client.r->has_body = true;
	client.r->body_size = -1;
	client_start(&client, &kit);
	job = kit_job(&kit, 0);
	ck_assert_int_eq(job->body_size, -1);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), JOB_HOLD);
	ck_assert_int_eq(pipe_write(&client.r->upload, "abc", 3), 0);
	ck_assert_int_eq(job->client->upload(job, room, 2), 2);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 1);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), JOB_HOLD);
	pipe_end(&client.r->upload, 0);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 0);
	kit_answer(&kit, 0, "201 Created\r\n", "");
	client_assert_answer(&client, 201, "; fwd=method", "");
	client_leave(&client);

	client = (struct client){0};
	client_prepare(&client, &kit, "POST", "/uploads.json", NULL);
	client.r->has_body = true;
	client.r->body_size = 10;
	client_start(&client, &kit);
	job = kit_job(&kit, 1);
	ck_assert_int_eq(pipe_write(&client.r->upload, "abc", 3), 0);
	client_leave(&client);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), 3);
	ck_assert_int_eq(job->client->upload(job, room, sizeof(room)), -ECONNRESET);
	kit_fail(&kit, 1, JOB_CANCELLED, true);
	ck_assert_int_eq(atomic_load(&client.readied), 1);

	/* Redmine answers before it has read all: what still comes is not waited for. */
	client = (struct client){0};
	client_prepare(&client, &kit, "POST", "/uploads.json", NULL);
	client.r->has_body = true;
	client.r->body_size = -1;
	client_start(&client, &kit);
	ck_assert_int_eq(pipe_write(&client.r->upload, "abc", 3), 0);
	kit_answer(&kit, 2, "413 Content Too Large\r\n", "no");
	client_assert_answer(&client, 413, "; fwd=method", "no");
	ck_assert_int_eq(pipe_write(&client.r->upload, "def", 3), -EPIPE);
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* A store whose writer stands still until it may go on. */
static struct gate may_apply = GATE_INIT;
static atomic_uint generations_applied;

static int slow_open(const struct store_settings *settings, struct store **ret, struct fail *fail)
{
	return store_null.open(settings, ret, fail);
}

static int slow_apply(struct store *store, struct store_change *changes, size_t count, struct fail *fail)
{
	for (size_t i = 0; i < count; i++) {
		if (changes[i].kind != STORE_GENERATION)
			continue;
		gate_wait(&may_apply);
		atomic_fetch_add(&generations_applied, 1);
	}
	return store_null.apply(store, changes, count, fail);
}

/* The answer of a write waits until the store holds what it spoilt: so kill -9 cannot bring the old state back. */
START_TEST(answer_waits_for_the_store)
{
	struct store_ops slow = store_null;
	struct client write, lost, upload;
	struct kit kit;

	slow.name = "slow";
	slow.open = slow_open;
	slow.apply = slow_apply;
	kit_make(&kit, &(struct kit_options){.store = &slow});
	client_ask(&write, &kit, "PUT", "/issues/1.json", NULL);
	kit_answer(&kit, 0, "204 No Content\r\n", "");
	client_ask(&lost, &kit, "PUT", "/issues/1.json", NULL);
	kit_fail(&kit, 1, JOB_NO_ANSWER, true);
	client_assert_waits(&write);
	client_assert_waits(&lost);
	client_ask(&upload, &kit, "POST", "/uploads.json", NULL); /* spoils nothing, waits for nothing */
	kit_answer(&kit, 2, "201 Created\r\n", "");
	client_assert_ready(&upload);
	client_leave(&upload);
	ck_assert_uint_eq(atomic_load(&generations_applied), 0);
	gate_open(&may_apply);
	UNTIL(atomic_load(&write.readied) && atomic_load(&lost.readied));
	ck_assert_uint_gt(atomic_load(&generations_applied), 0);
	client_assert_answer(&write, 204, "; fwd=method", "");
	client_assert_answer(&lost, 502, "; fwd=method", NULL);
	client_leave(&write);
	client_leave(&lost);

	/* The store is first: then Redmine is waited for. */
	client_ask(&write, &kit, "PUT", "/issues/1.json", NULL);
	UNTIL(atomic_load(&write.r->write.waits) == 1);
	client_assert_waits(&write);
	kit_answer(&kit, 3, "204 No Content\r\n", "");
	client_assert_answer(&write, 204, "; fwd=method", "");
	client_leave(&write);
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("flow_writes", write_passes, writes_are_never_shared, safe_methods_spoil_nothing, write_spoils_what_is_stored,
        write_without_effect_spoils_nothing, unknown_method_spoils_by_its_answer, write_spoils_what_it_can_have_changed,
        upload_of_a_file_spoils_nothing, read_in_flight_across_a_write, nothing_is_kept_while_a_write_is_open,
        validated_across_a_write, streamed_answer_of_a_write, lost_writes_say_what_is_known, uploads_that_come_slowly,
        answer_waits_for_the_store)
