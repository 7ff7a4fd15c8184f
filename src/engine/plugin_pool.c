/* The base's threads, for a plug-in that has none of its own: each takes from the queue and has a session. */
#include "engine/plugin.h"

#include <errno.h>

struct plugin_worker {
	struct plugin *plugin;
	struct rc_session *session;
	pthread_t thread;
	bool started;
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

static int start_worker(struct plugin *plugin, struct plugin_worker *worker, struct fail *fail)
{
	char why[FAIL_TEXT_MAX] = "";
	int r;

	worker->plugin = plugin;
	worker->session = plugin->ops.create_session(&plugin->face, why, sizeof(why));
	if (!worker->session)
		return fail_set(fail, -EIO, "create_session: %s", why);
	r = -pthread_create(&worker->thread, NULL, work, worker);
	if (r < 0)
		return fail_set(fail, r, "starting a thread: %s", strerror(-r));
	worker->started = true;
	return 0;
}

int plugin_pool_start(struct plugin *plugin, struct fail *fail)
{
	plugin->workers = calloc((size_t)plugin->face.workers, sizeof(*plugin->workers));
	if (!plugin->workers)
		return fail_set(fail, -ENOMEM, "out of memory");
	plugin->worker_count = plugin->face.workers;
	for (int i = 0; i < plugin->worker_count; i++) {
		int r = start_worker(plugin, &plugin->workers[i], fail);

		if (r < 0)
			return r;
	}
	return 0;
}

void plugin_pool_stop(struct plugin *plugin)
{
	for (int i = 0; i < plugin->worker_count; i++) {
		if (plugin->workers[i].started)
			pthread_join(plugin->workers[i].thread, NULL);
		if (plugin->workers[i].session)
			plugin_session_free(plugin->workers[i].session);
	}
	free(plugin->workers);
	plugin->workers = NULL;
	plugin->worker_count = 0;
}
