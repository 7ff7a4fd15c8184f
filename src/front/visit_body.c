#include "front/interim.h"

#include <errno.h>

/* A body of known length up to this is taken in whole before Redmine is asked: a slow client then holds no worker. */
#define BODY_GATHERED (256 * 1024)
/* So much beyond the limit of a body that is refused is read before the connection is cut. */
#define REFUSED_HEARD_OUT (64 * 1024 * 1024)

/* A request that is done later needs its body before it is answered. */
static bool is_gathered(const struct request *r)
{
	return r->body_size >= 0 &&
	       (r->body_size <= BODY_GATHERED ||
	               (r->preferences.respond_async && (uint64_t)r->body_size <= r->conf->errands.body_limit));
}

/* The first call of a request that brings a body. */
enum MHD_Result visit_begin_body(struct visit *v, const char *method)
{
	bool admitted = visit_admit(v, method);

	if (!v->r)
		return MHD_NO;
	if (!admitted) {
		/* What is too large, or whose end cannot be told, is not waited for: the answer now, and the connection ends. */
		if (v->r->answer.status == 413 || v->r->answer.status == 400 || v->r->answer.status == 501)
			return visit_deliver(v);
		v->state = VISIT_DRAIN;
		return MHD_YES;
	}
	pipe_set_writer(&v->r->upload, visit_wake, v);
	if (is_gathered(v->r)) {
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
	if (v->received <= limit + REFUSED_HEARD_OUT)
		return MHD_YES;
	visit_reset(v);
	return MHD_NO;
}

/* Bytes of the body. What is not taken is offered again after the wake. */
enum MHD_Result visit_take_body(struct visit *v, const char *data, size_t *size)
{
	uint64_t limit = v->loop->conf->listen.body_limit;

	if (v->state == VISIT_DRAIN) {
		*size = 0;
		return MHD_YES;
	}
	interim_write(v);
	if (limit > 0 && v->received + *size > limit)
		return refuse_rest(v, size, limit);
	for (;;) {
		int r = v->state == VISIT_GATHER ? pipe_push(&v->r->upload, data, *size)
		                                 : pipe_write(&v->r->upload, data, *size);

		if (r == PIPE_HOLD) {
			if (visit_suspend(v))
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

enum MHD_Result visit_end_body(struct visit *v)
{
	v->guest->receiving = false;
	if (v->state == VISIT_DRAIN)
		return visit_deliver(v);
	pipe_end(&v->r->upload, 0);
	if (v->state == VISIT_GATHER && visit_start(v))
		return visit_deliver(v);
	return visit_await(v);
}
