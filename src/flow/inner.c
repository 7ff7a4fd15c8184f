#include "flow/inner.h"

#include "flow/forward.h"

#include <errno.h>

struct inner {
	unsigned magic;
#define INNER_MAGIC 0x144e7a5c
	atomic_uint refs;
	atomic_bool over; /* told, or about to be */
	struct flow *flow;
	struct request *r;
	inner_told *told;
	void *arg;
};

void inner_unref(struct inner *inner)
{
	if (!inner)
		return;
	CHECK(inner, INNER_MAGIC);
	if (atomic_fetch_sub(&inner->refs, 1) != 1)
		return;
	request_unref(inner->r);
	inner->magic = 0;
	free(inner);
}

static void tell_error(inner_told *told, void *arg, int error)
{
	told(arg, &(struct inner_answer){.error = error});
}

/* The body as a blob: the entry's own, or what was collected. NULL: out of memory. */
static struct blob *take_body(struct request *r, const struct origin *origin)
{
	size_t size = 0;
	struct blob *blob;
	char *data;

	if (r->answer.kind == ANSWER_ENTRY && r->answer.status != 304)
		return forward_body(r, origin);
	data = r->answer.kind == ANSWER_WHOLE ? buf_take(&r->answer.body, &size) : NULL;
	blob = blob_new(data, size);
	if (!blob)
		free(data);
	return blob;
}

static void tell(struct inner *inner)
{
	struct request *r = inner->r;
	struct answer *answer = &r->answer;
	struct inner_answer told = {
	        .status = answer->status,
	        .fields = answer->kind == ANSWER_ENTRY ? &answer->entry->fields : &answer->fields,
	        .body = take_body(r, inner->flow->origin),
	        .own = answer->own,
	        .request = r,
	};

	if (!told.body)
		tell_error(inner->told, inner->arg, -ENOMEM);
	else if (told.body->size > r->inner_limit)
		tell_error(inner->told, inner->arg, -EFBIG);
	else
		inner->told(inner->arg, &told);
	blob_unref(told.body);
}

static bool enter(struct inners *inners)
{
	bool open;

	pthread_mutex_lock(&inners->lock);
	open = !inners->closed;
	inners->active += open;
	pthread_mutex_unlock(&inners->lock);
	return open;
}

static void leave(struct inners *inners)
{
	pthread_mutex_lock(&inners->lock);
	if (--inners->active == 0)
		pthread_cond_broadcast(&inners->none);
	pthread_mutex_unlock(&inners->lock);
}

void inner_close(struct flow *flow)
{
	pthread_mutex_lock(&flow->inners.lock);
	flow->inners.closed = true;
	while (flow->inners.active > 0)
		pthread_cond_wait(&flow->inners.none, &flow->inners.lock);
	pthread_mutex_unlock(&flow->inners.lock);
}

/* The flow is through with it. */
static void finish(struct inner *inner)
{
	struct flow *flow = inner->flow;

	if (!atomic_exchange(&inner->over, true))
		tell(inner);
	answer_release(&inner->r->answer);
	inner_unref(inner);
	leave(&flow->inners);
}

static void on_park(struct request *r)
{
}

static void on_ready(struct request *r)
{
	struct inner *inner = r->visit;

	CHECK(inner, INNER_MAGIC);
	finish(inner);
}

static const struct request_front inner_front = {.park = on_park, .ready = on_ready};

static struct inner *make(const struct inner_question *question)
{
	struct inner *inner = calloc(1, sizeof(*inner));
	struct request *r;

	if (!inner)
		return NULL;
	*inner = (struct inner){
	        .magic = INNER_MAGIC, .flow = question->flow, .told = question->told, .arg = question->arg};
	atomic_init(&inner->refs, 2); /* the caller's and the question's */
	inner->r = r = request_new(&inner_front, inner, question->conf, "GET", question->target);
	if (!r)
		goto failed;
	r->inner_limit = question->limit;
	r->rank = question->rank;
	r->refresh = question->refresh;
	r->secure = question->secure;
	r->session = question->session;
	if (question->door)
		r->door = *question->door;
	if (question->authority && !(r->authority = strdup(question->authority)))
		goto failed;
	if (question->fields && fields_copy(&r->fields, question->fields) < 0)
		goto failed;
	return inner;
failed:
	request_unref(r);
	inner->magic = 0;
	free(inner);
	return NULL;
}

struct inner *inner_start(const struct inner_question *question)
{
	struct flow *flow = question->flow;
	struct inner *inner;

	ASSERT(question->limit > 0);
	inner = make(question);
	if (!inner) {
		tell_error(question->told, question->arg, -ENOMEM);
		return NULL;
	}
	if (!enter(&flow->inners)) {
		atomic_store(&inner->over, true);
		tell_error(inner->told, inner->arg, -ESHUTDOWN);
		inner_unref(inner);
	} else if (flow_start(flow, inner->r)) {
		finish(inner);
	}
	return inner;
}

void inner_cancel(struct inner *inner)
{
	CHECK(inner, INNER_MAGIC);
	if (!atomic_exchange(&inner->over, true))
		tell_error(inner->told, inner->arg, -ECANCELED);
}
