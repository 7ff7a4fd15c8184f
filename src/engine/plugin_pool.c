/*
 * The base's threads, for a plug-in that has none of its own: each takes from
 * the queue and has a session. Where their number is found by trying, further
 * ones are started when there is more to do than there are; each of these makes
 * its session itself, so that a slow plug-in keeps nobody waiting who submits.
 */
#include "engine/plugin.h"

#include <errno.h>

enum place { PLACE_EMPTY, PLACE_TAKEN, PLACE_GIVEN_UP };

struct plugin_worker {
	struct plugin *plugin;
	struct rc_session *session;
	pthread_t thread;
	enum place place; /* guarded by the pool's lock; given up: it could make no session, and its thread ends */
};

struct plugin_pool {
	pthread_mutex_t lock; /* guards the rest */
	bool stopped;
	struct plugin_worker workers[]; /* as many as there may be */
};

static int make_session(struct plugin_worker *worker, struct fail *fail)
{
	struct plugin *plugin = worker->plugin;
	char why[FAIL_TEXT_MAX] = "";

	worker->session = plugin->ops.create_session(&plugin->face, why, sizeof(why));
	return worker->session ? 0 : fail_set(fail, -EIO, "create_session: %s", why);
}

/* The others go on alone; the next job that finds nobody free makes it tried again. */
static void give_up(struct plugin_worker *worker)
{
	struct plugin *plugin = worker->plugin;

	pthread_mutex_lock(&plugin->pool->lock);
	worker->place = PLACE_GIVEN_UP;
	atomic_fetch_sub(&plugin->engine->hands, 1);
	pthread_mutex_unlock(&plugin->pool->lock);
}

static void *work(void *arg)
{
	struct plugin_worker *worker = arg;
	struct plugin *plugin = worker->plugin;
	struct rc_engine *face = &plugin->face;
	struct rc_job *job;

	if (!worker->session && make_session(worker, NULL) < 0) {
		give_up(worker);
		return NULL;
	}
	while ((job = rc_queue_take(face))) {
		if (plugin->ops.request)
			plugin->ops.request(face, worker->session, job);
		else
			rc_session_perform(face, worker->session, job);
	}
	return NULL;
}

/* Under the lock. NULL: there are all that there may be. */
static struct plugin_worker *find_place(struct plugin *plugin)
{
	for (int i = 0; i < plugin->face.workers; i++) {
		struct plugin_worker *worker = &plugin->pool->workers[i];

		if (worker->place == PLACE_TAKEN)
			continue;
		if (worker->place == PLACE_GIVEN_UP)
			pthread_join(worker->thread, NULL); /* which has only to return */
		*worker = (struct plugin_worker){.plugin = plugin};
		return worker;
	}
	return NULL;
}

/* Under the lock. */
static int start_worker(struct plugin_worker *worker, struct fail *fail)
{
	int r = -pthread_create(&worker->thread, NULL, work, worker);

	if (r < 0)
		return fail_set(fail, r, "starting a thread: %s", strerror(-r));
	worker->place = PLACE_TAKEN;
	atomic_fetch_add(&worker->plugin->engine->hands, 1);
	return 0;
}

/* Whether a plug-in can make sessions at all is known before the daemon listens. */
static int start_with_session(struct plugin *plugin, struct fail *fail)
{
	struct plugin_worker *worker = find_place(plugin);
	int r = make_session(worker, fail);

	if (r == 0 && (r = start_worker(worker, fail)) < 0)
		plugin_session_free(worker->session);
	return r;
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
	for (int i = 0; r == 0 && i < plugin->engine->workers_first; i++)
		r = start_with_session(plugin, fail);
	pthread_mutex_unlock(&pool->lock);
	return r;
}

void plugin_pool_grow(struct plugin *plugin)
{
	struct engine *engine = plugin->engine;
	struct plugin_pool *pool = plugin->pool;
	struct plugin_worker *worker;

	if (!pool || !engine->automatic || !job_queue_lacks_hands(&engine->queue) ||
	        atomic_load(&engine->hands) >= atomic_load(&engine->allowed))
		return;
	pthread_mutex_lock(&pool->lock);
	if (!pool->stopped && atomic_load(&engine->hands) < atomic_load(&engine->allowed) &&
	        (worker = find_place(plugin)))
		start_worker(worker, NULL);
	pthread_mutex_unlock(&pool->lock);
}

/* Its thread may be giving up just now. */
static bool was_started(struct plugin_pool *pool, const struct plugin_worker *worker)
{
	bool started;

	pthread_mutex_lock(&pool->lock);
	started = worker->place != PLACE_EMPTY;
	pthread_mutex_unlock(&pool->lock);
	return started;
}

void plugin_pool_stop(struct plugin *plugin)
{
	struct plugin_pool *pool = plugin->pool;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopped = true;
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < plugin->face.workers; i++) {
		struct plugin_worker *worker = &pool->workers[i];

		if (!was_started(pool, worker))
			continue;
		pthread_join(worker->thread, NULL);
		if (worker->session)
			plugin_session_free(worker->session);
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
