#include "flow/fetch_inside.h"

#include "base/clock.h"
#include "flow/credentials.h"
#include "flow/forward.h"
#include "flow/harvest.h"
#include "flow/invalidation.h"
#include "flow/outcome.h"
#include "flow/stale.h"
#include "flow/write.h"
#include "redmine/links.h"

#include <errno.h>

/* A body of known length up to this is collected: it then leaves in one piece, or as a clean error. */
#define COLLECT_LIMIT (64 * 1024)

/* r has its answer; a write is delivered once the store has noted what it spoils, too. */
void fetch_deliver(struct fetch *f, struct request *r)
{
	if (f->write)
		write_deliver(r);
	else
		flow_resume(r, STEP_DELIVER);
}

void fetch_set_cache_status(const struct fetch *f, struct request *r)
{
	r->answer.cache.forward = r->why;
	r->answer.cache.collapsed = r != f->r;
	r->answer.cache.stored = false;
}

/* The head of an answer that is this request's alone. */
static int answer_head(struct fetch *f, struct request *r, enum answer_kind kind)
{
	struct answer *answer = &r->answer;

	answer->kind = kind;
	answer->status = f->status;
	answer->reason = f->reason ? strdup(f->reason) : NULL;
	fetch_set_cache_status(f, r);
	if (fields_copy(&answer->fields, &f->fields) < 0)
		return -ENOMEM;
	return forward_answer_fields(&answer->fields, r, f->flow->origin, !r->directives.no_transform);
}

static int make_links(struct fetch *f)
{
	if (!forward_rewrites(f->r) || f->status == 204 || f->status == 304)
		return 0;
	if (forward_format(f->r, &f->fields) == TARGET_FORMAT_NONE)
		return 0;
	if (fields_get(&f->fields, "Content-Encoding"))
		return 0; /* not to be read without undoing it, which nobody asked for */
	f->links = links_new(forward_format(f->r, &f->fields), f->flow->origin->base, f->r->base);
	return f->links ? 0 : -ENOMEM;
}

/* Bytes of the body, links led back, to where the mode says. */
static int emit(struct fetch *f, const char *data, size_t size)
{
	CLEANUP(buf_release) struct buf led = BUF_INIT(SIZE_MAX / 4);

	if (f->links) {
		int r = data ? links_feed(f->links, data, size, &led) : links_finish(f->links, &led);

		if (r < 0)
			return r;
		data = led.data;
		size = led.size;
	}
	if (size == 0)
		return 0;
	switch (f->mode) {
	case FETCH_COLLECT:
		return buf_add(&f->body, data, size);
	case FETCH_STREAM:
		return pipe_push(&f->pipe, data, size);
	case FETCH_COUNT:
		f->counted += size;
		return 0;
	}
	WRONG("a mode outside its enum");
}

/* The flight cannot share what comes: its first request gets it, the others ask for themselves. */
static void disband(struct fetch *f)
{
	struct request *waiter = flight_land(f->flow->flights, f->flight);

	ASSERT(waiter == f->r);
	f->flight = NULL;
	flights_part(f->flow->flights, &f->r->key);
	while (waiter) {
		struct request *next = waiter->next_waiter;

		if (waiter != f->r)
			flow_resume(waiter, STEP_PASS);
		request_unref(waiter);
		waiter = next;
	}
}

/* What cannot be shared is collected all the same for an inner request, which reads no stream. What was collected goes first. */
static int collect_on(struct fetch *f)
{
	CLEANUP(buf_release) struct buf collected = f->body;
	int r;

	f->body = BUF_INIT(f->r->inner_limit);
	if (f->flight)
		disband(f);
	f->mode = FETCH_COLLECT;
	r = make_links(f);
	return r == 0 && collected.size > 0 ? emit(f, collected.data, collected.size) : r;
}

/* From here on the body goes to the client as it comes. What was collected goes first. */
static int start_stream(struct fetch *f)
{
	CLEANUP(buf_release) struct buf collected = BUF_INIT(1);
	int r;

	if (f->r->inner_limit > 0)
		return collect_on(f);
	collected = f->body;
	f->body = BUF_INIT(1);
	if (f->flight)
		disband(f);
	r = answer_head(f, f->r, ANSWER_STREAM);
	if (r < 0 || (r = make_links(f)) < 0)
		return r;
	f->mode = FETCH_STREAM;
	f->r->answer.length = f->links ? -1 : f->length;
	f->r->answer.stream = (struct stream){.ops = &fetch_stream, .owner = f};
	f->r->answer.upstream_us = clock_monotonic_us() - f->started_us;
	atomic_fetch_add(&f->refs, 1);
	fetch_deliver(f, f->r); /* from here on a failure cuts the stream */
	return collected.size > 0 ? emit(f, collected.data, collected.size) : 0;
}

static int64_t parse_length(const struct fields *fields)
{
	const char *length = fields_get(fields, "Content-Length");

	return length ? strtoll(length, NULL, 10) : -1;
}

static int take_head(struct fetch *f, const struct job_head *head)
{
	f->headed = true;
	f->delay_ms = (clock_monotonic_us() - f->started_us) / 1000;
	f->status = head->status;
	f->framed = head->framed;
	f->length = parse_length(head->fields);
	f->reason = strdup(head->reason);
	f->fields = *head->fields;
	*head->fields = FIELDS_INIT;
	fields_remove_hop_by_hop(&f->fields);
	return f->reason ? 0 : -ENOMEM;
}

/* A flight's answer: collected while it may be kept or at least shared, and is not too large. */
static int begin_for_flight(struct fetch *f)
{
	bool validated = f->status == 304 && f->r->stale;
	/* Instead of which an old answer is served: nobody waits for its body. */
	bool failure = fetch_is_failure(f->status) && f->r->stale &&
	               stale_may_serve(
	                       f->r, f->r->stale, cache_generations(f->flow->cache), STALE_ERROR, clock_wall_ms());

	harvest_decide(&f->keep, f->r,
	        &(struct harvest_head){
	                .status = f->status, .fields = &f->fields, .framed = f->framed, .delay_ms = f->delay_ms});
	f->body = BUF_INIT(f->r->conf->cache.object_limit);
	if (validated || (f->length <= (int64_t)f->body.ceiling && (f->keep.share || failure)))
		return f->length > 0 ? buf_reserve(&f->body, (size_t)f->length) : 0;
	return start_stream(f);
}

static int begin_for_request(struct fetch *f)
{
	bool bodyless = strcmp(f->job.method, "HEAD") == 0 || f->status == 204 || f->status == 304;

	if (f->mode == FETCH_COUNT)
		return make_links(f);
	if (!bodyless && (f->length < 0 || f->length > COLLECT_LIMIT))
		return start_stream(f);
	f->body = BUF_INIT(SIZE_MAX / 4); /* bounded by the length, rewriting adds little */
	return make_links(f);
}

/* Under the origin policy the answer says what is spoilt (RFC 9111 section 4.4). */
static void end_write(struct fetch *f)
{
	struct request *r = f->r;

	if (r->conf->cache.policy == CACHE_POLICY_ORIGIN)
		invalidation_by_answer(&r->write.tags, r, f->flow->origin, f->status, &f->fields);
	write_end(r, write_status_has_effect(f->status));
}

static int on_head(struct job *job, const struct job_head *head)
{
	struct fetch *f = job->owner;
	int r;

	CHECK(f, FETCH_MAGIC);
	r = take_head(f, head);
	if (f->write)
		end_write(f);
	if (head->status == 401)
		credentials_doubt(f->r);
	fetch_tell_breaker(f, fetch_news(f, NULL));
	if (r < 0)
		return r;
	return f->flight ? begin_for_flight(f) : begin_for_request(f);
}

static int on_body(struct job *job, const char *data, size_t size)
{
	struct fetch *f = job->owner;
	int r;

	CHECK(f, FETCH_MAGIC);
	if (f->mode == FETCH_STREAM && pipe_holds(&f->pipe))
		return JOB_HOLD;
	if (f->mode == FETCH_COUNT && f->length >= 0 && !f->links) {
		f->counted = (uint64_t)f->length; /* HEAD: that is all it asks */
		f->told = true;
		return -ECANCELED;
	}
	r = emit(f, data, size);
	if (r == -ENOBUFS && f->flight) {
		r = start_stream(f); /* longer than what is kept, and it had not said so */
		if (r == 0)
			r = emit(f, data, size);
	}
	return r;
}

static ssize_t on_upload(struct job *job, char *room, size_t size)
{
	struct fetch *f = job->owner;

	CHECK(f, FETCH_MAGIC);
	return pipe_read(&f->r->upload, room, size);
}

static void finish_for_request(struct fetch *f, const struct job_result *result)
{
	struct request *r = f->r;
	bool whole = f->told || (result->outcome == JOB_DONE && emit(f, NULL, 0) == 0);

	if (f->mode == FETCH_STREAM) {
		pipe_end(&f->pipe, whole ? 0 : -EIO); /* the answer is the front's already */
		return;
	}
	r->answer.upstream_us = result->upstream_us;
	if (!whole || answer_head(f, r, ANSWER_WHOLE) < 0) {
		outcome_answer(r, result, f->write, f->status);
		fetch_set_cache_status(f, r);
		fetch_deliver(f, r);
		return;
	}
	if (strcmp(f->job.method, "HEAD") == 0)
		fetch_update_by_head(f);
	if (f->status == 304)
		r->answer.length = f->length; /* of the body that it does not have, if it says one */
	else if (f->mode == FETCH_COUNT)
		r->answer.length = (int64_t)f->counted;
	else if (strcmp(f->job.method, "HEAD") == 0)
		r->answer.length = f->length > 0 ? f->length : -1; /* Redmine says 0 for every HEAD */
	buf_release(&r->answer.body);
	r->answer.body = f->body;
	f->body = BUF_INIT(1);
	fetch_deliver(f, r);
}

/* A HEAD that has heard enough has given up by itself. */
static void note_outcome(const struct fetch *f, const struct job_result *result)
{
	struct job_result told = *result;

	if (f->told)
		told.outcome = JOB_DONE;
	asked_note(&f->flow->asked, f->r->resource, &told, f->status, clock_wall_ms());
}

static void on_done(struct job *job, const struct job_result *result)
{
	struct fetch *f = job->owner;

	CHECK(f, FETCH_MAGIC);
	if (f->write)
		write_end(
		        f->r, result->maybe_sent && result->outcome != JOB_NOT_SENT && result->outcome != JOB_REFUSED);
	note_outcome(f, result);
	fetch_tell_breaker(f, fetch_news(f, result));
	pipe_abandon(&f->r->upload);
	if (result->outcome != JOB_DONE && result->outcome != JOB_CANCELLED && !f->told)
		outcome_log(f->r, result);
	if (f->flight)
		fetch_finish_for_flight(f, result);
	else
		finish_for_request(f, result);
	fetch_unref(f);
}

const struct job_client fetch_client = {
        .interim = fetch_interim,
        .head = on_head,
        .body = on_body,
        .upload = on_upload,
        .done = on_done,
};
