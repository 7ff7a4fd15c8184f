/*
 * Threads that each take the next job from the engine's queue and run it to
 * its end on a session of their own. Where their number is found by trying,
 * further ones are started when there is more to do than there are.
 */
#include "engine/base.h"

#include <errno.h>

struct worker {
	struct engine *engine;
	struct session *session;
	pthread_t thread;
};

struct pool {
	pthread_mutex_t lock; /* guards the rest */
	bool stopped;
	int count; /* workers that were started; none ends before pool_stop */
	struct worker workers[];
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct job *job;

	job_queue_own(&worker->engine->queue);
	while ((job = job_queue_take(&worker->engine->queue)))
		base_run(worker->engine, worker->session, job);
	return NULL;
}

/* Under the lock, but for pool_start. */
static int start_worker(struct engine *engine, struct pool *pool, struct fail *fail)
{
	struct worker *worker = &pool->workers[pool->count];
	int r;

	worker->engine = engine;
	worker->session = engine->ops->create_session(engine, fail);
	if (!worker->session)
		return fail ? fail->code : -ENOMEM;
	r = pthread_create(&worker->thread, NULL, work, worker);
	if (r != 0) {
		session_free(worker->session);
		return fail_set(fail, -r, "starting a thread of the %s engine: %s", engine->ops->name, strerror(r));
	}
	pool->count++;
	atomic_store(&engine->hands, pool->count);
	return 0;
}

int pool_start(struct engine *engine, struct fail *fail)
{
	size_t count = (size_t)engine->settings.workers;
	struct pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->workers[0]));

	if (!pool)
		return fail_set(fail, -ENOMEM, "out of memory");
	pthread_mutex_init(&pool->lock, NULL);
	engine->own = pool;
	for (int i = 0; i < engine->workers_first; i++) {
		int r = start_worker(engine, pool, fail);

		if (r < 0) {
			engine_stop(engine, false);
			return r;
		}
	}
	return 0;
}

/* One more, if that is allowed. Without means for it those that there are go on alone. */
static void grow(struct engine *engine)
{
	struct pool *pool = engine->own;

	if (atomic_load(&engine->hands) >= atomic_load(&engine->allowed))
		return;
	pthread_mutex_lock(&pool->lock);
	if (!pool->stopped && pool->count < atomic_load(&engine->allowed) && pool->count < engine->settings.workers)
		start_worker(engine, pool, NULL);
	pthread_mutex_unlock(&pool->lock);
}

void pool_stop(struct engine *engine, bool drain)
{
	struct pool *pool = engine->own;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopped = true;
	pthread_mutex_unlock(&pool->lock);
	if (!drain) {
		job_queue_refuse_all(&engine->queue, "the daemon stops");
		for (int i = 0; i < pool->count; i++)
			session_cancel(pool->workers[i].session);
	}
	for (int i = 0; i < pool->count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		session_free(pool->workers[i].session);
	}
	pool->count = 0;
	atomic_store(&engine->hands, 0);
}

void pool_release(struct engine *engine)
{
	struct pool *pool = engine->own;

	if (!pool)
		return;
	pthread_mutex_destroy(&pool->lock);
	engine->own = NULL;
	free(pool);
}

void pool_put(struct engine *engine, struct job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = job_queue_put(&engine->queue, jobs[i]);

		if (r == -ENOBUFS)
			base_refuse(engine, jobs[i], "the queue is full");
		else if (r < 0)
			base_refuse(engine, jobs[i], "the daemon stops");
	}
}

void pool_process_bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (engine->automatic && job_queue_lacks_hands(&engine->queue))
			grow(engine);
		pool_put(engine, &jobs[i], 1);
	}
}
