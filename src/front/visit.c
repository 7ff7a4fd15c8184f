#include "front/visit.h"

#include "base/clock.h"
#include "front/admit.h"
#include "front/tls.h"
#include "front/batch_page.h"
#include "front/interim.h"
#include "front/pages.h"
#include "front/visit_inside.h"

#include <errno.h>

void visit_unref(struct visit *v)
{
	CHECK(v, VISIT_MAGIC);
	if (atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&v->lock);
	buf_release(&v->interim);
	free(v->shown);
	v->magic = 0;
	free(v);
}

/* Waits without blocking: the connection is suspended until visit_wake. False: a wake came already; look again. */
bool visit_suspend(struct visit *v)
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

void visit_wake(void *arg)
{
	struct visit *v = arg;

	CHECK(v, VISIT_MAGIC);
	pthread_mutex_lock(&v->lock);
	wake_locked(v);
	pthread_mutex_unlock(&v->lock);
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
	bool ended;

	CHECK(v, VISIT_MAGIC);
	pthread_mutex_lock(&v->lock);
	v->answered = true;
	ended = v->ended;
	wake_locked(v);
	pthread_mutex_unlock(&v->lock);
	if (ended)
		answer_release(&r->answer); /* nobody is there to read it: a stream would hold its worker for ever */
	visit_unref(v);
}

static const struct request_front visit_front = {.park = on_park, .ready = on_ready, .interim = interim_tell};

/* Makes the request from what the client sent; false: it has an answer already, an error or a page of our own. */
bool visit_admit(struct visit *v, const char *method)
{
	struct admission admission = {
	        .front = v->loop->front, .conf = v->loop->conf, .guest = v->guest, .connection = v->connection};

	return admit_request(&admission, method, v->target, &visit_front, v, &v->r);
}

bool visit_start(struct visit *v)
{
	struct flow *flow = v->loop->front->flow;

	return batch_page_own(v->r) ? batch_page_start(flow, v->r) : flow_start(flow, v->r);
}

static enum MHD_Result serve(struct visit *v, const char *method)
{
	enum MHD_Result result;

	if (visit_deliver_prepared(v, method, &result))
		return result;
	if (!visit_admit(v, method)) {
		/* Where a malformed head ends may be a matter of opinion: nothing is read behind it (RFC 9112 section 6.3). */
		v->closes = v->r && (v->r->answer.status == 400 || v->r->answer.status == 501);
		return v->r ? visit_deliver(v) : MHD_NO;
	}
	if (visit_start(v))
		return visit_deliver_inline(v);
	return visit_await(v);
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
		v->takes_interims = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
		v->guest->receiving = brings_body(connection);
		if (v->guest->receiving)
			return visit_begin_body(v, method);
		v->state = VISIT_READ;
		return MHD_YES;
	case VISIT_READ:
		return serve(v, method);
	case VISIT_GATHER:
	case VISIT_UPLOAD:
	case VISIT_DRAIN:
		return *size > 0 ? visit_take_body(v, data, size) : visit_end_body(v);
	case VISIT_WAIT:
		return visit_await(v);
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
	        .tally = {.row = TALLY_OWN, .kind = CACHE_KIND_NONE, .age_ms = -1},
	};
	v->interim = BUF_INIT(INTERIM_WAITING_MAX);
	atomic_init(&v->refs, 1);
	pthread_mutex_init(&v->lock, NULL);
	memcpy(v->target, target, size);
	if (v->guest->listener->tls && !v->guest->judged) {
		v->guest->judged = true;
		v->guest->unproved = v->loop->front->client_ca && !tls_is_proved(connection);
	}
	v->guest->busy = true;
	v->guest->receiving = false;
	v->guest->head_complete = false;
	v->guest->since_us = v->started_us;
	atomic_fetch_add_explicit(&daemon->loop->front->active, 1, memory_order_relaxed);
	return v;
}

/* What is known of the request at its end, for the figures and the log. */
static void note_end(struct visit *v, enum MHD_RequestTerminationCode why, int64_t now_us)
{
	if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && v->state != VISIT_ANSWERED)
		v->log.status = 0;
	v->log.duration_us = now_us - v->started_us;
	v->tally.status = v->log.status;
	v->tally.duration_us = v->log.duration_us;
	tally_note(v->loop->tally, &v->tally);
	if (!v->log.method)
		v->log.method = "-";
	v->log.client = v->guest->client;
	v->log.identity = v->identity;
}

static const char *shown_target(struct visit *v)
{
	if (!v->shown)
		v->shown = admit_show(v->target);
	return v->shown ? v->shown : "-";
}

static void write_log(struct visit *v)
{
	if (!log_wants(LOG_LEVEL_INFO))
		return;
	v->log.target = shown_target(v);
	log_request(&v->log);
}

/* As much of the text as there is room for. */
static void copy_text(char *room, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1);

	memcpy(room, text, length);
	room[length] = '\0';
}

/* For people who look at the last requests. What was kept ready is too much to be noted unless somebody watches. */
static void write_record(struct visit *v)
{
	bool last = v->r && v->tally.row != TALLY_OWN;
	struct record record = {.at_ms = clock_wall_ms(),
	        .resource = tally_row_name(v->tally.row),
	        .status = v->log.status,
	        .kind = v->tally.kind,
	        .sent = v->log.sent,
	        .duration_us = v->log.duration_us,
	        .upstream_us = v->log.upstream_us};

	if (v->r && v->state == VISIT_ANSWERED) {
		record.why = v->r->answer.cache.forward;
		record.stored = v->r->answer.cache.stored;
	}
	copy_text(record.method, sizeof(record.method), v->log.method);
	copy_text(record.target, sizeof(record.target), shown_target(v));
	copy_text(record.client, sizeof(record.client), v->log.client);
	copy_text(record.identity, sizeof(record.identity), v->log.identity);
	records_add(v->loop->front->records, &record, last);
}

void visit_end(void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct visit *v = *state;
	int64_t now_us = clock_monotonic_us();
	struct loop *loop;
	bool answered;

	if (!v)
		return;
	CHECK(v, VISIT_MAGIC);
	*state = NULL;
	loop = v->loop;
	note_end(v, why, now_us);
	write_log(v);
	if ((v->r || records_watched(loop->front->records)) && !pages_own(v->target))
		write_record(v);
	atomic_fetch_add_explicit(&loop->requests, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&loop->bytes, v->log.sent, memory_order_relaxed);
	v->guest->busy = false;
	v->guest->since_us = now_us;
	atomic_store_explicit(&loop->stirred_us, now_us, memory_order_relaxed);
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	answered = v->answered;
	pthread_mutex_unlock(&v->lock);
	if (v->r) {
		pipe_end(&v->r->upload, -ECONNRESET); /* a client that left before its body was complete */
		if (v->streaming || answered)
			answer_release(&v->r->answer);
		request_unref(v->r);
		v->r = NULL;
	}
	atomic_fetch_sub_explicit(&loop->front->active, 1, memory_order_release);
	visit_unref(v);
}
