#include "front/visit.h"

#include "base/clock.h"
#include "flow/fetch.h"
#include "front/admit.h"
#include "front/pages.h"

#include <errno.h>
#include <sys/socket.h>

/* A body of known length up to this is taken in whole before Redmine is asked: a slow client then holds no worker. */
#define BODY_GATHERED (256 * 1024)

enum visit_state {
	VISIT_HEAD,   /* the handler was not called yet */
	VISIT_READ,   /* no body: to be served at the second call, since an answer at the first closes the connection */
	VISIT_GATHER, /* the body comes and is gathered */
	VISIT_UPLOAD, /* the body comes and goes on to Redmine as it comes */
	VISIT_DRAIN,  /* the body comes and is thrown away: the answer is an error */
	VISIT_WAIT,   /* the answer is awaited */
	VISIT_ANSWERED, /* the answer is queued */
};

/* What a request whose answer is awaited on other threads is known by. One reference is libmicrohttpd's, one the parked request's. */
struct visit {
	unsigned magic;
#define VISIT_MAGIC 0x71517000
	atomic_uint refs;
	struct loop *loop;
	struct guest *guest;
	struct MHD_Connection *connection;
	enum visit_state state;
	struct request *r; /* NULL until it is needed: a prepared answer does without */
	int64_t started_us;
	uint64_t received; /* bytes of the body */
	bool streaming;
	bool too_large; /* the body passed the limit while it came: what is left is thrown away, then 413 */

	pthread_mutex_t lock; /* guards the next four */
	bool suspended, wake_pending, ended;
	bool answered;

	struct log_request log;
	char identity[8];
	char *shown;
	char target[];
};

static void visit_unref(struct visit *v)
{
	CHECK(v, VISIT_MAGIC);
	if (atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&v->lock);
	free(v->shown);
	v->magic = 0;
	free(v);
}

/* Waits without blocking: the connection is suspended until visit_wake. False: a wake came already; look again. */
static bool suspend(struct visit *v)
{
	bool suspended;

	pthread_mutex_lock(&v->lock);
	suspended = !v->wake_pending;
	v->wake_pending = false;
	if (suspended) {
		v->suspended = true;
		MHD_suspend_connection(v->connection);
	}
	pthread_mutex_unlock(&v->lock);
	return suspended;
}

static void wake_locked(struct visit *v)
{
	if (v->ended)
		return;
	if (v->suspended) {
		v->suspended = false;
		MHD_resume_connection(v->connection);
		loop_poke(v->loop);
	} else {
		v->wake_pending = true;
	}
}

static void wake(void *arg)
{
	struct visit *v = arg;

	CHECK(v, VISIT_MAGIC);
	pthread_mutex_lock(&v->lock);
	wake_locked(v);
	pthread_mutex_unlock(&v->lock);
}

static bool is_answered(struct visit *v)
{
	bool answered;

	pthread_mutex_lock(&v->lock);
	answered = v->answered;
	pthread_mutex_unlock(&v->lock);
	return answered;
}

/* request_front.park: the visit lives until ready, whatever its client does. The handler suspends when it has nothing else to do. */
static void on_park(struct request *r)
{
	struct visit *v = r->visit;

	CHECK(v, VISIT_MAGIC);
	atomic_fetch_add(&v->refs, 1);
}

static void on_ready(struct request *r)
{
	struct visit *v = r->visit;

	CHECK(v, VISIT_MAGIC);
	pthread_mutex_lock(&v->lock);
	v->answered = true;
	wake_locked(v);
	pthread_mutex_unlock(&v->lock);
	visit_unref(v);
}

static const struct request_front visit_front = {.park = on_park, .ready = on_ready};

/* The answer was cut: a reset, so that not even a client of HTTP/1.0 takes what it has for all. */
static void reset_at_close(const struct visit *v)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(v->guest->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static ssize_t read_stream(void *arg, uint64_t at, char *room, size_t size)
{
	struct visit *v = arg;

	CHECK(v, VISIT_MAGIC);
	for (;;) {
		ssize_t n = fetch_read(v->r->answer.fetch, room, size);

		if (n > 0) {
			v->log.sent += (uint64_t)n;
			return n;
		}
		if (n == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (n != PIPE_HOLD) {
			reset_at_close(v);
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		if (suspend(v))
			return 0;
	}
}

static void note_for_log(struct visit *v)
{
	struct request *r = v->r;

	v->log.status = r->answer.status;
	v->log.cache = cache_status_word(&r->answer.cache);
	v->log.upstream_us = r->answer.upstream_us;
	v->shown = admit_show(r->raw_target);
	if (!r->identity.anonymous && r->flow)
		snprintf(v->identity, sizeof(v->identity), "%02x%02x%02x", r->identity.digest[0], r->identity.digest[1],
		        r->identity.digest[2]);
}

static enum MHD_Result queue(struct visit *v, struct reply *reply)
{
	enum MHD_Result result;

	if (atomic_load(&v->loop->front->draining) || v->guest->refused)
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
			fetch_listen(v->r->answer.fetch, wake, v);
		return reply_from_answer(reply, v->r, &reader);
	}
	body = reply_body(v->r, origin);
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
static enum MHD_Result deliver(struct visit *v)
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
	v->log.cache = "hit";
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
	struct loop *loop = v->loop;

	if (atomic_load_explicit(&loop->front->draining, memory_order_relaxed) || v->guest->refused)
		return NULL;
	prepared_begin(loop->prepared, method, v->target);
	MHD_get_connection_values_n(v->connection, MHD_HEADER_KIND, add_to_prepared, loop->prepared);
	return prepared_find(loop->prepared, loop->conf, loop->wall_ms);
}

/* A hit that can be prepared is from now on. */
static enum MHD_Result deliver_inline(struct visit *v)
{
	struct prepared_answer *answer = NULL;

	if (v->r->answer.kind == ANSWER_ENTRY && v->r->answer.cache.hit && !v->guest->refused &&
	        !atomic_load(&v->loop->front->draining))
		answer = prepared_keep(v->loop->prepared, v->r, v->loop->wall_ms);
	return answer ? queue_prepared(v, answer) : deliver(v);
}

/* Suspends until there is an answer, then delivers it. */
static enum MHD_Result await(struct visit *v)
{
	v->state = VISIT_WAIT;
	while (!is_answered(v))
		if (suspend(v))
			return MHD_YES;
	return deliver(v);
}

/* Makes the request from what the client sent; false: it has an answer already, an error or a page of our own. */
static bool admit(struct visit *v, const char *method)
{
	struct admission admission = {
	        .front = v->loop->front, .conf = v->loop->conf, .guest = v->guest, .connection = v->connection};

	return admit_request(&admission, method, v->target, &visit_front, v, &v->r);
}

static enum MHD_Result serve(struct visit *v, const char *method)
{
	struct prepared_answer *prepared = find_prepared(v, method);

	if (prepared) {
		atomic_fetch_add_explicit(&v->loop->prepared_hits, 1, memory_order_relaxed);
		return queue_prepared(v, prepared);
	}
	if (!admit(v, method))
		return v->r ? deliver(v) : MHD_NO;
	if (flow_start(v->loop->front->flow, v->r))
		return deliver_inline(v);
	return await(v);
}

/* The first call of a request that brings a body. */
static enum MHD_Result begin_body(struct visit *v, const char *method)
{
	bool admitted = admit(v, method);

	if (!v->r)
		return MHD_NO;
	if (!admitted) {
		/* What is too large is not waited for: the answer now, and the connection ends. */
		if (v->r->answer.status == 413)
			return deliver(v);
		v->state = VISIT_DRAIN;
		return MHD_YES;
	}
	pipe_set_writer(&v->r->upload, wake, v);
	if (v->r->body_size >= 0 && v->r->body_size <= BODY_GATHERED) {
		v->state = VISIT_GATHER;
		return MHD_YES;
	}
	v->state = VISIT_UPLOAD;
	if (flow_start(v->loop->front->flow, v->r)) {
		v->state = VISIT_DRAIN;
		return MHD_YES;
	}
	return MHD_YES;
}

/*
 * A chunked body that turns out too large: Redmine's side is cut, and the client is heard out before it is
 * told, for it reads no answer while it sends; but not for ever.
 */
static enum MHD_Result refuse_rest(struct visit *v, size_t *size, uint64_t limit)
{
	v->too_large = true;
	v->received += *size;
	*size = 0;
	pipe_end(&v->r->upload, -EFBIG);
	if (v->received / 2 <= limit)
		return MHD_YES;
	reset_at_close(v);
	return MHD_NO;
}

/* Bytes of the body. What is not taken is offered again after the wake. */
static enum MHD_Result take_body(struct visit *v, const char *data, size_t *size)
{
	uint64_t limit = v->loop->conf->listen.body_limit;

	if (v->state == VISIT_DRAIN) {
		*size = 0;
		return MHD_YES;
	}
	if (limit > 0 && v->received + *size > limit)
		return refuse_rest(v, size, limit);
	for (;;) {
		int r = v->state == VISIT_GATHER ? pipe_push(&v->r->upload, data, *size)
		                                 : pipe_write(&v->r->upload, data, *size);

		if (r == PIPE_HOLD) {
			if (suspend(v))
				return MHD_YES;
			continue;
		}
		if (r < 0 && r != -EPIPE)
			return MHD_NO;
		v->received += *size; /* with -EPIPE: Redmine answered already and takes no more */
		*size = 0;
		return MHD_YES;
	}
}

static enum MHD_Result end_body(struct visit *v)
{
	if (v->state == VISIT_DRAIN)
		return deliver(v);
	pipe_end(&v->r->upload, 0);
	if (v->state == VISIT_GATHER && flow_start(v->loop->front->flow, v->r))
		return deliver(v);
	return await(v);
}

static bool brings_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

	if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding"))
		return true;
	return length && strspn(length, "0") != strlen(length);
}

enum MHD_Result visit_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
        const char *version, const char *data, size_t *size, void **state)
{
	struct visit *v = *state;

	CHECK(v, VISIT_MAGIC);
	switch (v->state) {
	case VISIT_HEAD:
		v->guest->head_complete = true;
		v->log.method = method;
		if (brings_body(connection))
			return begin_body(v, method);
		v->state = VISIT_READ;
		return MHD_YES;
	case VISIT_READ:
		return serve(v, method);
	case VISIT_GATHER:
	case VISIT_UPLOAD:
	case VISIT_DRAIN:
		return *size > 0 ? take_body(v, data, size) : end_body(v);
	case VISIT_WAIT:
		return await(v);
	case VISIT_ANSWERED:
		*size = 0;
		return MHD_YES;
	}
	WRONG("a state outside its enum");
}

void *visit_begin(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct loop_daemon *daemon = arg;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	size_t size = strlen(target) + 1;
	struct visit *v = malloc(sizeof(*v) + size);

	if (!v || !info || !info->socket_context) {
		free(v);
		return NULL;
	}
	*v = (struct visit){
	        .magic = VISIT_MAGIC,
	        .loop = daemon->loop,
	        .guest = info->socket_context,
	        .connection = connection,
	        .state = VISIT_HEAD,
	        .started_us = clock_monotonic_us(),
	        .log = {.upstream_us = -1, .cache = "-"},
	        .identity = "-",
	};
	atomic_init(&v->refs, 1);
	pthread_mutex_init(&v->lock, NULL);
	memcpy(v->target, target, size);
	v->guest->busy = true;
	v->guest->head_complete = false;
	v->guest->since_us = v->started_us;
	atomic_fetch_add_explicit(&daemon->loop->front->active, 1, memory_order_relaxed);
	return v;
}

static void write_log(struct visit *v, enum MHD_RequestTerminationCode why)
{
	if (!log_wants(LOG_LEVEL_INFO))
		return;
	if (!v->log.method)
		v->log.method = "-";
	if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && v->state != VISIT_ANSWERED)
		v->log.status = 0;
	if (!v->shown)
		v->shown = admit_show(v->target);
	v->log.target = v->shown ? v->shown : "-";
	v->log.client = v->guest->client;
	v->log.identity = v->identity;
	v->log.duration_us = clock_monotonic_us() - v->started_us;
	log_request(&v->log);
}

void visit_end(void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct visit *v = *state;
	struct loop *loop;

	if (!v)
		return;
	CHECK(v, VISIT_MAGIC);
	*state = NULL;
	loop = v->loop;
	write_log(v, why);
	atomic_fetch_add_explicit(&loop->requests, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&loop->bytes, v->log.sent, memory_order_relaxed);
	v->guest->busy = false;
	v->guest->since_us = clock_monotonic_us();
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	pthread_mutex_unlock(&v->lock);
	if (v->r) {
		pipe_end(&v->r->upload, -ECONNRESET); /* a client that left before its body was complete */
		if (v->streaming)
			answer_release(&v->r->answer);
		request_unref(v->r);
		v->r = NULL;
	}
	atomic_fetch_sub_explicit(&loop->front->active, 1, memory_order_release);
	visit_unref(v);
}
