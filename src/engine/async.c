/*
 * The async engine: one thread, one session, as many exchanges at once as it
 * has "workers". HTTP/2 where Redmine's front end offers it.
 */
#include "engine/base.h"

#include <errno.h>

#define ASYNC_MAX 10000

struct async {
	struct session *session;
	pthread_t thread;
	bool started;
	uint64_t taken; /* jobs that were started */
};

/* Takes up what waits while there is room. False: nothing waits and nothing will come. */
static bool take_up(struct engine *engine, struct async *async)
{
	while (session_active(async->session) < (size_t)engine->settings.workers) {
		bool over;
		struct job *job = job_queue_try(&engine->queue, &over);

		if (!job)
			return !over;
		async->taken++;
		if (engine->ops->construct_request)
			engine->ops->construct_request(engine, job);
		session_start(async->session, job);
	}
	return true;
}

static void count(struct engine *engine, const struct async *async)
{
	size_t active = session_active(async->session);

	atomic_store(&engine->busy, (int)active);
	atomic_store(&engine->done, async->taken - active);
}

static void *work(void *arg)
{
	struct engine *engine = arg;
	struct async *async = engine->own;
	bool more = true;

	while (more || session_active(async->session) > 0) {
		more = take_up(engine, async);
		count(engine, async);
		if (more || session_active(async->session) > 0)
			session_step(async->session, -1);
	}
	count(engine, async);
	return NULL;
}

static struct session *create_session(struct engine *engine, struct fail *fail)
{
	struct session_settings settings = engine->settings.session;

	settings.http2 = true;
	settings.connections = engine->settings.workers;
	return session_new(&settings, fail);
}

static int start(struct engine *engine, struct fail *fail)
{
	struct async *async = calloc(1, sizeof(*async));
	int r;

	if (!async)
		return fail_set(fail, -ENOMEM, "out of memory");
	engine->own = async;
	async->session = engine->ops->create_session(engine, fail);
	r = async->session ? -pthread_create(&async->thread, NULL, work, engine) : -ENOMEM;
	if (r < 0) {
		engine_stop(engine, false);
		return fail_set(fail, r, "starting the async engine: %s", strerror(-r));
	}
	async->started = true;
	return 0;
}

static void stop(struct engine *engine, bool drain)
{
	struct async *async = engine->own;

	if (!async)
		return;
	if (!drain) {
		job_queue_refuse_all(&engine->queue, "the daemon stops");
		if (async->session)
			session_cancel(async->session);
	}
	if (async->started) {
		session_interrupt(async->session);
		pthread_join(async->thread, NULL);
	}
	session_free(async->session);
	engine->own = NULL;
	free(async);
}

static void process_bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	struct async *async = engine->own;

	pool_put(engine, jobs, count);
	if (!pthread_equal(pthread_self(), async->thread)) /* it looks itself when it has done what it does */
		session_interrupt(async->session);
}

const struct engine_ops engine_async = {
        .abi = ENGINE_ABI,
        .name = "async",
        .workers_max = ASYNC_MAX,
        .create_session = create_session,
        .process_bulk_request = process_bulk_request,
        .start = start,
        .stop = stop,
};
