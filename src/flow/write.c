#include "flow/write.h"

#include "flow/changes.h"
#include "flow/flow.h"
#include "redmine/form.h"

/* A longer body is not looked into: it may be anything. Of a form what lies behind makes no difference that is not safe. */
#define BODY_LOOKED_AT (64 * 1024)

void write_deliver(struct request *r)
{
	if (atomic_fetch_sub(&r->write.waits, 1) == 1)
		flow_resume(r, STEP_DELIVER);
}

static void noted(void *arg)
{
	struct request *r = arg;

	write_deliver(r);
	request_unref(r);
}

static void open_tags(struct request *r)
{
	request_ref(r);
	cache_write_begin(r->flow->cache, r->write.tags.items, r->write.tags.count, noted, r);
}

/* The whole body, if it is here and not too long; else its first bytes, and *ret_whole is false. Malloc'ed, NULL without memory. */
static char *look(struct request *r, size_t *ret_size, bool *ret_whole)
{
	char *body = r->has_body ? malloc(BODY_LOOKED_AT) : NULL;

	*ret_size = body ? pipe_peek(&r->upload, body, BODY_LOOKED_AT) : 0;
	*ret_whole = body && r->body_size == (int64_t)*ret_size;
	return body;
}

/* What Rack makes of a POST: a form's _method comes before the field. Of a body that streams nothing is here yet. */
static const char *true_method(const struct request *r, const char *content_type, const char *body, size_t size)
{
	const char *method = strcmp(r->method, "POST") == 0 ? form_method(content_type, body ? body : "", size) : NULL;

	return method ? method : method_effective(r->method, fields_get(&r->fields, "X-HTTP-Method-Override"));
}

void write_begin(struct request *r)
{
	CLEANUP(freep) char *body = NULL;
	struct write_shape shape = {
	        .target = &r->target,
	        .query = &r->query,
	        .content_type = fields_get(&r->fields, "Content-Type"),
	};
	bool whole;

	atomic_store(&r->write.waits, 1);
	if (r->conf->cache.policy == CACHE_POLICY_ORIGIN)
		return; /* the answer says what is spoilt: flow/invalidation.h */
	body = look(r, &shape.body_size, &whole);
	shape.method = true_method(r, shape.content_type, body, shape.body_size);
	shape.body = whole ? body : NULL;
	tags_of_write(&r->write.tags, &shape);
	if (r->write.tags.count == 0 || r->write.tags.late)
		return;
	atomic_store(&r->write.waits, 2);
	open_tags(r);
}

void write_end(struct request *r, bool effect)
{
	const struct tags *tags = &r->write.tags;

	if (r->write.ended)
		return;
	r->write.ended = true;
	if (tags->count == 0 || (tags->late && !effect))
		return;
	if (tags->late) {
		atomic_fetch_add(&r->write.waits, 1);
		open_tags(r);
	}
	cache_write_end(r->flow->cache, tags->items, tags->count, effect);
	if (!effect)
		return;
	changes_tell(r->flow->changes, CHANGE_WRITE, tags);
	if (tags->settles)
		changes_settle(r->flow->changes, tags);
}
