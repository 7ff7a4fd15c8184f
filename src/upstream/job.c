#include "upstream/job.h"

void job_init(struct job *job, const struct job_client *client, void *owner)
{
	*job = (struct job){.magic = JOB_MAGIC, .client = client, .owner = owner};
	atomic_init(&job->rank, JOB_INTERACTIVE);
	pthread_mutex_init(&job->lock, NULL);
}

void job_take_request(struct job *job, struct job *from)
{
	size_t start = offsetof(struct job, method), end = offsetof(struct job, lock);

	CHECK(from, JOB_MAGIC);
	memcpy((char *)job + start, (char *)from + start, end - start);
	from->fields = FIELDS_INIT;
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
	const struct job_keeper *keeper;

	CHECK(job, JOB_MAGIC);
	atomic_store(&job->cancelled, true);
	keeper = atomic_load(&job->keeper);
	if (keeper && keeper->withdraw(job))
		job_end(job, JOB_CANCELLED, "");
	else
		poke(job);
}

void job_hasten(struct job *job, enum job_rank rank)
{
	const struct job_keeper *keeper;

	CHECK(job, JOB_MAGIC);
	if (rank >= atomic_load(&job->rank))
		return;
	atomic_store(&job->rank, rank);
	keeper = atomic_load(&job->keeper);
	if (keeper)
		keeper->hasten(job);
}

void job_tell_interim(struct job *job, const struct job_head *head)
{
	CHECK(job, JOB_MAGIC);
	if (job->client->interim && fields_size(head->fields) <= JOB_INTERIM_SIZE)
		job->client->interim(job, head);
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
