#include "upstream/job.h"

void job_init(struct job *job, const struct job_client *client, void *owner)
{
	*job = (struct job){.magic = JOB_MAGIC, .client = client, .owner = owner};
	pthread_mutex_init(&job->lock, NULL);
}

void job_take_request(struct job *job, struct job *from)
{
	job->method = from->method;
	job->target = from->target;
	job->fields = from->fields;
	from->fields = FIELDS_INIT;
	job->has_body = from->has_body;
	job->body_size = from->body_size;
	job->safe = from->safe;
	job->undo_coding = from->undo_coding;
	job->accept_gzip = from->accept_gzip;
	job->timeout_ms = from->timeout_ms;
	job->connect_timeout_ms = from->connect_timeout_ms;
	job->share = from->share;
	job->rank = from->rank;
}

void job_release(struct job *job)
{
	CHECK(job, JOB_MAGIC);
	ASSERT(!job->poke);
	fields_release(&job->fields);
	pthread_mutex_destroy(&job->lock);
	job->magic = 0;
}

static void poke(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	if (job->poke)
		job->poke(job);
	pthread_mutex_unlock(&job->lock);
}

void job_wake(struct job *job)
{
	CHECK(job, JOB_MAGIC);
	poke(job);
}

void job_cancel(struct job *job)
{
	job_withdraw withdraw;

	CHECK(job, JOB_MAGIC);
	atomic_store(&job->cancelled, true);
	withdraw = atomic_load(&job->withdraw);
	if (withdraw && withdraw(job))
		job_end(job, JOB_CANCELLED, "");
	else
		poke(job);
}

int job_tell_head(struct job *job, const struct job_head *head)
{
	CHECK(job, JOB_MAGIC);
	job->status = head->status;
	return job->client->head(job, head);
}

void job_tell_done(struct job *job, const struct job_result *result)
{
	CHECK(job, JOB_MAGIC);
	if (job->ended)
		job->ended(job, result);
	job->client->done(job, result);
}

void job_end(struct job *job, enum job_outcome outcome, const char *text)
{
	struct job_result result = {.outcome = outcome};

	snprintf(result.text, sizeof(result.text), "%s", text);
	job_tell_done(job, &result);
}
