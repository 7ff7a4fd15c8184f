/*
 * The smallest whole engine: threads that each take a job from the base's queue
 * and run it on a session of their own. A template: copy it, change where and
 * when jobs run. doc/custom-engine.md explains every line.
 *
 *   cc -shared -fPIC -pthread $(pkg-config --cflags redmine-cached) -o minimal.so minimal.c
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <redmine-cached/engine.h>

struct worker {
	struct rc_engine *engine;
	struct rc_session *session;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct rc_job *job;

	while ((job = rc_queue_take(worker->engine)))
		rc_session_perform(worker->engine, worker->session, job);
	rc_session_free(worker->engine, worker->session);
	return NULL;
}

static struct rc_session *create_session(struct rc_engine *engine, char *why, size_t why_size)
{
	return rc_session_new(engine, 1, why, why_size);
}

static void process_bulk_request(struct rc_engine *engine, struct rc_job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rc_queue_put(engine, jobs[i]);
}

/* The workers end when rc_queue_take() gives NULL; one with a thread has an engine. */
static void stop(struct rc_engine *engine, int drain)
{
	struct worker *workers = engine->own;

	for (int i = 0; workers && i < engine->workers && workers[i].engine; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
}

/* When it fails, the daemon calls stop() for what was started. */
static int start(struct rc_engine *engine, char *why, size_t why_size)
{
	struct worker *workers = calloc((size_t)engine->workers, sizeof(*workers));

	engine->own = workers;
	for (int i = 0; workers && i < engine->workers; i++) {
		workers[i].session = create_session(engine, why, why_size);
		if (!workers[i].session)
			return -EIO;
		workers[i].engine = engine;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
			workers[i].engine = NULL;
			return -EAGAIN;
		}
	}
	return workers ? 0 : -ENOMEM;
}

const struct rc_engine_ops rc_plugin = {
        .abi = RC_ENGINE_ABI,
        .size = sizeof(rc_plugin),
        .create_session = create_session,
        .process_bulk_request = process_bulk_request,
        .start = start,
        .stop = stop,
};
