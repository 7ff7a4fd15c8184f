/*
 * The base's threads, for a plug-in that has none of its own: each takes from
 * the queue and has a session. Where their number is found by trying, further
 * ones are started when there is more to do than there are.
 */
#include "engine/plugin.h"

#include <errno.h>

struct plugin_worker {
	struct plugin *plugin;
	struct rc_session *session;
	pthread_t thread;
};

struct plugin_pool {
	pthread_mutex_t lock; /* guards the rest; held while a plug-in makes a session */
	bool stopped;
	int count; /* workers that were started; none ends before plugin_pool_stop */
	struct plugin_worker workers[];
};

static void *work(void *arg)
{
	struct plugin_worker *worker = arg;
	struct plugin *plugin = worker->plugin;
	struct rc_engine *face = &plugin->face;
	struct rc_job *job;

	while ((job = rc_queue_take(face))) {
		if (plugin->ops.request)
			plugin->ops.request(face, worker->session, job);
		else
			rc_session_perform(face, worker->session, job);
	}
	return NULL;
}

/* Under the lock. */
static int start_worker(struct plugin *plugin, struct fail *fail)
{
	struct plugin_pool *pool = plugin->pool;
	struct plugin_worker *worker = &pool->workers[pool->count];
	char why[FAIL_TEXT_MAX] = "";
	int r;

	worker->plugin = plugin;
	worker->session = plugin->ops.create_session(&plugin->face, why, sizeof(why));
	if (!worker->session)
		return fail_set(fail, -EIO, "create_session: %s", why);
	r = -pthread_create(&worker->thread, NULL, work, worker);
	if (r < 0) {
		plugin_session_free(worker->session);
		return fail_set(fail, r, "starting a thread: %s", strerror(-r));
	}
	pool->count++;
	atomic_store(&plugin->engine->hands, pool->count);
	return 0;
}

int plugin_pool_start(struct plugin *plugin, struct fail *fail)
{
	struct plugin_pool *pool = calloc(1, sizeof(*pool) + (size_t)plugin->face.workers * sizeof(pool->workers[0]));
	int r = 0;

	if (!pool)
		return fail_set(fail, -ENOMEM, "out of memory");
	pthread_mutex_init(&pool->lock, NULL);
	plugin->pool = pool;
	pthread_mutex_lock(&pool->lock);
	while (r == 0 && pool->count < plugin->engine->workers_first)
		r = start_worker(plugin, fail);
	pthread_mutex_unlock(&pool->lock);
	return r;
}

void plugin_pool_grow(struct plugin *plugin)
{
	struct engine *engine = plugin->engine;
	struct plugin_pool *pool = plugin->pool;

	if (!pool || !engine->automatic || !job_queue_lacks_hands(&engine->queue) ||
	        atomic_load(&engine->hands) >= atomic_load(&engine->allowed))
		return;
	pthread_mutex_lock(&pool->lock);
	if (!pool->stopped && pool->count < atomic_load(&engine->allowed) && pool->count < plugin->face.workers)
		start_worker(plugin, NULL);
	pthread_mutex_unlock(&pool->lock);
}

void plugin_pool_stop(struct plugin *plugin)
{
	struct plugin_pool *pool = plugin->pool;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopped = true;
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < pool->count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		plugin_session_free(pool->workers[i].session);
	}
}

void plugin_pool_free(struct plugin *plugin)
{
	if (!plugin->pool)
		return;
	pthread_mutex_destroy(&plugin->pool->lock);
	free(plugin->pool);
	plugin->pool = NULL;
}
