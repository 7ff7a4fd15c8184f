#include "flow/fetch_inside.h"

#include "base/clock.h"
#include "flow/forward.h"
#include "flow/named_session.h"
#include "flow/outcome.h"
#include "flow/stale.h"
#include "flow/write.h"

#include <errno.h>

/* A streamed body waits in a pipe of this size for the client. */
#define STREAM_LIMIT (256 * 1024)

void fetch_unref(struct fetch *f)
{
	CHECK(f, FETCH_MAGIC);
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	job_release(&f->job);
	fields_release(&f->fields);
	fields_release(&f->own);
	buf_release(&f->body);
	pipe_release(&f->pipe);
	links_free(f->links);
	request_unref(f->r);
	free(f->reason);
	free(f->target);
	f->magic = 0;
	free(f);
}

static ssize_t stream_read(void *owner, char *room, size_t size)
{
	struct fetch *fetch = owner;

	CHECK(fetch, FETCH_MAGIC);
	return pipe_read(&fetch->pipe, room, size);
}

static void stream_listen(void *owner, void (*wake)(void *arg), void *arg)
{
	struct fetch *fetch = owner;

	CHECK(fetch, FETCH_MAGIC);
	pipe_set_reader(&fetch->pipe, wake, arg);
}

/* An unfinished transfer is cancelled. */
static void stream_leave(void *owner)
{
	struct fetch *fetch = owner;

	CHECK(fetch, FETCH_MAGIC);
	pipe_abandon(&fetch->pipe);
	job_cancel(&fetch->job);
	fetch_unref(fetch);
}

const struct stream_ops fetch_stream = {.read = stream_read, .listen = stream_listen, .leave = stream_leave};

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
	              r->conf->cache.policy == CACHE_POLICY_REDMINE &&
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
	job->timeout_ms = named_session_timeout_ms(r);
	job->connect_timeout_ms = named_session_connect_timeout_ms(r);
	job->route = r->session ? &r->route : NULL;
	job->rank = r->rank;
	memcpy(&job->share, r->identity.digest, sizeof(job->share));
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
	engines_submit(f->flow->engines, f->r->engine, &f->job);
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

/* Where an old answer can be served Redmine is not waited for as long as else. */
static void hurry(struct fetch *f)
{
	const struct request *r = f->r;
	int64_t slow_ms = r->conf->cache.slow_ms;

	if (slow_ms == 0 || slow_ms >= f->job.timeout_ms || !r->stale ||
	        !stale_may_serve(r, r->stale, cache_generations(f->flow->cache), STALE_SLOW, clock_wall_ms()))
		return;
	f->impatient = true;
	f->job.timeout_ms = slow_ms;
	if (slow_ms < f->job.connect_timeout_ms)
		f->job.connect_timeout_ms = slow_ms;
}

void fetch_for_flight(struct request *r, struct flight *flight)
{
	struct fetch *f = fetch_new(r, FORWARD_TO_KEEP);
	struct job_result refused = {.outcome = JOB_REFUSED, .text = "out of memory"};
	struct job_result left_alone = {.outcome = JOB_REFUSED};

	if (!f || (r->stale && add_validator(f) < 0)) {
		struct fetch nothing = {.magic = FETCH_MAGIC, .flow = r->flow, .r = r, .flight = flight};

		if (f)
			fetch_unref(f);
		fetch_land(&nothing, NULL, false, false, &refused);
		return;
	}
	f->flight = flight;
	f->notes = *flight_notes(flight);
	if (!fetch_admit(f)) {
		fetch_land(f, NULL, false, false, &left_alone);
		fetch_unref(f);
		return;
	}
	hurry(f);
	flight_carry(f->flow->flights, flight, &f->job);
	submit(f);
}

void fetch_for_request(struct request *r, bool write)
{
	struct fetch *f = fetch_new(r, FORWARD_TO_PASS);
	struct job_result refused = {.outcome = JOB_REFUSED, .text = "out of memory"};

	if (!f) {
		struct fetch nothing = {.magic = FETCH_MAGIC, .flow = r->flow, .r = r, .write = write};

		if (write)
			write_end(r, false);
		outcome_answer(r, &refused, write, 0);
		fetch_deliver(&nothing, r);
		return;
	}
	f->write = write;
	if (!write && !fetch_admit(f)) {
		pipe_abandon(&r->upload);
		outcome_answer_left_alone(r, f->retry_after);
		fetch_set_cache_status(f, r);
		fetch_deliver(f, r);
		fetch_unref(f);
		return;
	}
	if (request_is_head(r))
		flow_note_read(r, &f->notes);
	submit(f);
}
