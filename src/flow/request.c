#include "flow/request.h"

#include "flow/conditions.h"

#include <errno.h>
#include <stdarg.h>

#define UPLOAD_LIMIT     (256 * 1024)
#define OWN_PAGE_CEILING (1024 * 1024)

struct request *request_new(
        const struct request_front *front, void *visit, struct conf *conf, const char *method, const char *raw_target)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->magic = REQUEST_MAGIC;
	atomic_init(&r->refs, 1);
	r->front = front;
	r->visit = visit;
	r->conf = conf_ref(conf);
	r->method = strdup(method);
	r->raw_target = strdup(raw_target);
	pipe_init(&r->upload, UPLOAD_LIMIT);
	buf_init(&r->answer.body, OWN_PAGE_CEILING);
	r->answer.upstream_us = -1;
	r->rank = JOB_INTERACTIVE;
	if (!r->method || !r->raw_target) {
		request_unref(r);
		return NULL;
	}
	return r;
}

struct request *request_ref(struct request *r)
{
	CHECK(r, REQUEST_MAGIC);
	atomic_fetch_add(&r->refs, 1);
	return r;
}

void request_unref(struct request *r)
{
	if (!r)
		return;
	CHECK(r, REQUEST_MAGIC);
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	answer_release(&r->answer);
	entry_unref(r->stale);
	query_parts_release(&r->query);
	fields_release(&r->fields);
	pipe_release(&r->upload);
	conf_unref(r->conf);
	free(r->base);
	free(r->authority);
	free(r->method);
	free(r->raw_target);
	r->magic = 0;
	free(r);
}

bool request_is_head(const struct request *r)
{
	return strcmp(r->method, "HEAD") == 0;
}

void request_cut_body(struct request *r)
{
	struct answer *answer = &r->answer;

	if (request_is_head(r))
		return;
	answer->cut = true;
	if (answer->kind == ANSWER_STREAM)
		answer->stream.ops->leave(answer->stream.owner);
	answer->stream = (struct stream){0};
	if (answer->kind != ANSWER_ENTRY)
		answer->kind = ANSWER_WHOLE;
	buf_release(&answer->body);
}

void answer_release(struct answer *answer)
{
	free(answer->reason);
	answer->reason = NULL;
	fields_release(&answer->fields);
	entry_unref(answer->entry);
	answer->entry = NULL;
	buf_release(&answer->body);
	if (answer->stream.ops)
		answer->stream.ops->leave(answer->stream.owner);
	answer->stream = (struct stream){0};
	answer->kind = ANSWER_NONE;
	answer->cut = false;
	answer->own = false;
}

ssize_t answer_read(struct answer *answer, char *room, size_t size)
{
	return answer->stream.ops->read(answer->stream.owner, room, size);
}

void answer_listen(struct answer *answer, void (*wake)(void *arg), void *arg)
{
	answer->stream.ops->listen(answer->stream.owner, wake, arg);
}

/* text into body as a string of the format, with what would end it escaped. */
static int add_escaped(struct buf *body, const char *text, bool xml)
{
	int r = 0;

	for (; *text && r == 0; text++) {
		unsigned char c = (unsigned char)*text;

		if (xml && (c == '<' || c == '&'))
			r = buf_add_text(body, c == '<' ? "&lt;" : "&amp;");
		else if (!xml && (c == '"' || c == '\\'))
			r = buf_printf(body, "\\%c", c);
		else if (c >= 0x20)
			r = buf_add_char(body, (char)c);
	}
	return r;
}

static int add_error_body(struct request *r, const char *text, bool xml)
{
	struct buf *body = &r->answer.body;

	if (buf_add_text(body, xml ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?><errors type=\"array\"><error>"
	                           : "{\"errors\":[\"") < 0 ||
	        add_escaped(body, text, xml) < 0)
		return -ENOMEM;
	return buf_add_text(body, xml ? "</error></errors>" : "\"]}");
}

void request_answer_error(struct request *r, unsigned status, int retry_after, const char *format, ...)
{
	bool xml = r->target.format == TARGET_FORMAT_XML || r->target.format == TARGET_FORMAT_ATOM;
	char text[512], seconds[16];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	answer_release(&r->answer);
	r->answer.kind = ANSWER_WHOLE;
	r->answer.own = true;
	r->answer.status = status;
	if (fields_add(&r->answer.fields, "Content-Type",
	            xml ? "application/xml; charset=utf-8" : "application/json; charset=utf-8") < 0 ||
	        fields_add(&r->answer.fields, "Cache-Control", "no-store") < 0)
		return; /* the status alone says enough */
	if (retry_after > 0) {
		snprintf(seconds, sizeof(seconds), "%d", retry_after);
		if (fields_add(&r->answer.fields, "Retry-After", seconds) < 0)
			return;
	}
	if (add_error_body(r, text, xml) < 0)
		buf_clear(&r->answer.body);
}

void request_answer_entry(struct request *r, struct entry *entry)
{
	/* Where reads of one's own writes are promised a date of whole seconds is no proof. */
	bool not_modified = conditions_not_modified(&r->fields, entry, !r->resource);

	r->answer.kind = ANSWER_ENTRY;
	r->answer.entry = entry_ref(entry);
	r->answer.status = not_modified ? 304 : entry->status;
}

bool request_of_foreign_page(const struct request *r)
{
	const char *origin = fields_get(&r->fields, "Origin");
	const char *site = fields_get(&r->fields, "Sec-Fetch-Site");
	const char *scheme = r->secure ? "https://" : "http://";

	if (site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0)
		return true;
	return origin && (strncmp(origin, scheme, strlen(scheme)) != 0 || !r->authority ||
	                         strcasecmp(origin + strlen(scheme), r->authority) != 0);
}
