#include "engine/plugin.h"

#include "base/clock.h"

#include <errno.h>
#include <sched.h>

#define INDEX_MASK (((uintptr_t)1 << SLOT_INDEX_BITS) - 1)

static struct slot *slot_at(struct plugin *plugin, uintptr_t index)
{
	struct slot *chunk = atomic_load(&plugin->chunks[index / SLOTS_A_CHUNK]);

	return chunk ? &chunk[index % SLOTS_A_CHUNK] : NULL;
}

struct slot *slot_find(struct plugin *plugin, struct rc_job *number)
{
	struct slot *slot = number ? slot_at(plugin, (uintptr_t)number & INDEX_MASK) : NULL;

	return slot && atomic_load(&slot->generation) == (uintptr_t)number >> SLOT_INDEX_BITS ? slot : NULL;
}

/* Under the plug-in's lock. */
static int add_chunk(struct plugin *plugin)
{
	struct slot *chunk;

	if (plugin->slots / SLOTS_A_CHUNK == SLOT_CHUNKS)
		return -ENOBUFS;
	chunk = calloc(SLOTS_A_CHUNK, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	for (size_t i = SLOTS_A_CHUNK; i-- > 0;) {
		struct slot *slot = &chunk[i];

		slot->plugin = plugin;
		slot->index = plugin->slots + i;
		atomic_init(&slot->generation, 1);
		pthread_mutex_init(&slot->lock, NULL);
		pthread_mutex_init(&slot->wait_lock, NULL);
		pthread_cond_init(&slot->waits, NULL);
		slot->next_free = plugin->free;
		plugin->free = slot;
	}
	atomic_store(&plugin->chunks[plugin->slots / SLOTS_A_CHUNK], chunk);
	plugin->slots += SLOTS_A_CHUNK;
	return 0;
}

static struct slot *take_free(struct plugin *plugin)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&plugin->lock);
	if (plugin->free || add_chunk(plugin) == 0) {
		slot = plugin->free;
		plugin->free = slot->next_free;
		if (plugin->open++ == 0)
			pthread_cond_signal(&plugin->watch);
	}
	pthread_mutex_unlock(&plugin->lock);
	return slot;
}

static void give_back(struct slot *slot)
{
	struct plugin *plugin = slot->plugin;

	pthread_mutex_lock(&plugin->lock);
	slot->next_free = plugin->free;
	plugin->free = slot;
	plugin->open--;
	pthread_mutex_unlock(&plugin->lock);
}

static void wake(struct slot *slot)
{
	pthread_mutex_lock(&slot->wait_lock);
	slot->awake = true;
	pthread_cond_broadcast(&slot->waits);
	pthread_mutex_unlock(&slot->wait_lock);
}

/* job->poke: its client wakes or cancels it. Any thread, under the job's lock. */
static void poke(struct job *job)
{
	struct slot *slot = job->worker;
	struct plugin *plugin = slot->plugin;

	atomic_store(&slot->held, false);
	slot_progress(slot);
	if (atomic_load(&job->cancelled))
		job_cancel(&slot->copy);
	else
		job_wake(&slot->copy);
	wake(slot);
	if (plugin->ops.poke)
		plugin->ops.poke(&plugin->face, slot->number);
}

/* The request becomes the slot's: its fields are taken over, not copied. False: no memory. */
static bool copy_request(struct slot *slot, struct job *job)
{
	size_t method_size = strlen(job->method) + 1, target_size = strlen(job->target) + 1;
	struct job *copy = &slot->copy;

	slot->text = malloc(method_size + target_size);
	if (!slot->text)
		return false;
	memcpy(slot->text, job->method, method_size);
	memcpy(slot->text + method_size, job->target, target_size);
	job_take_request(copy, job);
	copy->method = slot->text;
	copy->target = slot->text + method_size;
	return true;
}

struct slot *slot_open(struct plugin *plugin, struct job *job)
{
	struct slot *slot = take_free(plugin);

	if (!slot)
		return NULL;
	job_init(&slot->copy, NULL, slot);
	if (!copy_request(slot, job)) {
		job_release(&slot->copy);
		give_back(slot);
		return NULL;
	}
	pthread_mutex_lock(&slot->lock);
	slot->job = job;
	pthread_mutex_unlock(&slot->lock);
	slot->number = (struct rc_job *)(atomic_load(&slot->generation) << SLOT_INDEX_BITS | slot->index);
	slot->own = NULL;
	slot->head_told = false;
	slot->awake = false;
	slot->started_us = clock_monotonic_us();
	atomic_store(&slot->busy, false);
	atomic_store(&slot->queued, false);
	atomic_store(&slot->held, false);
	atomic_store(&slot->in_session, false);
	atomic_store(&slot->limit_us, job->timeout_ms * 1000);
	slot_progress(slot);
	atomic_store(&slot->refs, 2);
	atomic_store(&slot->state, SLOT_OPEN);
	pthread_mutex_lock(&job->lock);
	job->worker = slot;
	job->poke = poke;
	if (atomic_load(&job->cancelled))
		job_cancel(&slot->copy);
	pthread_mutex_unlock(&job->lock);
	return slot;
}

struct slot *slot_of_job(struct job *job)
{
	return job->worker;
}

bool slot_enter(struct slot *slot)
{
	int state = SLOT_OPEN;

	while (!atomic_compare_exchange_weak(&slot->state, &state, SLOT_IN_CALL)) {
		if (state != SLOT_OPEN && state != SLOT_EXAMINED)
			return false;
		if (state == SLOT_EXAMINED)
			sched_yield();
		state = SLOT_OPEN;
	}
	return true;
}

void slot_leave(struct slot *slot)
{
	atomic_store(&slot->state, SLOT_OPEN);
}

int slot_interim(struct slot *slot, const struct job_head *head)
{
	int r = RC_GONE;

	if (!slot_enter(slot))
		return r;
	slot_progress(slot);
	if (!slot->head_told && !atomic_load(&slot->copy.cancelled)) {
		job_tell_interim(slot->job, head);
		r = 0;
	}
	slot_leave(slot);
	return r;
}

int slot_head(struct slot *slot, const struct job_head *head)
{
	int r = RC_GONE;

	if (!slot_enter(slot))
		return r;
	slot_progress(slot);
	if (!slot->head_told && !atomic_load(&slot->copy.cancelled)) {
		slot->head_told = true;
		r = job_tell_head(slot->job, head);
	}
	slot_leave(slot);
	return r;
}

int slot_body(struct slot *slot, const char *data, size_t size)
{
	int r = RC_GONE;

	if (!slot_enter(slot))
		return r;
	slot_progress(slot);
	if (slot->head_told && !atomic_load(&slot->copy.cancelled)) {
		atomic_store(&slot->held, true); /* before it is asked: it may be woken before it has answered */
		r = slot->job->client->body(slot->job, data, size);
		if (r != JOB_HOLD)
			atomic_store(&slot->held, false);
	}
	slot_leave(slot);
	return r;
}

ssize_t slot_upload(struct slot *slot, char *room, size_t size)
{
	ssize_t r = RC_GONE;

	if (!slot_enter(slot))
		return r;
	slot_progress(slot);
	if (!slot->copy.has_body) {
		r = 0;
	} else if (!atomic_load(&slot->copy.cancelled)) {
		atomic_store(&slot->held, true);
		r = slot->job->client->upload(slot->job, room, size);
		if (r != JOB_HOLD)
			atomic_store(&slot->held, false);
	}
	slot_leave(slot);
	return r;
}

void slot_begin(struct slot *slot)
{
	atomic_store(&slot->queued, false);
	slot_progress(slot);
	if (!atomic_exchange(&slot->busy, true))
		atomic_fetch_add(&slot->plugin->engine->busy, 1);
}

void slot_progress(struct slot *slot)
{
	atomic_store(&slot->heard_us, clock_monotonic_us());
}

/* The daemon's job goes back to its owner; nothing of it is touched after done(). */
static void part_from_job(struct slot *slot, const struct job_result *result)
{
	struct job *job;

	pthread_mutex_lock(&slot->lock);
	job = slot->job;
	slot->job = NULL;
	pthread_mutex_unlock(&slot->lock);
	pthread_mutex_lock(&job->lock);
	job->poke = NULL;
	job->worker = NULL;
	pthread_mutex_unlock(&job->lock);
	wake(slot);
	slot_unref(slot);
	job_tell_done(job, result);
}

/* After its state was taken by this thread. */
static void end(struct slot *slot, const struct job_result *result)
{
	struct engine *engine = slot->plugin->engine;

	atomic_store(&slot->state, SLOT_OVER);
	atomic_store(&slot->queued, false);
	if (atomic_exchange(&slot->busy, false)) {
		atomic_fetch_add(&engine->done, 1);
		atomic_fetch_sub(&engine->busy, 1);
	}
	part_from_job(slot, result);
}

bool slot_end(struct slot *slot, const struct job_result *result)
{
	if (!slot_enter(slot))
		return false;
	end(slot, result);
	return true;
}

static bool is_overdue(struct slot *slot)
{
	return !atomic_load(&slot->queued) && !atomic_load(&slot->held) &&
	       clock_monotonic_us() - atomic_load(&slot->heard_us) > atomic_load(&slot->limit_us);
}

void slot_end_overdue(struct slot *slot)
{
	struct job_result result = {.outcome = JOB_TIMEOUT, .maybe_sent = true};
	int state = SLOT_OPEN;

	if (!is_overdue(slot) || !atomic_compare_exchange_strong(&slot->state, &state, SLOT_EXAMINED))
		return;
	if (!is_overdue(slot)) { /* it is another job by now, or went on */
		atomic_store(&slot->state, SLOT_OPEN);
		return;
	}
	if (slot->head_told)
		result.outcome = JOB_CUT;
	result.upstream_us = clock_monotonic_us() - slot->started_us;
	snprintf(result.text, sizeof(result.text), "no progress of engine \"%s\" within %lld ms",
	        slot->plugin->face.name, (long long)slot->copy.timeout_ms);
	atomic_fetch_add(&slot->plugin->engine->abandoned, 1);
	job_cancel(&slot->copy); /* who still works on it may stop */
	end(slot, &result);
}

bool slot_forget(struct slot *slot)
{
	uintptr_t generation = (uintptr_t)slot->number >> SLOT_INDEX_BITS;
	uintptr_t next = generation == UINTPTR_MAX >> SLOT_INDEX_BITS ? 1 : generation + 1;

	if (!atomic_compare_exchange_strong(&slot->generation, &generation, next))
		return false;
	slot_unref(slot);
	return true;
}

void slot_ref(struct slot *slot)
{
	atomic_fetch_add(&slot->refs, 1);
}

void slot_unref(struct slot *slot)
{
	if (atomic_fetch_sub(&slot->refs, 1) != 1)
		return;
	atomic_store(&slot->state, SLOT_FREE);
	job_release(&slot->copy);
	free(slot->text);
	slot->text = NULL;
	give_back(slot);
}

void slots_visit(struct plugin *plugin, void (*visit)(struct slot *slot))
{
	size_t count;

	pthread_mutex_lock(&plugin->lock);
	count = plugin->slots;
	pthread_mutex_unlock(&plugin->lock);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = slot_at(plugin, i);

		if (atomic_load(&slot->state) != SLOT_FREE)
			visit(slot);
	}
}

void slots_release(struct plugin *plugin)
{
	for (size_t i = 0; i < plugin->slots; i++) {
		struct slot *slot = slot_at(plugin, i);

		if (atomic_load(&slot->state) != SLOT_FREE) { /* one whose end the plug-in never told */
			job_release(&slot->copy);
			free(slot->text);
		}
		pthread_mutex_destroy(&slot->lock);
		pthread_mutex_destroy(&slot->wait_lock);
		pthread_cond_destroy(&slot->waits);
	}
	for (size_t i = 0; i < plugin->slots / SLOTS_A_CHUNK; i++)
		free(atomic_load(&plugin->chunks[i]));
	plugin->slots = 0;
}
