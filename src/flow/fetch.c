#include "flow/fetch.h"

#include "base/clock.h"
#include "flow/forward.h"
#include "flow/harvest.h"
#include "flow/outcome.h"
#include "redmine/links.h"

#include <errno.h>

/* A streamed body waits in a pipe of this size for the client. */
#define STREAM_LIMIT (256 * 1024)
/* A body of known length up to this is collected: it then leaves in one piece, or as a clean error. */
#define COLLECT_LIMIT (64 * 1024)

enum fetch_mode {
	FETCH_COLLECT, /* the body gathers in memory */
	FETCH_STREAM,  /* the body goes through the pipe */
	FETCH_COUNT,   /* only its length is wanted: HEAD asked as GET */
};

struct fetch {
	unsigned magic;
#define FETCH_MAGIC 0xfe7c4000
	atomic_uint refs;
	struct job job;
	char *target;
	struct flow *flow;
	struct request *r;     /* whose request is sent; one reference */
	struct flight *flight; /* NULL: for r only, or landed already */
	bool write, headed, write_ended, told;
	int64_t started_us; /* monotonic */
	enum fetch_mode mode;

	unsigned status;
	char *reason;
	struct fields fields;  /* end-to-end */
	struct fields cookies; /* of a flight's answer: the leader's alone */
	bool framed;
	int64_t length; /* as Redmine said it, -1: it did not */
	struct policy_keep keep;
	struct tag_notes notes; /* of the flight */

	struct buf body;
	uint64_t counted;
	struct links *links; /* NULL: as they are */
	struct pipe pipe;
};

static void fetch_unref(struct fetch *f)
{
	CHECK(f, FETCH_MAGIC);
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	job_release(&f->job);
	fields_release(&f->fields);
	fields_release(&f->cookies);
	buf_release(&f->body);
	pipe_release(&f->pipe);
	links_free(f->links);
	request_unref(f->r);
	free(f->reason);
	free(f->target);
	f->magic = 0;
	free(f);
}

ssize_t fetch_read(struct fetch *fetch, char *room, size_t size)
{
	CHECK(fetch, FETCH_MAGIC);
	return pipe_read(&fetch->pipe, room, size);
}

void fetch_listen(struct fetch *fetch, void (*wake)(void *arg), void *arg)
{
	CHECK(fetch, FETCH_MAGIC);
	pipe_set_reader(&fetch->pipe, wake, arg);
}

void fetch_leave(struct fetch *fetch)
{
	CHECK(fetch, FETCH_MAGIC);
	pipe_abandon(&fetch->pipe);
	job_cancel(&fetch->job);
	fetch_unref(fetch);
}

/* The write was answered or is lost: what it spoilt is spoilt again, reads that were in flight included. */
static void end_write(struct fetch *f)
{
	if (!f->write || f->write_ended)
		return;
	f->write_ended = true;
	if (f->r->write_tags.count > 0)
		cache_write_end(f->flow->cache, f->r->write_tags.items, f->r->write_tags.count);
}

/* r has its answer; a write is delivered once the store has noted what it spoils, too. */
static void deliver(struct fetch *f, struct request *r)
{
	if (!f->write || atomic_fetch_sub(&r->write_waits, 1) == 1)
		flow_resume(r, STEP_DELIVER);
}

static void set_cache_status(const struct fetch *f, struct request *r)
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
	set_cache_status(f, r);
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

/* From here on the body goes to the client as it comes. What was collected goes first. */
static int start_stream(struct fetch *f)
{
	CLEANUP(buf_release) struct buf collected = f->body;
	int r;

	f->body = BUF_INIT(1);
	if (f->flight)
		disband(f);
	r = answer_head(f, f->r, ANSWER_STREAM);
	if (r < 0 || (r = make_links(f)) < 0)
		return r;
	f->mode = FETCH_STREAM;
	f->r->answer.length = f->links ? -1 : f->length;
	f->r->answer.fetch = f;
	f->r->answer.upstream_us = clock_monotonic_us() - f->started_us;
	atomic_fetch_add(&f->refs, 1);
	deliver(f, f->r); /* from here on a failure cuts the stream */
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

	harvest_decide(&f->keep, f->r, f->status, &f->fields, f->framed);
	f->body = BUF_INIT(f->r->conf->cache.object_limit);
	if (validated || (f->length <= (int64_t)f->body.ceiling && f->keep.share))
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

static int on_head(struct job *job, const struct job_head *head)
{
	struct fetch *f = job->owner;
	int r;

	CHECK(f, FETCH_MAGIC);
	r = take_head(f, head);
	end_write(f);
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

/* Set-Cookie is for the one client whose request brought it, and where an API format is answered not even for that one. */
static void give_cookies(struct fetch *f)
{
	for (size_t i = 0; i < f->cookies.count; i++)
		if (fields_add(&f->r->answer.fields, f->cookies.items[i].name, f->cookies.items[i].value) < 0)
			return;
}

static int take_cookies(struct fetch *f)
{
	if (!forward_passes_cookies(f->r))
		return 0;
	for (size_t i = 0; i < f->fields.count; i++)
		if (field_name_is(f->fields.items[i].name, "Set-Cookie") &&
		        fields_add(&f->cookies, "Set-Cookie", f->fields.items[i].value) < 0)
			return -ENOMEM;
	return 0;
}

/* Everybody who waits gets the entry, or the error when there is none. */
static void land(struct fetch *f, struct entry *entry, bool stored, bool validated, const struct job_result *result)
{
	struct request *waiter = flight_land(f->flow->flights, f->flight);

	f->flight = NULL;
	while (waiter) {
		struct request *next = waiter->next_waiter;

		if (entry)
			request_answer_entry(waiter, entry);
		else
			outcome_answer(waiter, result, false, f->status);
		set_cache_status(f, waiter);
		if (waiter == f->r && entry)
			give_cookies(f);
		waiter->answer.cache.stored = stored;
		waiter->answer.cache.forward_status = validated ? 304 : 0;
		waiter->answer.upstream_us = result->upstream_us;
		flow_resume(waiter, STEP_DELIVER);
		request_unref(waiter);
		waiter = next;
	}
}

static void finish_for_flight(struct fetch *f, const struct job_result *result)
{
	CLEANUP(entry_unrefp) struct entry *entry = NULL;
	struct job_result failed = {.outcome = JOB_REFUSED, .text = "out of memory"};
	bool validated = f->status == 304 && f->r->stale, stored = false;

	if (result->outcome != JOB_DONE) {
		land(f, NULL, false, false, result);
		return;
	}
	if (take_cookies(f) < 0) {
		land(f, NULL, false, false, &failed);
		return;
	}
	if (validated)
		entry = harvest_renew(f->r, &f->fields, &f->keep, &f->notes);
	else
		entry = harvest_make(f->r, f->flow->origin,
		        &(struct harvest){
		                .status = f->status, .reason = f->reason, .fields = &f->fields, .body = &f->body},
		        &f->keep, &f->notes);
	if (!entry) {
		land(f, NULL, false, false, &failed);
		return;
	}
	if (f->keep.keep)
		stored = cache_put(f->flow->cache, entry);
	else if (f->status < 500)
		cache_drop(f->flow->cache, &f->r->key);
	if (stored)
		flights_unite(f->flow->flights, &f->r->key);
	land(f, entry, stored, validated, result);
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
		set_cache_status(f, r);
		deliver(f, r);
		return;
	}
	if (f->status == 304)
		r->answer.length = f->length; /* of the body that it does not have, if it says one */
	else if (f->mode == FETCH_COUNT)
		r->answer.length = (int64_t)f->counted;
	else if (strcmp(f->job.method, "HEAD") == 0)
		r->answer.length = f->length > 0 ? f->length : -1; /* Redmine says 0 for every HEAD */
	buf_release(&r->answer.body);
	r->answer.body = f->body;
	f->body = BUF_INIT(1);
	deliver(f, r);
}

static void on_done(struct job *job, const struct job_result *result)
{
	struct fetch *f = job->owner;

	CHECK(f, FETCH_MAGIC);
	end_write(f);
	pipe_abandon(&f->r->upload);
	if (result->outcome != JOB_DONE && result->outcome != JOB_CANCELLED && !f->told)
		outcome_log(f->r, result);
	if (f->flight)
		finish_for_flight(f, result);
	else
		finish_for_request(f, result);
	fetch_unref(f);
}

static const struct job_client fetch_client = {
        .head = on_head,
        .body = on_body,
        .upload = on_upload,
        .done = on_done,
};

static void upload_wake(void *arg)
{
	job_wake(arg);
}

/* True when gzip between Redmine and here is worth its work: not over loopback. */
static bool wants_gzip(const struct conf *conf, const struct origin *origin)
{
	if (conf->upstream.compression == CONF_COMPRESSION_AUTO)
		return !origin->loopback;
	return conf->upstream.compression == CONF_COMPRESSION_YES;
}

static int fill_job(struct fetch *f, enum forward_purpose purpose)
{
	struct request *r = f->r;
	bool own_coding = purpose == FORWARD_TO_KEEP || forward_rewrites(r);
	bool counts = purpose == FORWARD_TO_PASS && request_is_head(r) &&
	              (r->target.format != TARGET_FORMAT_NONE || r->query.api_format || r->resource);
	struct job *job = &f->job;

	f->target = forward_target(r, f->flow->origin);
	if (!f->target || forward_request_fields(&job->fields, r, purpose, own_coding) < 0)
		return -ENOMEM;
	f->mode = counts ? FETCH_COUNT : FETCH_COLLECT;
	job->method = counts || purpose == FORWARD_TO_KEEP ? "GET" : r->method;
	job->target = f->target;
	job->has_body = r->has_body;
	job->body_size = r->body_size;
	job->safe = method_is_safe(r->method);
	job->undo_coding = own_coding;
	job->accept_gzip = own_coding && wants_gzip(r->conf, f->flow->origin);
	job->timeout_ms = r->conf->upstream.timeout_ms;
	job->connect_timeout_ms = r->conf->upstream.connect_timeout_ms;
	if (r->has_body) {
		pipe_set_reader(&r->upload, upload_wake, job);
	}
	return 0;
}

static struct fetch *fetch_new(struct request *r, enum forward_purpose purpose)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->magic = FETCH_MAGIC;
	atomic_init(&f->refs, 1); /* the job's, given back in on_done */
	f->flow = r->flow;
	f->r = request_ref(r);
	f->length = -1;
	f->body = BUF_INIT(1);
	job_init(&f->job, &fetch_client, f);
	pipe_init(&f->pipe, STREAM_LIMIT);
	if (fill_job(f, purpose) < 0) {
		fetch_unref(f);
		return NULL;
	}
	pipe_set_writer(&f->pipe, upload_wake, &f->job);
	return f;
}

static void submit(struct fetch *f)
{
	f->started_us = clock_monotonic_us();
	atomic_fetch_add(&f->flow->figures.upstream, 1);
	engine_submit(f->flow->engine, &f->job);
}

/* Offers Redmine the validator of what is stored. */
static int add_validator(struct fetch *f)
{
	const char *etag = fields_get(&f->r->stale->fields, "ETag");
	const char *modified = fields_get(&f->r->stale->fields, "Last-Modified");

	if (etag)
		return fields_set(&f->job.fields, "If-None-Match", etag);
	if (modified)
		return fields_set(&f->job.fields, "If-Modified-Since", modified);
	return 0;
}

void fetch_for_flight(struct request *r, struct flight *flight)
{
	struct fetch *f = fetch_new(r, FORWARD_TO_KEEP);
	struct job_result refused = {.outcome = JOB_REFUSED, .text = "out of memory"};

	if (!f || (r->stale && add_validator(f) < 0)) {
		struct fetch nothing = {.magic = FETCH_MAGIC, .flow = r->flow, .r = r, .flight = flight};

		if (f)
			fetch_unref(f);
		land(&nothing, NULL, false, false, &refused);
		return;
	}
	f->flight = flight;
	f->notes = *flight_notes(flight);
	submit(f);
}

void fetch_for_request(struct request *r, bool write)
{
	struct fetch *f = fetch_new(r, FORWARD_TO_PASS);
	struct job_result refused = {.outcome = JOB_REFUSED, .text = "out of memory"};

	if (!f) {
		struct fetch nothing = {.magic = FETCH_MAGIC, .flow = r->flow, .r = r, .write = write};

		end_write(&nothing);
		outcome_answer(r, &refused, write, 0);
		deliver(&nothing, r);
		return;
	}
	f->write = write;
	submit(f);
}
