/*
 * Threads that each take the next job from the engine's queue and run it to
 * its end on a session of their own.
 */
#include "engine/base.h"

#include <errno.h>

struct worker {
	struct engine *engine;
	struct session *session;
	pthread_t thread;
	bool started;
};

struct pool {
	int count;
	struct worker workers[];
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct job *job;

	while ((job = job_queue_take(&worker->engine->queue)))
		base_run(worker->engine, worker->session, job);
	return NULL;
}

static int start_worker(struct engine *engine, struct worker *worker, struct fail *fail)
{
	int r;

	worker->engine = engine;
	worker->session = engine->ops->create_session(engine, fail);
	if (!worker->session)
		return fail ? fail->code : -ENOMEM;
	r = pthread_create(&worker->thread, NULL, work, worker);
	if (r != 0)
		return fail_set(fail, -r, "starting a thread of the %s engine: %s", engine->ops->name, strerror(r));
	worker->started = true;
	return 0;
}

int pool_start(struct engine *engine, struct fail *fail)
{
	int count = engine->settings.workers;
	struct pool *pool = calloc(1, sizeof(*pool) + (size_t)count * sizeof(pool->workers[0]));

	if (!pool)
		return fail_set(fail, -ENOMEM, "out of memory");
	pool->count = count;
	engine->own = pool;
	for (int i = 0; i < count; i++) {
		int r = start_worker(engine, &pool->workers[i], fail);

		if (r < 0) {
			engine_stop(engine, false);
			return r;
		}
	}
	return 0;
}

void pool_stop(struct engine *engine, bool drain)
{
	struct pool *pool = engine->own;

	if (!pool)
		return;
	if (!drain) {
		job_queue_refuse_all(&engine->queue, "the daemon stops");
		for (int i = 0; i < pool->count; i++)
			if (pool->workers[i].started)
				session_cancel(pool->workers[i].session);
	}
	for (int i = 0; i < pool->count; i++) {
		if (pool->workers[i].started)
			pthread_join(pool->workers[i].thread, NULL);
		session_free(pool->workers[i].session);
	}
	engine->own = NULL;
	free(pool);
}

void pool_process_bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = job_queue_put(&engine->queue, jobs[i]);

		if (r == -ENOBUFS)
			base_refuse(engine, jobs[i], "the queue is full");
		else if (r < 0)
			base_refuse(engine, jobs[i], "the daemon stops");
	}
}
