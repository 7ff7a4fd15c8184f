/* Every job that is submitted ends in exactly one done(), whatever Redmine does. */
#include "conformance_acts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 64

START_TEST(success)
{
	struct bed bed;
	struct ask a;

	acts_make(&bed, _i, NULL, NULL);
	ask_init(&a, "GET", "/hello");
	bed_ask(&bed, &a);
	ask_assert_done(&a, 200, "hello");
	ck_assert_str_eq(a.reason, "OK");
	ck_assert(a.framed);
	ck_assert(a.result.maybe_sent);
	ck_assert_int_ge(a.result.upstream_us, 0);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(refuses_what_the_queue_has_no_room_for)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask running[MANY], waiting[3], refused[2];
	struct job *both[] = {&refused[0].job, &refused[1].job};
	struct engine_figures figures;
	size_t workers;

	acts_make(&bed, _i, &gates, &(struct bed_options){.queue = 3});
	workers = (size_t)bed.kind->workers;
	acts_occupy(&bed, &gates, running, workers);
	for (size_t i = 0; i < 3; i++) {
		ask_init(&waiting[i], "GET", "/hello");
		engine_submit(bed.engine, &waiting[i].job);
	}
	ask_init(&refused[0], "GET", "/hello");
	ask_init(&refused[1], "POST", "/hello");
	engine_submit_bulk(bed.engine, both, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(atomic_load(&refused[i].dones), 1); /* at once */
		ask_assert_outcome(&refused[i], JOB_REFUSED);
		ck_assert(!refused[i].result.maybe_sent);
		ck_assert_str_eq(refused[i].result.text, "the queue is full");
		ask_release(&refused[i]);
	}
	engine_get_figures(bed.engine, &figures);
	ck_assert_int_eq(figures.queued, 3);
	ck_assert_int_eq(figures.queue_limit, 3);
	ck_assert_int_eq(figures.busy, (int)workers);
	ck_assert_uint_eq(figures.refused, 2);
	gate_open(&gates.go);
	for (size_t i = 0; i < workers; i++) {
		ask_assert_done(&running[i], 200, "late");
		ask_release(&running[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		ask_assert_done(&waiting[i], 200, "hello");
		ask_release(&waiting[i]);
	}
	UNTIL((engine_get_figures(bed.engine, &figures), figures.done == workers + 3));
	bed_clear(&bed);
}
END_TEST

/* As soon as the limit lets that happen for which it is looked at: on a busy machine 100 ms may be over before. */
static void ends_in_time(struct bed *bed, struct gates *gates, const char *path, int heads)
{
	bool came = false;

	for (int64_t limit_ms = 100; !came && limit_ms <= 12800; limit_ms *= 2) {
		char limit[32];
		struct ask a;

		gate_shut(&gates->came);
		ask_init(&a, "GET", path);
		a.job.timeout_ms = limit_ms;
		bed_ask(bed, &a);
		ask_assert_outcome(&a, atomic_load(&a.heads) ? JOB_CUT : JOB_TIMEOUT);
		snprintf(limit, sizeof(limit), "%lld ms", (long long)limit_ms);
		ck_assert_msg(strstr(a.result.text, limit), "%s", a.result.text);
		came = gate_passed(&gates->came) > 0 && atomic_load(&a.heads) == heads;
		ck_assert(!came || a.result.maybe_sent);
		ask_release(&a);
	}
	ck_assert(came);
}

START_TEST(time_limit)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;

	acts_make(&bed, _i, &gates, NULL);
	ends_in_time(&bed, &gates, "/wait", 0);
	ends_in_time(&bed, &gates, "/half-head", 0);
	ends_in_time(&bed, &gates, "/half-body", 1);
	gate_open(&gates.go);
	bed_clear(&bed);
}
END_TEST

START_TEST(connection_refused)
{
	struct bed bed;
	struct ask a;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, not listening: nobody else gets the port */
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(name.sin_port));
	acts_make(&bed, _i, NULL, &(struct bed_options){.url = url});
	ask_init(&a, "POST", "/hello");
	ask_set_body(&a, "body", 4, false);
	bed_ask(&bed, &a);
	ask_assert_outcome(&a, JOB_NOT_SENT);
	ck_assert(!a.result.maybe_sent);
	ck_assert_str_ne(a.result.text, "");
	ask_release(&a);
	bed_clear(&bed);
	close(fd);
}
END_TEST

static void breaks(struct bed *bed, const char *path, enum job_outcome outcome)
{
	static const char *const methods[] = {"GET", "POST"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct ask a;

		ask_init(&a, methods[i], path);
		engine_submit(bed->engine, &a.job);
		ask_assert_outcome(&a, outcome);
		ck_assert(a.result.maybe_sent);
		ck_assert_int_eq(atomic_load(&a.heads), outcome == JOB_CUT);
		ck_assert_str_ne(a.result.text, "");
		ck_assert_uint_eq(http_origin_count_of(bed->http, methods[i], path), 1);
		ask_release(&a);
	}
}

START_TEST(broken_answers)
{
	struct bed bed;

	acts_make(&bed, _i, NULL, NULL);
	breaks(&bed, "/reset", JOB_NO_ANSWER);
	breaks(&bed, "/close", JOB_NO_ANSWER);
	breaks(&bed, "/reset-in-head", JOB_NO_ANSWER);
	breaks(&bed, "/not-http", JOB_NO_ANSWER);
	breaks(&bed, "/only-interim", JOB_NO_ANSWER);
	breaks(&bed, "/truncate", JOB_CUT);
	breaks(&bed, "/truncate-chunks", JOB_CUT);
	breaks(&bed, "/no-last-chunk", JOB_CUT);
	bed_clear(&bed);
}
END_TEST

START_TEST(reset_in_body)
{
	struct gates gates = {GATE_INIT, GATE_INIT};
	struct bed bed;
	struct ask a;

	acts_make(&bed, _i, &gates, NULL);
	ask_init(&a, "GET", "/reset-in-body");
	engine_submit(bed.engine, &a.job);
	gate_wait(&a.headed);
	gate_open(&gates.go);
	ask_assert_outcome(&a, JOB_CUT);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(gives_up_when_told)
{
	struct bed bed;
	struct ask head, body, upload;

	acts_make(&bed, _i, NULL, NULL);
	ask_init(&head, "GET", "/hello");
	head.head_result = -ENOMEM;
	bed_ask(&bed, &head);
	ask_assert_outcome(&head, JOB_CUT);
	ck_assert_str_eq(head.result.text, "given up on this side");
	ck_assert_uint_eq(head.body.size, 0);
	ask_release(&head);

	ask_init(&body, "GET", "/hello");
	body.body_result = -EPIPE;
	bed_ask(&bed, &body);
	ask_assert_outcome(&body, JOB_CUT);
	ck_assert_str_eq(body.result.text, "given up on this side");
	ask_release(&body);

	ask_init(&upload, "POST", "/echo");
	ask_set_body(&upload, "body", 4, false);
	upload.upload_result = -ECONNRESET;
	bed_ask(&bed, &upload);
	ask_assert_outcome(&upload, JOB_CANCELLED);
	ck_assert_str_eq(upload.result.text, "given up on this side");
	ask_release(&upload);
	bed_clear(&bed);
}
END_TEST

START_TEST(bulk_keeps_its_order)
{
	struct bed bed;
	struct ask *asks = calloc(MANY, sizeof(*asks));
	struct job *jobs[MANY];
	char targets[MANY][32];
	atomic_uint next = 0;

	acts_make(&bed, _i, NULL, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(targets[i], sizeof(targets[i]), "/echo?%u", i);
		ask_init(&asks[i], "GET", targets[i]);
		asks[i].order_next = &next;
		jobs[i] = &asks[i].job;
	}
	engine_submit_bulk(bed.engine, jobs, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		char line[64];

		snprintf(line, sizeof(line), "GET /echo?%u HTTP/1.1\r\n", i);
		ask_assert_outcome(&asks[i], JOB_DONE);
		ck_assert_msg(strncmp(buf_text(&asks[i].body), line, strlen(line)) == 0, "%s", buf_text(&asks[i].body));
		if (bed.kind->single)
			ck_assert_uint_eq(asks[i].order, i);
		ask_release(&asks[i]);
	}
	free(asks);
	bed_clear(&bed);
}
END_TEST

START_TEST(many_submitters)
{
	struct submitter *submitters = calloc(8, sizeof(*submitters));
	struct bed bed;

	acts_make(&bed, _i, NULL, NULL);
	for (size_t i = 0; i < 8; i++)
		submitter_start(&submitters[i], &bed);
	for (size_t i = 0; i < 8; i++)
		submitter_end(&submitters[i], JOB_DONE);
	free(submitters);
	bed_clear(&bed);
}
END_TEST

void add_ends(add_test *add)
{
	add(success);
	add(refuses_what_the_queue_has_no_room_for);
	add(time_limit);
	add(connection_refused);
	add(broken_answers);
	add(reset_in_body);
	add(gives_up_when_told);
	add(bulk_keeps_its_order);
	add(many_submitters);
}
