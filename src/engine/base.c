#include "engine/base.h"

struct session *base_create_session(struct engine *engine, struct fail *fail)
{
	return session_new(&engine->settings.session, fail);
}

void base_request(struct engine *engine, struct session *session, struct job *job)
{
	session_perform(session, job);
}

void base_bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	engine->ops->process_bulk_request(engine, jobs, count);
}

void base_refuse(struct engine *engine, struct job *job, const char *text)
{
	atomic_fetch_add(&engine->refused, 1);
	job_end(job, JOB_REFUSED, text);
}

void base_run(struct engine *engine, struct session *session, struct job *job)
{
	atomic_fetch_add(&engine->busy, 1);
	if (engine->ops->construct_request)
		engine->ops->construct_request(engine, job);
	if (engine->ops->request)
		engine->ops->request(engine, session, job);
	else
		base_request(engine, session, job);
	atomic_fetch_add(&engine->done, 1);
	atomic_fetch_sub(&engine->busy, 1);
}
