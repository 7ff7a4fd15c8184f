#include "engine/wire.h"

#include "base/hash.h"

#include <errno.h>
#include <unistd.h>

#define WIRE_HEADER    (2 * sizeof(uint32_t))
#define READ_AT_ONCE   (128 * 1024)
#define READER_CEILING (WIRE_FRAME_MAX + WIRE_HEADER + READ_AT_ONCE)

/* proxy, ca_file, client_certificate, client_key */
#define ROUTE_TEXTS 4

struct job_figures {
	int64_t body_size, timeout_ms, connect_timeout_ms;
	uint32_t method_size, target_size, fields_size;
	uint32_t route_sizes[ROUTE_TEXTS]; /* 0: NULL */
	enum route_verify verify;
	enum route_http http;
	bool has_route, has_body, safe, undo_coding, accept_gzip;
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
	reader->taken = reader->used = 0;
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
	if (reader->used < reader->bytes.size)
		reader->used = reader->bytes.size;
	return n;
}

void wire_reader_forget(struct wire_reader *reader)
{
	struct buf *b = &reader->bytes;

	forget_taken(reader);
	if (reader->used > b->size)
		explicit_bzero(b->data + b->size, reader->used - b->size);
	reader->used = b->size;
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

/* The texts of a route behind each other. */
static int add_route(struct buf *out, const struct route *route, struct job_figures *figures)
{
	const char *texts[ROUTE_TEXTS] = {route->proxy, route->ca_file, route->client_certificate, route->client_key};

	figures->has_route = true;
	figures->verify = route->verify;
	figures->http = route->http;
	for (size_t i = 0; i < ROUTE_TEXTS; i++) {
		figures->route_sizes[i] = texts[i] ? (uint32_t)strlen(texts[i]) + 1 : 0;
		if (texts[i] && buf_add(out, texts[i], figures->route_sizes[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int wire_add_job(struct buf *out, const struct job *job)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT(WIRE_FRAME_MAX / 2);
	CLEANUP(buf_release) struct buf whole = BUF_INIT(WIRE_FRAME_MAX);
	CLEANUP(buf_release) struct buf route = BUF_INIT(WIRE_FRAME_MAX / 4);
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

	if (fields_print(&job->fields, &lines) < 0 || (job->route && add_route(&route, job->route, &figures) < 0))
		return -ENOMEM;
	figures.fields_size = (uint32_t)lines.size;
	if (buf_add(&whole, &figures, sizeof(figures)) < 0 || buf_add(&whole, job->method, figures.method_size) < 0 ||
	        buf_add(&whole, job->target, figures.target_size) < 0 ||
	        buf_add(&whole, buf_text(&route), route.size) < 0 || buf_add(&whole, lines.data, lines.size) < 0)
		return -ENOMEM;
	return wire_add(out, WIRE_JOB, whole.data, whole.size);
}

/* A text of that size, its end included. */
static bool is_text(const char *bytes, size_t size)
{
	return size > 0 && bytes[size - 1] == '\0';
}

/* What a job on the other side borrows, in one piece. */
struct borrowed {
	struct route route;
	char texts[];
};

/* Takes the texts apart: method, target, those of the route. 0, -EPROTO. */
static int read_texts(struct borrowed *b, size_t size, const struct job_figures *figures, struct job *job)
{
	const char **members[ROUTE_TEXTS] = {
	        &b->route.proxy, &b->route.ca_file, &b->route.client_certificate, &b->route.client_key};
	size_t at = (size_t)figures->method_size + figures->target_size;

	if (at > size || !is_text(b->texts, figures->method_size) ||
	        !is_text(b->texts + figures->method_size, figures->target_size))
		return -EPROTO;
	job->method = b->texts;
	job->target = b->texts + figures->method_size;
	for (size_t i = 0; i < ROUTE_TEXTS; i++) {
		size_t text_size = figures->route_sizes[i];

		if (text_size == 0)
			continue;
		if (text_size > size - at || !is_text(b->texts + at, text_size))
			return -EPROTO;
		*members[i] = b->texts + at;
		at += text_size;
	}
	b->route.verify = figures->verify;
	b->route.http = figures->http;
	job->route = figures->has_route ? &b->route : NULL;
	return at == size ? 0 : -EPROTO;
}

uint64_t wire_job_asker(const struct wire_frame *frame)
{
	struct job_figures figures;
	uint64_t hash = HASH_START;
	const char *texts = frame->bytes + sizeof(figures), *query, *end = frame->bytes + frame->size;
	size_t before_route;

	if (frame->size < sizeof(figures))
		return 0;
	memcpy(&figures, frame->bytes, sizeof(figures));
	before_route = (size_t)figures.method_size + figures.target_size;
	if (before_route > (size_t)(end - texts))
		return 0;
	query = memchr(texts, '?', before_route);
	if (query && (memmem(query, (size_t)(texts + before_route - query), "key", 3) ||
	                     memchr(query, '%', (size_t)(texts + before_route - query))))
		hash = hash_add(hash, query, (size_t)(texts + before_route - query));
	return hash_add(hash, texts + before_route, (size_t)(end - texts) - before_route);
}

int wire_read_job(const struct wire_frame *frame, struct job *job, char **ret_text)
{
	struct job_figures figures;
	struct borrowed *borrowed;
	size_t size;
	int r;

	if (frame->size < sizeof(figures))
		return -EPROTO;
	memcpy(&figures, frame->bytes, sizeof(figures));
	size = frame->size - sizeof(figures);
	if (figures.fields_size > size)
		return -EPROTO;
	size -= figures.fields_size;
	borrowed = calloc(1, sizeof(*borrowed) + size);
	if (!borrowed)
		return -ENOMEM;
	memcpy(borrowed->texts, frame->bytes + sizeof(figures), size);
	*ret_text = (char *)borrowed;
	r = read_texts(borrowed, size, &figures, job);
	if (r < 0)
		return r;
	job->has_body = figures.has_body;
	job->body_size = figures.body_size;
	job->safe = figures.safe;
	job->undo_coding = figures.undo_coding;
	job->accept_gzip = figures.accept_gzip;
	job->timeout_ms = figures.timeout_ms;
	job->connect_timeout_ms = figures.connect_timeout_ms;
	return fields_parse(&job->fields, frame->bytes + sizeof(figures) + size, figures.fields_size);
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
