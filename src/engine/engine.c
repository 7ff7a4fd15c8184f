#include "engine/base.h"

#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

static const struct engine_ops *const kinds[] = {&engine_sync, &engine_thread, &engine_process, &engine_async};

/* Redmine's answers are awaited more than calculated, so more workers than cores to begin with; what it sustains is found out. */
#define AUTO_WORKERS_A_CORE 4
#define AUTO_WORKERS_FIRST  8
#define AUTO_WORKERS_MAX    64

static const struct engine_ops *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

bool engine_known(const char *name)
{
	return find_kind(name) != NULL;
}

const char *engine_names(void)
{
	return "sync, thread, process, async";
}

static void size_automatically(struct engine *engine)
{
	long first = sysconf(_SC_NPROCESSORS_ONLN) * AUTO_WORKERS_A_CORE;
	int most = engine->settings.ceiling > 0 ? engine->settings.ceiling : AUTO_WORKERS_MAX;

	if (most > engine->ops->workers_max)
		most = engine->ops->workers_max;
	if (first < AUTO_WORKERS_FIRST)
		first = AUTO_WORKERS_FIRST;
	engine->automatic = most > 1;
	engine->settings.workers = most;
	engine->workers_first = first < most ? (int)first : most;
}

static void size_workers(struct engine *engine)
{
	struct engine_settings *settings = &engine->settings;

	if (settings->workers == 0) {
		size_automatically(engine);
	} else {
		if (settings->workers > engine->ops->workers_max)
			settings->workers = engine->ops->workers_max;
		engine->workers_first = settings->workers;
	}
	atomic_store(&engine->allowed, engine->workers_first);
}

struct engine *engine_new(const char *name, const struct engine_settings *settings, struct fail *fail)
{
	const struct engine_ops *ops = settings->path ? &engine_plugin : find_kind(name);
	struct engine *engine;

	if (!ops) {
		fail_set(fail, -ENOENT, "no engine is called \"%s\"; there are %s", name, engine_names());
		return NULL;
	}
	engine = calloc(1, sizeof(*engine));
	if (engine)
		engine->name = strdup(name);
	if (!engine || !engine->name) {
		free(engine);
		fail_set(fail, -ENOMEM, "out of memory");
		return NULL;
	}
	engine->magic = ENGINE_MAGIC;
	engine->ops = ops;
	engine->settings = *settings;
	pthread_rwlock_init(&engine->door, NULL);
	size_workers(engine);
	job_queue_init(&engine->queue, settings->queue);
	if (ops->prepare && ops->prepare(engine, fail) < 0) {
		engine_free(engine);
		return NULL;
	}
	if (engine->workers_first > engine->settings.workers) { /* it may want fewer */
		engine->workers_first = engine->settings.workers;
		atomic_store(&engine->allowed, engine->workers_first);
	}
	return engine;
}

int engine_start(struct engine *engine, struct fail *fail)
{
	CHECK(engine, ENGINE_MAGIC);
	return engine->ops->start ? engine->ops->start(engine, fail) : 0;
}

void engine_close(struct engine *engine)
{
	CHECK(engine, ENGINE_MAGIC);
	job_queue_close(&engine->queue);
}

void engine_stop(struct engine *engine, bool drain)
{
	engine_close(engine);
	pthread_rwlock_wrlock(&engine->door);
	engine->shut = true;
	pthread_rwlock_unlock(&engine->door);
	if (engine->ops->stop)
		engine->ops->stop(engine, drain);
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	CHECK(engine, ENGINE_MAGIC);
	if (engine->ops->release)
		engine->ops->release(engine);
	job_queue_release(&engine->queue);
	pthread_rwlock_destroy(&engine->door);
	engine->magic = 0;
	free(engine->name);
	free(engine);
}

void engine_submit_bulk(struct engine *engine, struct job *const *jobs, size_t count)
{
	int64_t now_us = clock_monotonic_us();

	CHECK(engine, ENGINE_MAGIC);
	for (size_t i = 0; i < count; i++)
		jobs[i]->queued_us = now_us;
	pthread_rwlock_rdlock(&engine->door); /* taken again below by done() of a job that is refused */
	if (engine->shut) {
		for (size_t i = 0; i < count; i++)
			base_refuse(engine, jobs[i], "the daemon stops");
	} else if (engine->ops->bulk_request) {
		engine->ops->bulk_request(engine, jobs, count);
	} else {
		base_bulk_request(engine, jobs, count);
	}
	pthread_rwlock_unlock(&engine->door);
}

void engine_submit(struct engine *engine, struct job *job)
{
	engine_submit_bulk(engine, &job, 1);
}

const char *engine_name(const struct engine *engine)
{
	CHECK(engine, ENGINE_MAGIC);
	return engine->name;
}

void engine_get_figures(struct engine *engine, struct engine_figures *ret)
{
	CHECK(engine, ENGINE_MAGIC);
	pthread_mutex_lock(&engine->queue.lock);
	*ret = (struct engine_figures){
	        .workers = atomic_load(&engine->allowed),
	        .hands = atomic_load(&engine->hands),
	        .busy = atomic_load(&engine->busy),
	        .queued = engine->queue.size + atomic_load(&engine->waiting),
	        .queue_limit = engine->settings.queue,
	        .done = atomic_load(&engine->done),
	        .refused = atomic_load(&engine->refused),
	        .deaths = atomic_load(&engine->deaths),
	        .repeated = atomic_load(&engine->repeated),
	        .abandoned = atomic_load(&engine->abandoned),
	        .recycled = atomic_load(&engine->recycled),
	};
	pthread_mutex_unlock(&engine->queue.lock);
}
