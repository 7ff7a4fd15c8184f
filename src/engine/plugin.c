/*
 * Engines that are shared objects: the only door to the dynamic linker. Adapts
 * what a plug-in offers to the daemon's own contract of an engine.
 */
#include "engine/plugin.h"

#include "engine/object_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>

#define BULK_MAX 64

static int find_offer(struct plugin *plugin, const char *path, struct fail *fail)
{
	const struct rc_engine_ops *offer = dlsym(plugin->object, "rc_plugin");

	if (!offer)
		return fail_set(fail, -ENOEXEC, "%s: no engine for this daemon: it has no symbol rc_plugin", path);
	if (offer->abi != RC_ENGINE_ABI)
		return fail_set(fail, -EPROTO, "%s: built for version %u of the engine interface, this daemon has %u",
		        path, (unsigned)offer->abi, (unsigned)RC_ENGINE_ABI);
	memcpy(&plugin->ops, offer, offer->size < sizeof(plugin->ops) ? offer->size : sizeof(plugin->ops));
	if (!plugin->ops.create_session || !plugin->ops.process_bulk_request)
		return fail_set(fail, -ENOSYS, "%s: %s is missing; an engine must have it", path,
		        plugin->ops.create_session ? "process_bulk_request" : "create_session");
	return 0;
}

static int load(struct plugin *plugin, const char *name, struct fail *fail)
{
	char path[PATH_MAX];
	int r;

	if (strchr(name, '/'))
		r = snprintf(path, sizeof(path), "%s", name);
	else
		r = snprintf(path, sizeof(path), "%s/%s", PLUGINDIR, name);
	if (r >= (int)sizeof(path))
		return fail_set(fail, -ENAMETOOLONG, "%s: %s", name, strerror(ENAMETOOLONG));
	r = object_file_check(path, fail);
	if (r < 0)
		return r;
	plugin->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin->object) /* its message begins with a path */
		return fail_set(fail, -ENOEXEC, "%s", dlerror());
	return find_offer(plugin, path, fail);
}

static int begin(struct plugin *plugin, struct fail *fail)
{
	char why[FAIL_TEXT_MAX] = "";
	int r = plugin->ops.init ? plugin->ops.init(&plugin->face, why, sizeof(why)) : 0;

	if (r < 0)
		return fail_set(
		        fail, r, "engine \"%s\" does not begin: %s", plugin->face.name, *why ? why : strerror(-r));
	plugin->begun = true;
	return 0;
}

static struct plugin *plugin_new(const char *name, const char *options, const char *redmine, int workers, int queue)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	pthread_condattr_t clock;

	if (!plugin)
		return NULL;
	plugin->face = (struct rc_engine){.host = &plugin_host,
	        .name = name,
	        .options = options ? options : "",
	        .redmine = redmine,
	        .workers = workers,
	        .queue = queue};
	pthread_mutex_init(&plugin->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&plugin->watch, &clock);
	pthread_condattr_destroy(&clock);
	return plugin;
}

static void plugin_free(struct plugin *plugin)
{
	if (!plugin)
		return;
	if (plugin->begun && plugin->ops.release)
		plugin->ops.release(&plugin->face);
	if (plugin->object)
		dlclose(plugin->object);
	plugin_pool_free(plugin);
	slots_release(plugin);
	pthread_cond_destroy(&plugin->watch);
	pthread_mutex_destroy(&plugin->lock);
	free(plugin);
}

int engine_check_plugin(const char *name, const char *path, const char *options, const char *redmine, bool *ret_began,
        struct fail *fail)
{
	struct plugin *plugin = plugin_new(name, options, redmine, 1, 1);
	int r;

	*ret_began = false;
	if (!plugin)
		return fail_set(fail, -ENOMEM, "out of memory");
	r = load(plugin, path, fail);
	if (r == 0) {
		*ret_began = true;
		r = begin(plugin, fail);
	}
	plugin_free(plugin);
	return r;
}

static int prepare(struct engine *engine, struct fail *fail)
{
	const struct engine_settings *settings = &engine->settings;
	struct plugin *plugin = plugin_new(
	        engine->name, settings->options, settings->session.origin->base, settings->workers, settings->queue);
	int r;

	if (!plugin)
		return fail_set(fail, -ENOMEM, "out of memory");
	engine->own = plugin;
	plugin->engine = engine;
	r = load(plugin, settings->path, fail);
	if (r < 0)
		return r;
	if (plugin->ops.workers_max > 0 && plugin->face.workers > plugin->ops.workers_max)
		plugin->face.workers = engine->settings.workers = plugin->ops.workers_max;
	return begin(plugin, fail);
}

static void release(struct engine *engine)
{
	plugin_free(engine->own);
	engine->own = NULL;
}

static int start(struct engine *engine, struct fail *fail)
{
	struct plugin *plugin = engine->own;
	char why[FAIL_TEXT_MAX] = "";
	int r = watch_start(plugin, fail);

	if (r == 0) {
		plugin->started = true;
		if (!plugin->ops.start) {
			r = plugin_pool_start(plugin, fail);
		} else {
			atomic_store(&engine->hands, plugin->face.workers);
			r = plugin->ops.start(&plugin->face, why, sizeof(why));
			if (r < 0)
				fail_set(fail, r, "%s", *why ? why : strerror(-r));
		}
	}
	if (r < 0) {
		engine_stop(engine, false);
		fail_prefix(fail, "starting engine \"%s\"", engine->name);
	}
	return r;
}

void plugin_refuse(struct slot *slot, const char *text)
{
	struct job_result result = {.outcome = JOB_REFUSED};

	atomic_fetch_add(&slot->plugin->engine->refused, 1);
	snprintf(result.text, sizeof(result.text), "%s", text);
	slot_end(slot, &result);
	slot_forget(slot);
}

static void cancel(struct slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	if (slot->job)
		job_cancel(slot->job);
	pthread_mutex_unlock(&slot->lock);
}

/* A job that was left when the plug-in's threads had ended. */
static void end_left(struct slot *slot)
{
	struct job_result result = {.outcome = JOB_CANCELLED, .maybe_sent = true};

	snprintf(result.text, sizeof(result.text), "engine \"%s\" stopped without ending it", slot->plugin->face.name);
	if (slot_end(slot, &result))
		atomic_fetch_add(&slot->plugin->engine->abandoned, 1);
}

static void stop(struct engine *engine, bool drain)
{
	struct plugin *plugin = engine->own;
	struct job *job;
	bool over;

	if (!plugin->started)
		return;
	if (!drain) {
		while ((job = job_queue_try(&engine->queue, &over)))
			plugin_refuse(slot_of_job(job), "the daemon stops");
		slots_visit(plugin, cancel);
	}
	if (plugin->ops.start && plugin->ops.stop)
		plugin->ops.stop(&plugin->face, drain);
	plugin_pool_stop(plugin);
	while ((job = job_queue_try(&engine->queue, &over)))
		plugin_refuse(slot_of_job(job), "the daemon stops");
	plugin_sessions_release(plugin);
	slots_visit(plugin, end_left);
	watch_stop(plugin);
	atomic_store(&engine->hands, 0);
	plugin->started = false;
}

static bool is_closed(struct engine *engine)
{
	struct job_queue *queue = &engine->queue;
	bool closed;

	pthread_mutex_lock(&queue->lock);
	closed = queue->closed;
	pthread_mutex_unlock(&queue->lock);
	return closed;
}

/* Up to BULK_MAX jobs; those for which there is no slot are refused. */
static void bring(struct plugin *plugin, struct job *const *jobs, size_t count, bool bulk)
{
	struct rc_job *numbers[BULK_MAX];
	size_t opened = 0;

	for (size_t i = 0; i < count; i++) {
		struct slot *slot = slot_open(plugin, jobs[i]);

		if (slot)
			numbers[opened++] = slot->number;
		else
			base_refuse(plugin->engine, jobs[i], "out of memory");
	}
	if (opened == 0)
		return;
	if (bulk && plugin->ops.bulk_request)
		plugin->ops.bulk_request(&plugin->face, numbers, opened);
	else
		plugin->ops.process_bulk_request(&plugin->face, numbers, opened);
}

static void bring_all(struct engine *engine, struct job *const *jobs, size_t count, bool bulk)
{
	struct plugin *plugin = engine->own;

	if (is_closed(engine)) {
		for (size_t i = 0; i < count; i++)
			base_refuse(engine, jobs[i], "the daemon stops");
	} else {
		for (size_t at = 0; at < count; at += BULK_MAX)
			bring(plugin, jobs + at, count - at < BULK_MAX ? count - at : BULK_MAX, bulk);
	}
}

static void process_bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	bring_all(engine, jobs, count, false);
}

static void bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	bring_all(engine, jobs, count, true);
}

const struct engine_ops engine_plugin = {
        .abi = ENGINE_ABI,
        .name = "plug-in",
        .workers_max = 10000,
        .create_session = base_create_session,
        .process_bulk_request = process_bulk_request,
        .bulk_request = bulk_request,
        .prepare = prepare,
        .release = release,
        .start = start,
        .stop = stop,
};
