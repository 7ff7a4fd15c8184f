/* All errands: their table's life, from the start of the daemon to its end. */
#include "flow/errand_inside.h"

#include "base/log.h"
#include "redmine/redact.h"

#include <errno.h>
#include <time.h>

#define TARGET_SHOWN 512

struct errands *errands_new(void)
{
	struct errands *errands = calloc(1, sizeof(*errands));
	pthread_condattr_t monotonic;

	if (!errands)
		return NULL;
	errands->magic = ERRANDS_MAGIC;
	pthread_mutex_init(&errands->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&errands->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return errands;
}

void errands_free(struct errands *errands)
{
	if (!errands)
		return;
	CHECK(errands, ERRANDS_MAGIC);
	ASSERT(errands->running == 0);
	for (size_t i = 0; i < ERRAND_BUCKETS; i++) {
		ASSERT(!errands->lanes[i]);
		while (errands->buckets[i]) {
			struct errand *errand = errands->buckets[i];

			errands->buckets[i] = errand->next;
			errand_unref(errand);
		}
	}
	pthread_mutex_destroy(&errands->lock);
	pthread_cond_destroy(&errands->idle);
	errands->magic = 0;
	free(errands);
}

static bool is_idle(const struct errands *errands)
{
	return errands->waiting + errands->running == 0;
}

bool errands_drain(struct errands *errands, int64_t limit_ms)
{
	struct timespec end;
	bool idle;
	int r = 0;

	CHECK(errands, ERRANDS_MAGIC);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += limit_ms / 1000;
	end.tv_nsec += limit_ms % 1000 * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&errands->lock);
	errands->closed = true;
	while (!is_idle(errands) && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&errands->idle, &errands->lock, &end);
	idle = is_idle(errands);
	errands->ended = true; /* what was not begun is left to errands_close() */
	pthread_mutex_unlock(&errands->lock);
	return idle;
}

/* It was promised, so that somebody must be told that it was not done. */
static void say_undone(const struct errand *errand)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	if (redact_target(errand->r->raw_target, TARGET_SHOWN, &shown) == 0)
		log_warn("stopping: errand %.8s was accepted and is not done: %s %s", errand->id, errand->r->method,
		        buf_text(&shown));
}

void errands_close(struct errands *errands)
{
	struct errand_turn *turn;

	CHECK(errands, ERRANDS_MAGIC);
	pthread_mutex_lock(&errands->lock);
	errands->closed = errands->ended = errands->cleared = true;
	turn = errand_lanes_clear(errands);
	errands->waiting = 0;
	pthread_mutex_unlock(&errands->lock);
	while (turn) {
		struct errand_turn *next = turn->next;

		if (turn->errand) {
			say_undone(turn->errand);
			errand_unref(turn->errand);
		} else {
			turn->write->lane = NULL;
			flow_resume(turn->write, STEP_WRITE);
			request_unref(turn->write);
		}
		free(turn);
		turn = next;
	}
	pthread_mutex_lock(&errands->lock);
	while (!is_idle(errands))
		pthread_cond_wait(&errands->idle, &errands->lock);
	pthread_mutex_unlock(&errands->lock);
}

void errands_get_figures(struct errands *errands, struct errands_figures *ret)
{
	CHECK(errands, ERRANDS_MAGIC);
	pthread_mutex_lock(&errands->lock);
	*ret = (struct errands_figures){
	        .accepted = errands->accepted,
	        .done = errands->done,
	        .refused = errands->refused,
	        .waiting = errands->waiting,
	        .running = errands->running,
	        .outcomes = errands->outcomes,
	        .bytes = errands->bytes,
	};
	pthread_mutex_unlock(&errands->lock);
}
