#include "engine/wire.h"

#include "../unit.h"

#include "../support/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sends the bytes over a real socket, in pieces. */
struct line {
	int fds[2];
	struct wire_reader reader;
};

static void open_line(struct line *line)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, line->fds), 0);
	wire_reader_init(&line->reader);
}

static void close_line(struct line *line)
{
	wire_reader_release(&line->reader);
	close(line->fds[0]);
	close(line->fds[1]);
}

static void pass(struct line *line, const char *data, size_t size)
{
	ck_assert_int_eq(write(line->fds[0], data, size), (ssize_t)size);
	ck_assert_int_eq(wire_reader_fill(&line->reader, line->fds[1]), (ssize_t)size);
}

/* The one frame that these bytes are. */
static struct wire_frame frame_of(const struct buf *bytes)
{
	struct wire_reader reader = {.bytes = *bytes};
	struct wire_frame frame;

	ck_assert_int_eq(wire_reader_next(&reader, &frame), 1);
	ck_assert_uint_eq(frame.size + 8, bytes->size);
	return frame;
}

START_TEST(frames_in_pieces)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	struct line line;
	struct wire_frame frame;

	ck_assert_int_eq(wire_add(&out, WIRE_BODY, "hello", 5), 0);
	ck_assert_int_eq(wire_add(&out, WIRE_UPLOAD_END, NULL, 0), 0);
	ck_assert_int_eq(wire_add(&out, WIRE_BODY, "\0\1\2", 3), 0);
	open_line(&line);
	ck_assert_int_eq(wire_reader_fill(&line.reader, line.fds[1]), -EAGAIN);
	for (size_t i = 0; i < 12; i++) {
		pass(&line, out.data + i, 1);
		ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 0);
	}
	pass(&line, out.data + 12, out.size - 12);
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 1);
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 1); /* stays the next */
	ck_assert_uint_eq(frame.kind, WIRE_BODY);
	ck_assert_uint_eq(frame.size, 5);
	ck_assert_int_eq(memcmp(frame.bytes, "hello", 5), 0);
	wire_reader_skip(&line.reader, &frame);
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 1);
	ck_assert_uint_eq(frame.kind, WIRE_UPLOAD_END);
	wire_reader_skip(&line.reader, &frame);
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 1);
	ck_assert_int_eq(memcmp(frame.bytes, "\0\1\2", 3), 0);
	wire_reader_skip(&line.reader, &frame);
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 0);
	shutdown(line.fds[0], SHUT_WR);
	ck_assert_int_eq(wire_reader_fill(&line.reader, line.fds[1]), 0);
	close_line(&line);
}
END_TEST

/* What was looked at is overwritten where it stood, also where a longer frame stood before; what waits behind it stays. */
START_TEST(a_reader_forgets)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	struct line line;
	struct wire_frame frame;
	size_t used;

	ck_assert_int_eq(wire_add(&out, WIRE_BODY, "a long secret", 13), 0);
	ck_assert_int_eq(wire_add(&out, WIRE_BODY, "secret", 6), 0);
	open_line(&line);
	pass(&line, out.data, out.size);
	used = out.size;
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 1);
	wire_reader_skip(&line.reader, &frame);
	wire_reader_forget(&line.reader);
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 1);
	ck_assert_int_eq(memcmp(frame.bytes, "secret", 6), 0);
	ck_assert_ptr_null(memmem(line.reader.bytes.data, used, "long", 4));
	wire_reader_skip(&line.reader, &frame);
	ck_assert_ptr_nonnull(memmem(line.reader.bytes.data, used, "secret", 6));
	wire_reader_forget(&line.reader);
	ck_assert_ptr_null(memmem(line.reader.bytes.data, used, "secret", 6));
	ck_assert_int_eq(wire_reader_next(&line.reader, &frame), 0);
	close_line(&line);
}
END_TEST

START_TEST(what_is_no_frame)
{
	static const uint32_t bad[][2] = {
	        {0, 0}, {WIRE_DONE + 1, 0}, {0xffffffff, 0}, {WIRE_BODY, WIRE_FRAME_MAX + 1}, {WIRE_BODY, 0xffffffff}};
	CLEANUP(buf_release) struct buf out = BUF_INIT(2 * WIRE_FRAME_MAX);
	char *large = calloc(1, WIRE_FRAME_MAX + 1);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct line line;
		struct wire_frame frame;

		open_line(&line);
		pass(&line, (const char *)bad[i], sizeof(bad[i]));
		ck_assert_int_eq(wire_reader_next(&line.reader, &frame), -EPROTO);
		close_line(&line);
	}
	ck_assert_int_eq(wire_add(&out, WIRE_BODY, large, WIRE_FRAME_MAX + 1), -ENOMEM);
	ck_assert_int_eq(wire_add(&out, WIRE_BODY, large, WIRE_FRAME_MAX), 0);
	free(large);
}
END_TEST

START_TEST(jobs)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	struct ask sent, got;
	struct wire_frame frame;
	char *text = NULL;

	ask_init(&sent, "PATCH", "/a/../b?c=%41");
	ask_add_field(&sent, "X-B", "1");
	ask_add_field(&sent, "x-b", "");
	ask_add_field(&sent, "X-Colon", "a: b");
	sent.job.has_body = true;
	sent.job.body_size = -1;
	sent.job.undo_coding = sent.job.accept_gzip = true;
	sent.job.timeout_ms = INT64_C(5000000000);
	sent.job.connect_timeout_ms = 7;
	ck_assert_int_eq(wire_add_job(&out, &sent.job), 0);
	frame = frame_of(&out);
	ck_assert_uint_eq(frame.kind, WIRE_JOB);
	ask_init(&got, "", "");
	ck_assert_int_eq(wire_read_job(&frame, &got.job, &text), 0);
	ck_assert_str_eq(got.job.method, "PATCH");
	ck_assert_str_eq(got.job.target, "/a/../b?c=%41");
	ck_assert_uint_eq(got.job.fields.count, 3);
	ck_assert_str_eq(got.job.fields.items[1].name, "x-b");
	ck_assert_str_eq(got.job.fields.items[1].value, "");
	ck_assert_str_eq(got.job.fields.items[2].value, "a: b");
	ck_assert(got.job.has_body && !got.job.safe && got.job.undo_coding && got.job.accept_gzip);
	ck_assert_int_eq(got.job.body_size, -1);
	ck_assert_int_eq(got.job.timeout_ms, INT64_C(5000000000));
	ck_assert_int_eq(got.job.connect_timeout_ms, 7);
	free(text);
	ask_release(&sent);
	ask_release(&got);
}
END_TEST

static void assert_same_text(const char *one, const char *other)
{
	if (one && other)
		ck_assert_str_eq(one, other);
	else
		ck_assert(one == other);
}

static void assert_route(const struct route *route)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	struct wire_frame frame;
	struct ask sent, got;
	char *text = NULL;

	ask_init(&sent, "GET", "/x");
	ask_add_field(&sent, "X-A", "1");
	sent.job.route = route;
	ck_assert_int_eq(wire_add_job(&out, &sent.job), 0);
	frame = frame_of(&out);
	ask_init(&got, "", "");
	ck_assert_int_eq(wire_read_job(&frame, &got.job, &text), 0);
	ck_assert_str_eq(got.job.target, "/x");
	ck_assert_uint_eq(got.job.fields.count, 1);
	ck_assert_int_eq(got.job.route != NULL, route != NULL);
	if (route) {
		assert_same_text(got.job.route->proxy, route->proxy);
		assert_same_text(got.job.route->ca_file, route->ca_file);
		assert_same_text(got.job.route->client_certificate, route->client_certificate);
		assert_same_text(got.job.route->client_key, route->client_key);
		ck_assert_int_eq(got.job.route->verify, route->verify);
		ck_assert_int_eq(got.job.route->http, route->http);
	}
	free(text);
	ask_release(&sent);
	ask_release(&got);
}

static uint64_t asker_of(const char *target, const char *key, const struct route *route)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	struct wire_frame frame;
	struct job job;

	job_init(&job, NULL, NULL);
	job.method = "GET";
	job.target = target;
	job.route = route;
	ck_assert_int_eq(fields_add(&job.fields, "X-Redmine-API-Key", key), 0);
	ck_assert_int_eq(wire_add_job(&out, &job), 0);
	job_release(&job);
	frame = frame_of(&out);
	return wire_job_asker(&frame);
}

/* By what two jobs are told to be of two clients. */
START_TEST(askers)
{
	static const struct route mine = {.client_certificate = "/mine.pem"},
	                          yours = {.client_certificate = "/yours.pem"};
	uint64_t usual = asker_of("/issues.json?limit=1", "a", NULL);

	ck_assert(asker_of("/projects.json?limit=2", "a", NULL) == usual);
	ck_assert(asker_of("/issues.json?limit=1", "b", NULL) != usual);
	ck_assert(asker_of("/issues.json?key=1", "a", NULL) != asker_of("/issues.json?key=2", "a", NULL));
	ck_assert(asker_of("/issues.json?%6bey=1", "a", NULL) != asker_of("/issues.json?%6bey=2", "a", NULL));
	ck_assert(asker_of("/issues.json?limit=1", "a", &mine) != usual);
	ck_assert(asker_of("/issues.json?limit=1", "a", &mine) != asker_of("/issues.json?limit=1", "a", &yours));
	ck_assert(wire_job_asker(&(struct wire_frame){.kind = WIRE_JOB, .bytes = "x", .size = 1}) == 0);
}
END_TEST

START_TEST(routes)
{
	assert_route(NULL);
	assert_route(&(struct route){0});
	assert_route(&(struct route){.proxy = "", .client_key = "/k"});
	assert_route(&(struct route){.proxy = "http://p:1",
	        .ca_file = "/ca",
	        .client_certificate = "/c",
	        .client_key = "/k",
	        .verify = ROUTE_VERIFY_NO,
	        .http = ROUTE_HTTP_2});
}
END_TEST

START_TEST(heads)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	CLEANUP(fields_release) struct fields sent = FIELDS_INIT;
	CLEANUP(fields_release) struct fields got = FIELDS_INIT;
	struct job_head head = {.status = 422, .reason = "Unprocessable  Entity \xe9", .fields = &sent, .framed = true},
	                read = {.fields = &got};
	struct wire_frame frame;

	ck_assert_int_eq(fields_add(&sent, "ETag", "W/\"1\""), 0);
	ck_assert_int_eq(fields_add(&sent, "X-Empty", ""), 0);
	ck_assert_int_eq(wire_add_head(&out, &head), 0);
	frame = frame_of(&out);
	ck_assert_uint_eq(frame.kind, WIRE_HEAD);
	ck_assert_int_eq(wire_read_head(&frame, &read), 0);
	ck_assert_uint_eq(read.status, 422);
	ck_assert_str_eq(read.reason, head.reason);
	ck_assert(read.framed);
	ck_assert_uint_eq(got.count, 2);
	ck_assert_str_eq(fields_get(&got, "X-Empty"), "");
}
END_TEST

START_TEST(results)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	struct job_result sent = {.outcome = JOB_CUT, .maybe_sent = true, .upstream_us = 5}, got;
	struct wire_frame frame;

	memset(sent.text, 'x', sizeof(sent.text)); /* without an end */
	ck_assert_int_eq(wire_add(&out, WIRE_DONE, &sent, sizeof(sent)), 0);
	frame = frame_of(&out);
	ck_assert_int_eq(wire_read_result(&frame, &got), 0);
	ck_assert_int_eq(got.outcome, JOB_CUT);
	ck_assert(got.maybe_sent);
	ck_assert_uint_eq(strlen(got.text), sizeof(got.text) - 1);
	frame.size--;
	ck_assert_int_eq(wire_read_result(&frame, &got), -EPROTO);
}
END_TEST

/* Cut or bent anywhere: an error, or at least nothing beyond the frame is touched (the sanitizers look). */
static void bend(enum wire_kind kind, const struct buf *whole)
{
	for (size_t size = 0; size + 8 <= whole->size; size++) {
		for (int change = 0; change < 2; change++) {
			char *bytes = malloc(size ? size : 1);
			struct wire_frame frame = {.kind = kind, .size = (uint32_t)size, .bytes = bytes};
			CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
			struct job_head head = {.fields = &fields};
			struct ask a;
			char *text = NULL;

			memcpy(bytes, whole->data + 8, size);
			if (change && size > 0)
				bytes[size / 2] ^= (char)0xff;
			if (kind == WIRE_JOB) {
				ask_init(&a, "", "");
				if (wire_read_job(&frame, &a.job, &text) == 0)
					ck_assert_uint_lt(strlen(a.job.method) + strlen(a.job.target), size);
				free(text);
				ask_release(&a);
			} else if (wire_read_head(&frame, &head) == 0) {
				ck_assert_uint_lt(strlen(head.reason), size);
			}
			free(bytes);
		}
	}
}

START_TEST(bent_frames)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct job_head head = {.status = 200, .reason = "OK", .fields = &fields};
	struct ask a;

	ask_init(&a, "GET", "/x");
	ask_add_field(&a, "X-A", "1");
	a.job.route = &(struct route){.ca_file = "/ca", .client_key = "/k"};
	ck_assert_int_eq(wire_add_job(&out, &a.job), 0);
	bend(WIRE_JOB, &out);
	ask_release(&a);
	buf_clear(&out);
	ck_assert_int_eq(wire_add_head(&out, &head), 0);
	bend(WIRE_HEAD, &out);
}
END_TEST

/* A worker that has lost its senses may send a reason without its end. */
START_TEST(texts_without_an_end)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100000);
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct job_head head = {.status = 200, .reason = "OK", .fields = &fields};
	struct wire_frame frame;

	ck_assert_int_eq(wire_add_head(&out, &head), 0);
	out.data[out.size - 1] = 'x';
	frame = frame_of(&out);
	ck_assert_int_eq(wire_read_head(&frame, &head), -EPROTO);
}
END_TEST

UNIT_MAIN("wire", frames_in_pieces, a_reader_forgets, what_is_no_frame, jobs, askers, routes, heads, results,
        bent_frames, texts_without_an_end)
