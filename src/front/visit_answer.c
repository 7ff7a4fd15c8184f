#include "front/visit_inside.h"

#include "base/clock.h"
#include "flow/forward.h"
#include "front/admit.h"
#include "front/interim.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * The answer was cut: a reset, so that not even a client of HTTP/1.0 takes what it has for all. It has to be now: at its
 * close libmicrohttpd would first send a FIN, which is the end of a whole answer. (A Unix socket knows no reset.)
 */
void visit_reset(const struct visit *v)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	if (connect(v->guest->fd, &nobody, sizeof(nobody)) < 0)
		shutdown(v->guest->fd, SHUT_RDWR);
}

static ssize_t read_stream(void *arg, uint64_t at, char *room, size_t size)
{
	struct visit *v = arg;

	CHECK(v, VISIT_MAGIC);
	for (;;) {
		ssize_t n = answer_read(&v->r->answer, room, size);

		if (n > 0) {
			v->log.sent += (uint64_t)n;
			return n;
		}
		if (n == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (n != PIPE_HOLD) {
			visit_reset(v);
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		if (visit_suspend(v))
			return 0;
	}
}

static void note_for_log(struct visit *v)
{
	struct request *r = v->r;

	v->log.status = r->answer.status;
	v->tally.kind = cache_status_kind(&r->answer.cache);
	v->log.cache = cache_kind_word(v->tally.kind);
	if (r->flow)
		v->tally.row = resource_index(r->resource);
	if (r->answer.cache.hit && r->answer.entry)
		v->tally.age_ms = entry_age_ms(r->answer.entry, v->loop->wall_ms);
	v->log.upstream_us = r->answer.upstream_us;
	v->shown = admit_show(r->raw_target);
	if (!r->identity.anonymous && r->flow)
		identity_print(&r->identity, v->identity);
}

static enum MHD_Result queue(struct visit *v, struct reply *reply)
{
	enum MHD_Result result;

	if (atomic_load(&v->loop->front->draining) || v->guest->refused || v->closes)
		reply_close(reply);
	if (reply->body_size != UINT64_MAX)
		v->log.sent = reply->body_size;
	result = reply_queue(reply, v->connection);
	v->state = VISIT_ANSWERED;
	return result;
}

static int make_reply(struct visit *v, struct reply *reply)
{
	const struct origin *origin = v->loop->front->flow->origin;
	struct reply_reader reader = {.read = read_stream, .arg = v};
	struct blob *body;
	int r;

	if (v->r->answer.kind != ANSWER_ENTRY) {
		v->streaming = v->r->answer.kind == ANSWER_STREAM;
		if (v->streaming)
			answer_listen(&v->r->answer, visit_wake, v);
		return reply_from_answer(reply, v->r, &reader);
	}
	body = forward_body(v->r, origin);
	r = body ? reply_from_entry(reply, v->r, origin, body, clock_wall_ms()) : -ENOMEM;
	blob_unref(body);
	return r;
}

/* What libmicrohttpd needs for itself beside the two heads in the memory of a connection. */
#define HEAD_OVERHEAD 2048

/* A head that does not fit beside the request's would end the connection without a word. */
static bool fits(const struct visit *v)
{
	const struct answer *answer = &v->r->answer;
	const struct fields *fields = answer->kind == ANSWER_ENTRY ? &answer->entry->fields : &answer->fields;

	return fields_size(fields) + fields_size(&v->r->fields) + strlen(v->target) + HEAD_OVERHEAD <=
	       v->loop->conf->listen.header_limit;
}

static void check_sizes(struct visit *v)
{
	if (v->too_large)
		request_answer_error(v->r, 413, 0, "The body is larger than listen.body_limit allows.");
	else if (!fits(v))
		request_answer_error(v->r, 502, 0,
		        "The fields of Redmine's answer do not fit into listen.header_limit beside the request's.");
}

/* Queues the answer of v->r. */
enum MHD_Result visit_deliver(struct visit *v)
{
	struct reply reply;
	enum MHD_Result result;

	check_sizes(v);
	note_for_log(v);
	if (make_reply(v, &reply) < 0)
		return MHD_NO; /* out of memory: the connection ends, which is all that can be said */
	result = queue(v, &reply);
	reply_release(&reply);
	return result;
}

static enum MHD_Result queue_prepared(struct visit *v, struct prepared_answer *answer)
{
	v->log.status = answer->reply.status;
	v->tally.kind = cache_status_kind(&answer->r->answer.cache);
	v->tally.row = resource_index(answer->r->resource);
	v->tally.age_ms = entry_age_ms(answer->r->answer.entry, v->loop->wall_ms);
	v->log.cache = cache_kind_word(v->tally.kind);
	v->log.sent = answer->reply.body_size;
	v->shown = strdup(answer->shown);
	memcpy(v->identity, answer->identity, sizeof(v->identity));
	v->state = VISIT_ANSWERED;
	return reply_queue(&answer->reply, v->connection);
}

static enum MHD_Result add_to_prepared(
        void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value, size_t value_size)
{
	prepared_add(arg, name, name_size, value ? value : "", value_size);
	return MHD_YES;
}

static struct prepared_answer *find_prepared(struct visit *v, const char *method)
{
	const struct listener *listener = v->guest->listener;
	const uint32_t peer[3] = {v->guest->door.uid, v->guest->door.gid, v->guest->door.remote};
	struct loop *loop = v->loop;

	if (atomic_load_explicit(&loop->front->draining, memory_order_relaxed) || v->guest->refused ||
	        v->guest->unproved)
		return NULL;
	prepared_begin(loop->prepared, method, v->target);
	/* Besides its bytes a request is judged by the door at which it came, and by who came. */
	prepared_add(loop->prepared, listener->text, strlen(listener->text), (const char *)peer, sizeof(peer));
	MHD_get_connection_values_n(v->connection, MHD_HEADER_KIND, add_to_prepared, loop->prepared);
	return prepared_find(loop->prepared, loop->conf, loop->wall_ms);
}

bool visit_deliver_prepared(struct visit *v, const char *method, enum MHD_Result *ret)
{
	struct prepared_answer *answer = find_prepared(v, method);

	if (!answer)
		return false;
	atomic_fetch_add_explicit(&v->loop->prepared_hits, 1, memory_order_relaxed);
	*ret = queue_prepared(v, answer);
	return true;
}

/* A hit that can be prepared is from now on. */
enum MHD_Result visit_deliver_inline(struct visit *v)
{
	struct prepared_answer *answer = NULL;

	if (v->r->answer.kind == ANSWER_ENTRY && v->r->answer.cache.hit && !v->r->answer.cache.stale && fits(v) &&
	        !v->guest->refused && !atomic_load(&v->loop->front->draining))
		answer = prepared_keep(v->loop->prepared, v->r, v->loop->wall_ms);
	return answer ? queue_prepared(v, answer) : visit_deliver(v);
}

static bool is_answered(struct visit *v)
{
	bool answered;

	pthread_mutex_lock(&v->lock);
	answered = v->answered;
	pthread_mutex_unlock(&v->lock);
	return answered;
}

/* Suspends until there is an answer, then delivers it. */
enum MHD_Result visit_await(struct visit *v)
{
	v->state = VISIT_WAIT;
	for (;;) {
		bool answered = is_answered(v);

		interim_write(v);
		if (answered)
			return visit_deliver(v);
		if (visit_suspend(v))
			return MHD_YES;
	}
}
