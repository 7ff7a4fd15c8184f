#include "flow/errand_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/forward.h"
#include "flow/named_session.h"
#include "redmine/redact.h"

#include <errno.h>
#include <sys/random.h>

#define FULL_RETRY_AFTER 5
#define TARGET_SHOWN     512
#define READ_AT_ONCE     (64 * 1024)
/* What an errand takes beside its fields and bodies. */
#define ERRAND_OVERHEAD 2048

void errand_unref(struct errand *errand)
{
	if (!errand)
		return;
	CHECK(errand, ERRAND_MAGIC);
	if (atomic_fetch_sub(&errand->refs, 1) != 1)
		return;
	request_unref(errand->r);
	fields_release(&errand->fields);
	blob_unref(errand->body);
	free(errand->reason);
	errand->magic = 0;
	free(errand);
}

static struct errand **bucket_of(struct errands *errands, const char *id)
{
	unsigned hash = 0;

	for (; *id; id++)
		hash = hash * 31 + (unsigned char)*id;
	return &errands->buckets[hash % ERRAND_BUCKETS];
}

/* Forgets the oldest outcome. Under the lock. */
static void forget_oldest(struct errands *errands)
{
	struct errand *errand = errands->oldest, **at = bucket_of(errands, errand->id);

	errands->oldest = errand->later;
	if (errands->oldest)
		errands->oldest->sooner = NULL;
	else
		errands->newest = NULL;
	while (*at != errand)
		at = &(*at)->next;
	*at = errand->next;
	errands->outcomes--;
	errands->bytes -= errand->bytes;
	errand_unref(errand);
}

static bool is_old(const struct errand *errand)
{
	int64_t age_ms = clock_wall_ms() - errand->done_ms;

	return age_ms > errand->keep_ms || age_ms < 0;
}

static void forget_old(struct errands *errands)
{
	while (errands->oldest && is_old(errands->oldest))
		forget_oldest(errands);
}

static void on_park(struct request *r)
{
}

/* The body as it would have been sent; NULL: out of memory. */
static struct blob *take_body(struct request *r)
{
	size_t size = 0;
	struct blob *blob;
	char *data;

	if (r->answer.kind == ANSWER_ENTRY && r->answer.status != 304)
		return forward_body(r, r->flow->origin);
	data = r->answer.kind == ANSWER_WHOLE ? buf_take(&r->answer.body, &size) : NULL;
	blob = blob_new(data, size);
	if (!blob)
		free(data);
	return blob;
}

static void take_outcome(struct errand *errand)
{
	struct request *r = errand->r;
	struct answer *answer = &r->answer;
	const char *reason = answer->kind == ANSWER_ENTRY ? answer->entry->reason : answer->reason;
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	errand->status = answer->status;
	errand->reason = reason && reason[0] && answer->status != 304 ? strdup(reason) : NULL;
	errand->body = take_body(r);
	if ((answer->kind == ANSWER_ENTRY && fields_copy(&errand->fields, &answer->entry->fields) < 0) ||
	        fields_copy(&errand->fields, &answer->fields) < 0)
		fields_release(&errand->fields); /* the status says the most */
	if (redact_target(r->raw_target, TARGET_SHOWN, &shown) == 0)
		log_line(errand->status < 400 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "errand %.8s: %s %s: %u", errand->id,
		        r->method, buf_text(&shown), errand->status);
}

static void keep_outcome(struct errands *errands, struct errand *errand, const struct conf *conf)
{
	errands->bytes -= errand->bytes;
	errand->bytes = ERRAND_OVERHEAD + fields_size(&errand->fields) + (errand->body ? errand->body->size : 0);
	errands->bytes += errand->bytes;
	errand->done_ms = clock_wall_ms();
	errand->state = ERRAND_DONE;
	errand->sooner = errands->newest;
	if (errand->sooner)
		errand->sooner->later = errand;
	else
		errands->oldest = errand;
	errands->newest = errand;
	errands->outcomes++;
	while (errands->oldest != errand &&
	        (errands->outcomes > (size_t)conf->errands.outcomes || errands->bytes > conf->errands.memory))
		forget_oldest(errands);
}

static void finish(struct errand *errand)
{
	struct errands *errands = errand->errands;
	struct request *r = errand->r;
	struct errand_lane *lane = errand->lane;

	take_outcome(errand);
	pthread_mutex_lock(&errands->lock);
	errand->r = NULL;
	errands->running--;
	errands->done++;
	keep_outcome(errands, errand, r->conf);
	errand_lane_finish(errands, lane);
	if (errands->waiting + errands->running == 0)
		pthread_cond_broadcast(&errands->idle);
	pthread_mutex_unlock(&errands->lock);
	request_unref(r);
}

static void on_ready(struct request *r)
{
	struct errand *errand = r->visit;

	CHECK(errand, ERRAND_MAGIC);
	finish(errand);
}

static const struct request_front errand_front = {.park = on_park, .ready = on_ready};

void errand_run(struct errand *errand)
{
	struct request *r = request_ref(errand->r); /* it may be over, and gone, before flow_start returns */

	CHECK(errand, ERRAND_MAGIC);
	if (flow_start(r->flow, r))
		finish(errand);
	request_unref(r);
}

/* The client's body, which is here, goes over. */
static int move_body(struct request *to, struct request *from)
{
	CLEANUP(freep) char *room = malloc(READ_AT_ONCE);
	ssize_t n = 1;

	to->has_body = from->has_body;
	to->body_size = from->body_size;
	while (room && n > 0) {
		n = pipe_read(&from->upload, room, READ_AT_ONCE);
		if (n > 0 && pipe_push(&to->upload, room, (size_t)n) < 0)
			return -ENOMEM;
	}
	pipe_end(&to->upload, 0);
	return room && n == 0 ? 0 : -ENOMEM;
}

/* The same request, without a client. */
static struct request *copy_request(struct request *r, struct errand *errand)
{
	struct request *copy = request_new(&errand_front, errand, r->conf, r->method, r->raw_target);

	if (!copy)
		return NULL;
	copy->flow = r->flow;
	copy->authority = r->authority ? strdup(r->authority) : NULL;
	copy->secure = r->secure;
	copy->door = r->door;
	copy->session = r->session;
	copy->preferences = (struct preferences){.minimal = r->preferences.minimal, .workers = r->preferences.workers};
	copy->inner_limit = r->conf->errands.body_limit;
	copy->in_turn = true;
	if ((r->authority && !copy->authority) || fields_copy(&copy->fields, &r->fields) < 0 ||
	        (r->has_body && move_body(copy, r) < 0)) {
		request_unref(copy);
		return NULL;
	}
	return copy;
}

/* 128 bits that cannot be guessed, as text. */
static int make_id(char id[ERRAND_ID_SIZE])
{
	unsigned char bytes[(ERRAND_ID_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static struct errand *make(struct request *r)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return NULL;
	errand->magic = ERRAND_MAGIC;
	atomic_init(&errand->refs, 1);
	errand->errands = r->flow->errands;
	errand->keep_ms = r->conf->errands.keep_ms;
	errand->bytes = ERRAND_OVERHEAD + fields_size(&r->fields) + (r->has_body ? (size_t)r->body_size : 0);
	memcpy(errand->identity, r->identity.digest, sizeof(errand->identity));
	errand->r = copy_request(r, errand);
	if (!errand->r || make_id(errand->id) < 0) {
		errand_unref(errand);
		return NULL;
	}
	return errand;
}

/* Under the lock. Old outcomes make room. */
static bool has_room(struct errands *errands, const struct errand *errand, const struct conf *conf)
{
	forget_old(errands);
	if (errands->closed || errands->waiting + errands->running >= (size_t)conf->errands.queue)
		return false;
	while (errands->oldest && errands->bytes + errand->bytes > conf->errands.memory)
		forget_oldest(errands);
	return errands->bytes + errand->bytes <= conf->errands.memory;
}

/* Puts it into the table and its lane, and begins it if it is its turn. The table takes over the reference. Under the lock. */
static bool enter(struct errands *errands, struct errand *errand)
{
	struct errand_turn *turn = calloc(1, sizeof(*turn));
	struct errand **bucket = bucket_of(errands, errand->id);

	if (!turn)
		return false;
	turn->errand = errand;
	errand->lane = errand_lane_add(errands, errand->identity, turn);
	if (!errand->lane) {
		free(turn);
		return false;
	}
	atomic_fetch_add(&errand->refs, 1); /* the turn's */
	errand->next = *bucket;
	*bucket = errand;
	errands->waiting++;
	errands->accepted++;
	errands->bytes += errand->bytes;
	errand_lane_drive(errands, errand->lane);
	return true;
}

bool errand_is_wanted(const struct request *r)
{
	if (!r->preferences.respond_async || r->in_turn || r->identity.cookie)
		return false;
	return !r->has_body || (r->body_size >= 0 && (uint64_t)r->body_size <= r->conf->errands.body_limit &&
	                               pipe_waiting((struct pipe *)&r->upload) == (size_t)r->body_size);
}

static void answer_accepted(struct request *r, const char *id)
{
	char place[sizeof(ERRAND_PLACE) + ERRAND_ID_SIZE];

	snprintf(place, sizeof(place), ERRAND_PLACE "%s", id);
	r->preferences = (struct preferences){.respond_async = true}; /* the others are for the outcome, or in vain */
	r->answer.kind = ANSWER_WHOLE;
	r->answer.status = 202;
	if (fields_add(&r->answer.fields, "Content-Type", "application/json; charset=utf-8") < 0 ||
	        fields_add(&r->answer.fields, "Cache-Control", "no-store") < 0 ||
	        fields_add(&r->answer.fields, "Location", place) < 0 ||
	        buf_printf(&r->answer.body, "{\"request\":\"%s\"}", place) < 0)
		r->answer.status = 202; /* it will be done; where its outcome is could not be said */
}

void errand_accept(struct request *r)
{
	struct errands *errands = r->flow->errands;
	struct errand *errand = make(r);
	char id[ERRAND_ID_SIZE] = "";
	bool accepted = false;

	CHECK(errands, ERRANDS_MAGIC);
	pthread_mutex_lock(&errands->lock);
	if (errand && has_room(errands, errand, r->conf)) {
		memcpy(id, errand->id, sizeof(id));
		accepted = enter(errands, errand);
	}
	if (!accepted)
		errands->refused++;
	pthread_mutex_unlock(&errands->lock);
	if (accepted) {
		answer_accepted(r, id);
		return;
	}
	errand_unref(errand);
	request_answer_error(r, 503, FULL_RETRY_AFTER,
	        "Prefer: respond-async: too many requests wait to be done, or too much memory is taken by them.");
}

bool errand_hold(struct request *r)
{
	struct errands *errands = r->flow->errands;
	struct errand_turn *turn;
	bool held = false;

	if (r->in_turn)
		return false;
	pthread_mutex_lock(&errands->lock);
	if (!errands->cleared && errand_lane_find(errands, r->identity.digest) && (turn = calloc(1, sizeof(*turn)))) {
		turn->write = request_ref(r);
		turn->until_us = clock_monotonic_us() + named_session_timeout_ms(r) * 1000;
		r->in_turn = true;
		r->lane = errand_lane_add(errands, r->identity.digest, turn);
		held = true;
	}
	pthread_mutex_unlock(&errands->lock);
	return held;
}

void errand_let_go(struct request *r)
{
	struct errand_lane *lane = TAKE(r->lane);
	struct errands *errands = r->flow->errands;

	if (!lane)
		return;
	pthread_mutex_lock(&errands->lock);
	errand_lane_finish(errands, lane);
	pthread_mutex_unlock(&errands->lock);
}

struct errand *errand_find(struct errands *errands, const char *id, const struct identity *identity)
{
	struct errand *errand;

	CHECK(errands, ERRANDS_MAGIC);
	pthread_mutex_lock(&errands->lock);
	forget_old(errands);
	errand = *bucket_of(errands, id);
	while (errand && strcmp(errand->id, id) != 0)
		errand = errand->next;
	if (errand && (memcmp(errand->identity, identity->digest, sizeof(errand->identity)) != 0 ||
	                      (errand->state == ERRAND_DONE && is_old(errand))))
		errand = NULL;
	if (errand)
		atomic_fetch_add(&errand->refs, 1);
	pthread_mutex_unlock(&errands->lock);
	return errand;
}

void errand_get_outcome(struct errand *errand, struct errand_outcome *ret)
{
	CHECK(errand, ERRAND_MAGIC);
	*ret = (struct errand_outcome){0};
	pthread_mutex_lock(&errand->errands->lock);
	ret->state = errand->state;
	pthread_mutex_unlock(&errand->errands->lock);
	if (ret->state != ERRAND_DONE)
		return;
	ret->status = errand->status;
	ret->reason = errand->reason;
	ret->fields = &errand->fields;
	ret->body = errand->body;
}
