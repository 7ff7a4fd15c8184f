/* An engine of one thread and one session that runs many jobs at once: the calls that do not wait. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <redmine-cached/engine.h>

struct loop {
	struct rc_session *session;
	pthread_t thread;
	int started;
};

static int take_up(struct rc_engine *engine, struct loop *loop)
{
	while (rc_session_active(engine, loop->session) < (size_t)engine->workers) {
		int over;
		struct rc_job *job = rc_queue_try(engine, &over);

		if (!job)
			return !over;
		rc_session_start(engine, loop->session, job);
	}
	return 1;
}

static void *work(void *arg)
{
	struct rc_engine *engine = arg;
	struct loop *loop = engine->own;
	int more = 1;

	while (more || rc_session_active(engine, loop->session) > 0) {
		more = take_up(engine, loop);
		if (more || rc_session_active(engine, loop->session) > 0)
			rc_session_step(engine, loop->session, -1);
	}
	return NULL;
}

static struct rc_session *create_session(struct rc_engine *engine, char *why, size_t why_size)
{
	return rc_session_new(engine, engine->workers, why, why_size);
}

static void process_bulk_request(struct rc_engine *engine, struct rc_job *const *jobs, size_t count)
{
	struct loop *loop = engine->own;

	for (size_t i = 0; i < count; i++)
		rc_queue_put(engine, jobs[i]);
	rc_session_interrupt(engine, loop->session);
}

static void stop(struct rc_engine *engine, int drain)
{
	struct loop *loop = engine->own;

	if (loop && loop->started) {
		rc_session_interrupt(engine, loop->session);
		pthread_join(loop->thread, NULL);
	}
	free(loop); /* the session is left to the daemon */
}

static int start(struct rc_engine *engine, char *why, size_t why_size)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	engine->own = loop;
	if (!loop)
		return -ENOMEM;
	loop->session = create_session(engine, why, why_size);
	if (!loop->session)
		return -EIO;
	loop->started = pthread_create(&loop->thread, NULL, work, engine) == 0;
	return loop->started ? 0 : -EAGAIN;
}

const struct rc_engine_ops rc_plugin = {
        .abi = RC_ENGINE_ABI,
        .size = sizeof(rc_plugin),
        .create_session = create_session,
        .process_bulk_request = process_bulk_request,
        .start = start,
        .stop = stop,
};
