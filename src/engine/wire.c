#include "engine/wire.h"

#include <errno.h>
#include <unistd.h>

#define WIRE_HEADER    (2 * sizeof(uint32_t))
#define READ_AT_ONCE   (128 * 1024)
#define READER_CEILING (WIRE_FRAME_MAX + WIRE_HEADER + READ_AT_ONCE)

struct job_figures {
	int64_t body_size, timeout_ms, connect_timeout_ms;
	uint32_t method_size, target_size, fields_size;
	bool has_body, safe, undo_coding, accept_gzip;
};

struct head_figures {
	uint32_t status, reason_size, fields_size;
	bool framed;
};

void wire_reader_init(struct wire_reader *reader)
{
	*reader = (struct wire_reader){.bytes = BUF_INIT(READER_CEILING)};
}

void wire_reader_release(struct wire_reader *reader)
{
	buf_release(&reader->bytes);
	reader->taken = 0;
}

/* What was looked at makes room for what comes. */
static void forget_taken(struct wire_reader *reader)
{
	struct buf *b = &reader->bytes;

	if (reader->taken == 0)
		return;
	memmove(b->data, b->data + reader->taken, b->size - reader->taken);
	b->size -= reader->taken;
	reader->taken = 0;
}

ssize_t wire_reader_fill(struct wire_reader *reader, int fd)
{
	ssize_t n;

	forget_taken(reader);
	if (buf_reserve(&reader->bytes, READ_AT_ONCE) < 0)
		return -ENOMEM;
	n = read(fd, reader->bytes.data + reader->bytes.size, READ_AT_ONCE);
	if (n < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
	reader->bytes.size += (size_t)n;
	return n;
}

int wire_reader_next(struct wire_reader *reader, struct wire_frame *ret)
{
	size_t there = reader->bytes.size - reader->taken;
	const char *at = reader->bytes.data + reader->taken;

	if (there < WIRE_HEADER)
		return 0;
	memcpy(&ret->kind, at, sizeof(ret->kind));
	memcpy(&ret->size, at + sizeof(ret->kind), sizeof(ret->size));
	if (ret->kind < WIRE_JOB || ret->kind > WIRE_DONE || ret->size > WIRE_FRAME_MAX)
		return -EPROTO;
	if (there - WIRE_HEADER < ret->size)
		return 0;
	ret->bytes = at + WIRE_HEADER;
	return 1;
}

void wire_reader_skip(struct wire_reader *reader, const struct wire_frame *frame)
{
	reader->taken += WIRE_HEADER + frame->size;
}

static int add_header(struct buf *out, enum wire_kind kind, size_t size)
{
	uint32_t words[2] = {kind, (uint32_t)size};

	return size > WIRE_FRAME_MAX ? -ENOMEM : buf_add(out, words, sizeof(words));
}

int wire_add(struct buf *out, enum wire_kind kind, const void *bytes, size_t size)
{
	int r = buf_reserve(out, WIRE_HEADER + size);

	if (r == 0)
		r = add_header(out, kind, size);
	return r < 0 ? -ENOMEM : buf_add(out, bytes, size);
}

int wire_add_job(struct buf *out, const struct job *job)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT(WIRE_FRAME_MAX / 2);
	CLEANUP(buf_release) struct buf whole = BUF_INIT(WIRE_FRAME_MAX);
	struct job_figures figures = {
	        .body_size = job->body_size,
	        .timeout_ms = job->timeout_ms,
	        .connect_timeout_ms = job->connect_timeout_ms,
	        .method_size = (uint32_t)strlen(job->method) + 1,
	        .target_size = (uint32_t)strlen(job->target) + 1,
	        .has_body = job->has_body,
	        .safe = job->safe,
	        .undo_coding = job->undo_coding,
	        .accept_gzip = job->accept_gzip,
	};

	if (fields_print(&job->fields, &lines) < 0)
		return -ENOMEM;
	figures.fields_size = (uint32_t)lines.size;
	if (buf_add(&whole, &figures, sizeof(figures)) < 0 || buf_add(&whole, job->method, figures.method_size) < 0 ||
	        buf_add(&whole, job->target, figures.target_size) < 0 || buf_add(&whole, lines.data, lines.size) < 0)
		return -ENOMEM;
	return wire_add(out, WIRE_JOB, whole.data, whole.size);
}

/* A text of that size, its end included. */
static bool is_text(const char *bytes, size_t size)
{
	return size > 0 && bytes[size - 1] == '\0';
}

int wire_read_job(const struct wire_frame *frame, struct job *job, char **ret_text)
{
	struct job_figures figures;
	size_t texts;

	if (frame->size < sizeof(figures))
		return -EPROTO;
	memcpy(&figures, frame->bytes, sizeof(figures));
	texts = (size_t)figures.method_size + figures.target_size;
	if (sizeof(figures) + texts + figures.fields_size != frame->size ||
	        !is_text(frame->bytes + sizeof(figures), figures.method_size) ||
	        !is_text(frame->bytes + sizeof(figures) + figures.method_size, figures.target_size))
		return -EPROTO;
	*ret_text = malloc(texts);
	if (!*ret_text)
		return -ENOMEM;
	memcpy(*ret_text, frame->bytes + sizeof(figures), texts);
	job->method = *ret_text;
	job->target = *ret_text + figures.method_size;
	job->has_body = figures.has_body;
	job->body_size = figures.body_size;
	job->safe = figures.safe;
	job->undo_coding = figures.undo_coding;
	job->accept_gzip = figures.accept_gzip;
	job->timeout_ms = figures.timeout_ms;
	job->connect_timeout_ms = figures.connect_timeout_ms;
	return fields_parse(&job->fields, frame->bytes + sizeof(figures) + texts, figures.fields_size);
}

int wire_add_head(struct buf *out, const struct job_head *head)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT(WIRE_FRAME_MAX / 2);
	CLEANUP(buf_release) struct buf whole = BUF_INIT(WIRE_FRAME_MAX);
	struct head_figures figures = {
	        .status = head->status, .reason_size = (uint32_t)strlen(head->reason) + 1, .framed = head->framed};

	if (fields_print(head->fields, &lines) < 0)
		return -ENOMEM;
	figures.fields_size = (uint32_t)lines.size;
	if (buf_add(&whole, &figures, sizeof(figures)) < 0 || buf_add(&whole, head->reason, figures.reason_size) < 0 ||
	        buf_add(&whole, lines.data, lines.size) < 0)
		return -ENOMEM;
	return wire_add(out, WIRE_HEAD, whole.data, whole.size);
}

int wire_read_head(const struct wire_frame *frame, struct job_head *head)
{
	struct head_figures figures;

	if (frame->size < sizeof(figures))
		return -EPROTO;
	memcpy(&figures, frame->bytes, sizeof(figures));
	if (sizeof(figures) + figures.reason_size + figures.fields_size != frame->size ||
	        !is_text(frame->bytes + sizeof(figures), figures.reason_size))
		return -EPROTO;
	head->status = figures.status;
	head->framed = figures.framed;
	head->reason = frame->bytes + sizeof(figures);
	return fields_parse(head->fields, frame->bytes + sizeof(figures) + figures.reason_size, figures.fields_size);
}

int wire_read_result(const struct wire_frame *frame, struct job_result *result)
{
	if (frame->size != sizeof(*result))
		return -EPROTO;
	memcpy(result, frame->bytes, sizeof(*result));
	result->text[sizeof(result->text) - 1] = '\0';
	return 0;
}
