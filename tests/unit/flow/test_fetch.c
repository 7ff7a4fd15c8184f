/* What becomes of the bytes of an answer: collected, streamed, counted, with links led back. */
#include "flow/fetch.h"

#include "kit.h"

#include "../support/usage.h"

static int tell(struct kit *kit, size_t index, const char *data, size_t size)
{
	struct job *job = kit_job(kit, index);

	return job->client->body(job, data, size);
}

static int tell_text(struct kit *kit, size_t index, const char *text)
{
	return tell(kit, index, text, strlen(text));
}

START_TEST(unknown_paths_are_not_shared)
{
	struct client a, b, c, d;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&a, &kit, "GET", "/login", NULL);
	client_ask(&b, &kit, "GET", "/login", NULL);
	ck_assert_uint_eq(kit.job_count, 1);
	ck_assert_int_eq(kit_head(kit_job(&kit, 0),
	                         "200 OK\r\nSet-Cookie: a=1\r\nCache-Control: max-age=0, private\r\n", 4, true),
	        0);
	ck_assert_uint_eq(kit.job_count, 2); /* the other asks for itself */
	client_assert_ready(&a);
	client_assert_waits(&b);
	ck_assert_int_eq(a.r->answer.kind, ANSWER_STREAM);
	ck_assert_int_eq(a.r->answer.length, 4);
	ck_assert_int_eq(tell_text(&kit, 0, "body"), 0);
	kit_done(&kit, 0, JOB_DONE, true);
	client_assert_answer(&a, 200, "; fwd=uri-miss", "body");
	ck_assert_str_eq(client_field(&a, "Set-Cookie"), "a=1");
	client_leave(&a);

	client_ask(&c, &kit, "GET", "/login", NULL); /* remembered: nobody waits for another in vain */
	client_ask(&d, &kit, "GET", "/login", NULL);
	ck_assert_uint_eq(kit.job_count, 4);
	kit_answer(&kit, 1, "200 OK\r\nSet-Cookie: b=1\r\n", "b");
	kit_answer(&kit, 2, "200 OK\r\nSet-Cookie: c=1\r\n", "c");
	kit_answer(&kit, 3, "200 OK\r\nSet-Cookie: d=1\r\n", "d");
	client_assert_answer(&b, 200, "; fwd=uri-miss", "b");
	client_assert_answer(&c, 200, "; fwd=uri-miss", "c");
	client_assert_answer(&d, 200, "; fwd=uri-miss", "d");
	ck_assert_str_eq(client_field(&b, "Set-Cookie"), "b=1");
	ck_assert_str_eq(client_field(&d, "Set-Cookie"), "d=1");
	client_leave(&d);
	client_leave(&b);
	client_leave(&c);
	kit_clear(&kit);
}
END_TEST

/* RFC 9110 section 15.2. */
START_TEST(interim_answers_are_for_all_who_wait)
{
	struct client a, b, late, write;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&a, &kit, "GET", "/issues/1.json", NULL);
	client_ask(&b, &kit, "GET", "/issues/1.json", "Cache-Control: no-transform\r\n");
	kit_interim(kit_job(&kit, 0), "103 Early Hints\r\nLink: <" KIT_ORIGIN "/a>\r\nConnection: x\r\nX: 1\r\n");
	client_ask(&late, &kit, "GET", "/issues/1.json", NULL);
	kit_interim(kit_job(&kit, 0), "102 Processing\r\nSet-Cookie: a=b\r\n");
	kit_interim(kit_job(&kit, 0), "103 Early Hints\r\nX: a\x01\r\n"); /* no control character passes */
	kit_answer(&kit, 0, KIT_JSON, "{}");
	ck_assert_str_eq(a.interims, "103 Early Hints\r\nLink: <http://" KIT_AUTHORITY "/a>\r\n102 Processing\r\n");
	ck_assert_str_eq(b.interims, "103 Early Hints\r\nLink: <" KIT_ORIGIN "/a>\r\n102 Processing\r\n");
	ck_assert_str_eq(late.interims, "102 Processing\r\n");
	client_ask(&write, &kit, "DELETE", "/issues/1.json", NULL);
	kit_interim(kit_job(&kit, 1), "102 Processing\r\n");
	kit_answer(&kit, 1, "204 No Content\r\n", "");
	ck_assert_str_eq(write.interims, "102 Processing\r\n");
	client_leave(&a);
	client_leave(&b);
	client_leave(&late);
	client_leave(&write);
	kit_clear(&kit);
}
END_TEST

START_TEST(unknown_paths_are_kept_as_rfc_9111_allows)
{
	struct client a, b;
	struct kit kit;

	kit_make(&kit, NULL);
	client_ask(&a, &kit, "GET", "/stylesheets/application.css", NULL);
	client_ask(&b, &kit, "GET", "/stylesheets/application.css", NULL);
	kit_answer(&kit, 0, "200 OK\r\nCache-Control: max-age=60, public\r\n", "css");
	client_assert_answer(&a, 200, "; fwd=uri-miss; stored", "css");
	client_assert_answer(&b, 200, "; fwd=uri-miss; stored; collapsed", "css");
	client_leave(&a);
	client_leave(&b);
	clock_set_offset_ms(50000);
	client_ask(&a, &kit, "GET", "/stylesheets/application.css", NULL);
	client_assert_answer(&a, 200, "; hit", "css");
	client_leave(&a);
	kit_clear(&kit);
}
END_TEST

static const char *const small[] = {"cache.object_limit=4096", NULL};

START_TEST(too_large_by_its_length)
{
	struct kit kit;
	struct client a, b;
	char block[4097];

	kit_make(&kit, &(struct kit_options){.settings = small});
	memset(block, 'x', sizeof(block));
	client_ask(&a, &kit, "GET", "/issues.json", "Cache-Control: no-transform\r\n");
	client_ask(&b, &kit, "GET", "/issues.json", "Cache-Control: no-transform\r\n");
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), KIT_JSON, sizeof(block), true), 0);
	client_assert_ready(&a);
	ck_assert_int_eq(a.r->answer.kind, ANSWER_STREAM);
	ck_assert_int_eq(a.r->answer.length, sizeof(block));
	ck_assert_int_eq(tell(&kit, 0, block, sizeof(block)), 0);
	kit_done(&kit, 0, JOB_DONE, true);
	client_assert_answer(&a, 200, "; fwd=uri-miss", NULL);
	client_leave(&a);
	kit_answer(&kit, 1, KIT_JSON, "small now");
	client_assert_answer(&b, 200, "; fwd=uri-miss", "small now");
	client_leave(&b);
	kit_clear(&kit);
}
END_TEST

/* It had not said how long it would be: what was collected goes first. */
START_TEST(too_large_on_the_way)
{
	CLEANUP(buf_release) struct buf expected = BUF_INIT(100000);
	struct kit kit;
	struct client a, b;
	char block[1000];

	kit_make(&kit, &(struct kit_options){.settings = small});
	client_ask(&a, &kit, "GET", "/issues.json", NULL);
	client_ask(&b, &kit, "GET", "/issues.json", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), KIT_JSON "Transfer-Encoding: chunked\r\n", -1, true), 0);
	for (int i = 0; i < 6; i++) {
		memset(block, 'a' + i, sizeof(block));
		ck_assert_int_eq(buf_add(&expected, block, sizeof(block)), 0);
		ck_assert_int_eq(tell(&kit, 0, block, sizeof(block)), 0);
		ck_assert_int_eq(atomic_load(&a.readied), i >= 4);
	}
	ck_assert_uint_eq(kit.job_count, 2);
	ck_assert_int_eq(a.r->answer.length, -1);
	kit_done(&kit, 0, JOB_DONE, true);
	client_assert_answer(&a, 200, "; fwd=uri-miss", buf_text(&expected));
	client_leave(&a);
	kit_answer(&kit, 1, KIT_JSON, "{}");
	client_assert_answer(&b, 200, "; fwd=uri-miss", "{}");
	client_leave(&b);
	kit_clear(&kit);
}
END_TEST

static void count_wake(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

/* Stands for a session: counts the wakes of a job. */
static void count_poke(struct job *job)
{
	atomic_fetch_add((atomic_int *)job->worker, 1);
}

START_TEST(stream_holds_redmine_back)
{
	static char block[64 * 1024];
	struct kit kit;
	struct client client;
	struct job *job;
	atomic_int wakes = 0, pokes = 0;
	size_t told = 0, read = 0;
	size_t before;
	int r = 0;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/attachments/download/1/a.bin", "Cookie: a=1\r\n");
	job = kit_job(&kit, 0);
	job->worker = &pokes;
	job->poke = count_poke;
	ck_assert_int_eq(kit_head(job, "200 OK\r\n", 100 * 1024 * 1024, true), 0);
	client_assert_ready(&client);
	answer_listen(&client.r->answer, count_wake, &wakes);
	ck_assert_int_eq(answer_read(&client.r->answer, block, sizeof(block)), PIPE_HOLD);
	before = usage_memory();
	for (int round = 0; round < 100; round++) {
		while ((r = tell(&kit, 0, block, 16384)) == 0)
			told += 16384;
		ck_assert_int_eq(r, JOB_HOLD);
		ck_assert_uint_lt(usage_memory(), before + 2 * 1024 * 1024);
		ck_assert_int_eq(pokes, round);
		ck_assert_int_eq(wakes, round + 1);
		for (ssize_t n; (n = answer_read(&client.r->answer, block, sizeof(block))) != PIPE_HOLD;
		        read += (size_t)n)
			ck_assert_int_gt(n, 0);
	}
	ck_assert_uint_eq(read, told);
	job->poke = NULL;
	kit_done(&kit, 0, JOB_CUT, true);
	ck_assert_int_eq(wakes, 101);
	ck_assert_int_lt(answer_read(&client.r->answer, block, sizeof(block)), 0); /* never looks complete */
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(leaving_a_stream_cancels_it)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/unknown", "Cookie: a=1\r\n");
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), "200 OK\r\n", -1, true), 0);
	ck_assert_int_eq(tell_text(&kit, 0, "some"), 0);
	ck_assert(!atomic_load(&kit.jobs[0]->cancelled));
	client_leave(&client);
	ck_assert(atomic_load(&kit.jobs[0]->cancelled));
	ck_assert_int_eq(tell_text(&kit, 0, "more"), -EPIPE);
	kit_done(&kit, 0, JOB_CANCELLED, true);
	kit_clear(&kit);
}
END_TEST

START_TEST(short_bodies_are_collected)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/unknown", "Cookie: a=1\r\n");
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), "200 All Well\r\nX-A: 1\r\n", 4, true), 0);
	ck_assert_int_eq(tell_text(&kit, 0, "bo"), 0);
	client_assert_waits(&client);
	ck_assert_int_eq(tell_text(&kit, 0, "dy"), 0);
	kit_done(&kit, 0, JOB_DONE, true);
	ck_assert_int_eq(client.r->answer.kind, ANSWER_WHOLE);
	ck_assert_str_eq(client.r->answer.reason, "All Well");
	client_assert_answer(&client, 200, "; fwd=bypass", "body");
	ck_assert_str_eq(client_field(&client, "X-A"), "1");
	ck_assert_ptr_null(client_field(&client, "Content-Length"));
	client_leave(&client);

	client_ask(&client, &kit, "GET", "/unknown", "Cookie: a=1\r\n");
	ck_assert_int_eq(kit_head(kit_job(&kit, 1), "200 OK\r\n", 4, true), 0);
	ck_assert_int_eq(tell_text(&kit, 1, "bo"), 0);
	kit_done(&kit, 1, JOB_CUT, true);
	client_assert_answer(&client, 502, "; fwd=bypass", NULL); /* a clean error: nothing was sent yet */
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

#define LINKS(base) "{\"attachment\":{\"content_url\":\"" base "/attachments/download/1/a.txt\"}}"

START_TEST(links_lead_back)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "GET", "/attachments/1.json", "Cookie: a=1\r\n"); /* alone */
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), KIT_JSON, strlen(LINKS(KIT_ORIGIN)), true), 0);
	for (const char *at = LINKS(KIT_ORIGIN); *at; at++)
		ck_assert_int_eq(tell(&kit, 0, at, 1), 0);
	kit_done(&kit, 0, JOB_DONE, true);
	client_assert_answer(&client, 200, "; fwd=bypass", LINKS("http://" KIT_AUTHORITY));
	client_leave(&client);

	client_ask(&client, &kit, "GET", "/attachments/1.json", "Cookie: a=1\r\nCache-Control: no-transform\r\n");
	kit_answer(&kit, 1, KIT_JSON "Location: " KIT_ORIGIN "/1\r\n", LINKS(KIT_ORIGIN));
	client_assert_answer(&client, 200, "; fwd=bypass", LINKS(KIT_ORIGIN));
	ck_assert_str_eq(client_field(&client, "Location"), KIT_ORIGIN "/1");
	client_leave(&client);

	/* A stream: its length changes with the links. */
	client_ask(&client, &kit, "GET", "/attachments/1.json", "Cookie: a=1\r\n");
	ck_assert_int_eq(kit_head(kit_job(&kit, 2), KIT_JSON, 1000000, true), 0);
	ck_assert_int_eq(client.r->answer.length, -1);
	ck_assert_int_eq(tell_text(&kit, 2, LINKS(KIT_ORIGIN)), 0);
	kit_done(&kit, 2, JOB_DONE, true);
	client_assert_answer(&client, 200, "; fwd=bypass", LINKS("http://" KIT_AUTHORITY));
	client_leave(&client);

	/* What is stored has Redmine's own links, and says that there are some. */
	client_ask(&client, &kit, "GET", "/attachments/1.json", NULL);
	kit_answer(&kit, 3, KIT_JSON, LINKS(KIT_ORIGIN));
	client_assert_answer(&client, 200, "; fwd=uri-miss; stored", LINKS(KIT_ORIGIN));
	ck_assert_uint_eq(client.r->answer.entry->flags, ENTRY_LINKS);
	client_leave(&client);

	/* Coded bytes that nobody asked to undo. */
	client_ask(&client, &kit, "GET", "/attachments/1.json", "Cookie: a=1\r\n");
	kit_answer(&kit, 4, KIT_JSON "Content-Encoding: br\r\n", LINKS(KIT_ORIGIN));
	client_assert_answer(&client, 200, "; fwd=bypass", LINKS(KIT_ORIGIN));
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(head_of_what_may_be_kept_is_asked_as_get)
{
	struct kit kit;
	struct client head, get;

	kit_make(&kit, NULL);
	client_ask(&head, &kit, "HEAD", "/issues.json", NULL);
	client_ask(&get, &kit, "GET", "/issues.json", NULL);
	ck_assert_uint_eq(kit.job_count, 1);
	ck_assert_str_eq(kit_job(&kit, 0)->method, "GET");
	kit_answer(&kit, 0, KIT_JSON, "{}");
	client_assert_answer(&head, 200, "; fwd=uri-miss; stored", "{}");
	client_assert_answer(&get, 200, "; fwd=uri-miss; stored; collapsed", "{}");
	client_leave(&head);
	client_leave(&get);
	client_ask(&head, &kit, "HEAD", "/issues.json", NULL);
	client_assert_answer(&head, 200, "; hit", "{}");
	client_leave(&head);
	kit_clear(&kit);
}
END_TEST

/* Redmine says Content-Length: 0 for every HEAD, so what is not kept is counted; the links that it would have, too. */
START_TEST(head_alone_is_counted)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "HEAD", "/attachments/1.json", "Cookie: a=1\r\n");
	ck_assert_str_eq(kit_job(&kit, 0)->method, "GET");
	kit_answer(&kit, 0, KIT_JSON, LINKS(KIT_ORIGIN));
	client_assert_answer(&client, 200, "; fwd=bypass", "");
	ck_assert_int_eq(client.r->answer.length, strlen(LINKS("http://" KIT_AUTHORITY)));
	client_leave(&client);

	client_ask(&client, &kit, "HEAD", "/issues.json", "Cache-Control: no-store\r\n");
	kit_answer(&kit, 1, KIT_JSON, "{}");
	ck_assert_int_eq(client.r->answer.length, 2);
	client_leave(&client);

	/* A 304 has no body to be counted: nothing is known of the length. */
	client_ask(&client, &kit, "HEAD", "/issues.json", "Cache-Control: no-store\r\nIf-None-Match: \"1\"\r\n");
	kit_answer(&kit, 2, "304 Not Modified\r\n", "");
	client_assert_answer(&client, 304, "; fwd=uri-miss", "");
	ck_assert_int_eq(client.r->answer.length, -1);
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

/* Redmine's length for a HEAD is wrong, a GET's is not: its body is given up as soon as the head is there. */
START_TEST(head_of_a_download_needs_no_body)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "HEAD", "/attachments/download/1/a.bin", NULL);
	ck_assert_str_eq(kit_job(&kit, 0)->method, "GET");
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), "200 OK\r\nETag: \"1\"\r\n", 5000000, true), 0);
	ck_assert_int_lt(tell_text(&kit, 0, "some"), 0);
	kit_done(&kit, 0, JOB_CUT, true);
	client_assert_answer(&client, 200, "; fwd=uri-miss", "");
	ck_assert_int_eq(client.r->answer.length, 5000000);
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(head_of_a_page_is_asked_as_it_is)
{
	struct kit kit;
	struct client client;

	kit_make(&kit, NULL);
	client_ask(&client, &kit, "HEAD", "/page", NULL);
	ck_assert_str_eq(kit_job(&kit, 0)->method, "HEAD");
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), "200 OK\r\n", 1234, true), 0);
	kit_done(&kit, 0, JOB_DONE, true);
	client_assert_answer(&client, 200, "; fwd=uri-miss", "");
	ck_assert_int_eq(client.r->answer.length, 1234);
	client_leave(&client);
	client_ask(&client, &kit, "HEAD", "/page", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 1), "200 OK\r\n", 0, true), 0);
	kit_done(&kit, 1, JOB_DONE, true);
	ck_assert_int_eq(client.r->answer.length, -1); /* Redmine's 0 is not believed */
	client_leave(&client);
	kit_clear(&kit);
}
END_TEST

START_TEST(head_of_what_cannot_be_shared)
{
	struct kit kit;
	struct client head, get;

	kit_make(&kit, &(struct kit_options){.settings = small});
	client_ask(&head, &kit, "HEAD", "/issues.json", NULL);
	client_ask(&get, &kit, "GET", "/issues.json", NULL);
	ck_assert_int_eq(kit_head(kit_job(&kit, 0), KIT_JSON, 5000, true), 0); /* more than is kept */
	ck_assert_int_eq(head.r->answer.kind, ANSWER_STREAM);
	client_leave(&head); /* what the front does once the head is sent */
	ck_assert(atomic_load(&kit.jobs[0]->cancelled));
	kit_done(&kit, 0, JOB_CANCELLED, true);
	kit_answer(&kit, 1, KIT_JSON, "{}");
	client_assert_answer(&get, 200, "; fwd=uri-miss", "{}");
	client_leave(&get);
	kit_clear(&kit);
}
END_TEST

START_TEST(compression_as_configured)
{
	static const struct {
		const char *setting, *origin, *target, *fields;
		bool undoes, asks;
	} cases[] = {
	        {"upstream.compression=auto", "http://redmine.test", "/issues.json", NULL, true, true},
	        {"upstream.compression=auto", "http://127.0.0.1:3000", "/issues.json", NULL, true, false},
	        {"upstream.compression=no", "http://redmine.test", "/issues.json", NULL, true, false},
	        {"upstream.compression=yes", "http://127.0.0.1:3000", "/issues.json", NULL, true, true},
	        {"upstream.compression=yes", "http://redmine.test", "/page", "Cookie: a=1\r\n", false, false},
	        {"upstream.compression=yes", "http://redmine.test", "/a.json",
	                "Cookie: a=1\r\nCache-Control: no-transform\r\n", false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const settings[] = {cases[i].setting, NULL};
		struct kit kit;
		struct client client;

		kit_make(&kit, &(struct kit_options){.settings = settings, .origin = cases[i].origin});
		client_ask(&client, &kit, "GET", cases[i].target, cases[i].fields);
		ck_assert_msg(kit_job(&kit, 0)->accept_gzip == cases[i].asks, "%zu", i);
		ck_assert_msg(kit_job(&kit, 0)->undo_coding == cases[i].undoes, "%zu", i);
		kit_answer(&kit, 0, KIT_JSON, "{}");
		client_leave(&client);
		kit_clear(&kit);
	}
}
END_TEST

UNIT_MAIN("fetch", unknown_paths_are_not_shared, interim_answers_are_for_all_who_wait,
        unknown_paths_are_kept_as_rfc_9111_allows, too_large_by_its_length, too_large_on_the_way,
        stream_holds_redmine_back, leaving_a_stream_cancels_it, short_bodies_are_collected, links_lead_back,
        head_of_what_may_be_kept_is_asked_as_get, head_alone_is_counted, head_of_a_download_needs_no_body,
        head_of_a_page_is_asked_as_it_is, head_of_what_cannot_be_shared, compression_as_configured)
