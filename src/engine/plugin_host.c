/* The functions that every plug-in gets: include/redmine-cached/engine.h says what they do. */
#include "engine/plugin.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "redmine/identity.h"
#include "redmine/redact.h"

#include <errno.h>

/* A target is never as long: Puma and every front end refuse it. */
#define SHOWN_MAX (1 << 20)

static struct job *copy_of(struct rc_engine *face, struct rc_job *number)
{
	struct slot *slot = slot_find(plugin_of(face), number);

	return slot ? &slot->copy : NULL;
}

static const char *host_job_method(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy ? copy->method : "";
}

static const char *host_job_target(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy ? copy->target : "";
}

static int host_job_field(struct rc_engine *face, struct rc_job *number, size_t index, struct rc_field *ret)
{
	const struct job *copy = copy_of(face, number);

	if (!copy || index >= copy->fields.count)
		return 0;
	*ret = (struct rc_field){copy->fields.items[index].name, copy->fields.items[index].value};
	return 1;
}

static const char *host_job_field_value(struct rc_engine *face, struct rc_job *number, const char *name)
{
	const struct job *copy = copy_of(face, number);

	return copy ? fields_get(&copy->fields, name) : NULL;
}

static int host_job_set_field(struct rc_engine *face, struct rc_job *number, const char *name, const char *value)
{
	struct job *copy = copy_of(face, number);

	if (!copy)
		return RC_GONE;
	if (value)
		return fields_set(&copy->fields, name, value);
	fields_remove(&copy->fields, name);
	return 0;
}

static int host_job_has_body(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy && copy->has_body;
}

static int64_t host_job_body_size(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy && copy->has_body ? copy->body_size : 0;
}

static int host_job_is_safe(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy && copy->safe;
}

static int64_t host_job_timeout_ms(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy ? copy->timeout_ms : 0;
}

static int64_t host_job_connect_timeout_ms(struct rc_engine *face, struct rc_job *number)
{
	const struct job *copy = copy_of(face, number);

	return copy ? copy->connect_timeout_ms : 0;
}

static int host_job_shown_target(struct rc_engine *face, struct rc_job *number, char *room, size_t size)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(2 * SHOWN_MAX);
	const struct job *copy = copy_of(face, number);
	int r;

	if (!copy)
		return RC_GONE;
	r = redact_target(copy->target, SHOWN_MAX, &shown);
	if (r < 0)
		return r;
	if (shown.size >= size)
		return -ENOBUFS;
	memcpy(room, buf_text(&shown), shown.size + 1);
	return (int)shown.size;
}

static void print_hex(char ret[2 * DIGEST_SIZE + 1], const uint8_t digest[DIGEST_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static int host_job_who(struct rc_engine *face, struct rc_job *number, const unsigned char *key, char *ret)
{
	CLEANUP(query_parts_release) struct query_parts query = {0};
	const struct job *copy = copy_of(face, number);
	struct identity identity;
	struct digest_secret secret;
	const char *mark;
	int r;

	if (!copy)
		return RC_GONE;
	mark = strchr(copy->target, '?');
	r = query_parse(&query, mark ? mark + 1 : NULL, mark ? strlen(mark + 1) : 0, false);
	if (r < 0)
		return r;
	memcpy(secret.bytes, key, sizeof(secret.bytes));
	identity_of(&identity, &copy->fields, &query, &secret);
	print_hex(ret, identity.digest);
	return !identity.anonymous;
}

static void host_job_set_own(struct rc_engine *face, struct rc_job *number, void *own)
{
	struct slot *slot = slot_find(plugin_of(face), number);

	if (slot)
		slot->own = own;
}

static void *host_job_own(struct rc_engine *face, struct rc_job *number)
{
	const struct slot *slot = slot_find(plugin_of(face), number);

	return slot ? slot->own : NULL;
}

static int host_job_cancelled(struct rc_engine *face, struct rc_job *number)
{
	struct job *copy = copy_of(face, number);

	return !copy || atomic_load(&copy->cancelled);
}

static int host_job_wait(struct rc_engine *face, struct rc_job *number)
{
	struct slot *slot = slot_find(plugin_of(face), number);

	if (!slot)
		return RC_GONE;
	pthread_mutex_lock(&slot->wait_lock);
	while (!slot->awake && !host_job_cancelled(face, number) && atomic_load(&slot->state) != SLOT_OVER)
		pthread_cond_wait(&slot->waits, &slot->wait_lock);
	slot->awake = false;
	pthread_mutex_unlock(&slot->wait_lock);
	return host_job_cancelled(face, number) || atomic_load(&slot->state) == SLOT_OVER ? RC_GONE : 0;
}

static ptrdiff_t host_job_upload(struct rc_engine *face, struct rc_job *number, void *room, size_t size)
{
	struct slot *slot = slot_find(plugin_of(face), number);

	return slot ? slot_upload(slot, room, size) : RC_GONE;
}

static int host_job_head(struct rc_engine *face, struct rc_job *number, const struct rc_head *head)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct slot *slot = slot_find(plugin_of(face), number);
	struct job_head told = {
	        .status = head->status, .reason = head->reason, .fields = &fields, .framed = head->framed};

	if (!slot)
		return RC_GONE;
	if (head->status > 999 || (head->status < 200 && !job_is_interim(head->status)))
		return -EINVAL;
	for (size_t i = 0; i < head->field_count; i++)
		if (fields_add(&fields, head->fields[i].name, head->fields[i].value) < 0)
			return -ENOMEM;
	slot_begin(slot);
	return job_is_interim(told.status) ? slot_interim(slot, &told) : slot_head(slot, &told);
}

static int host_job_body(struct rc_engine *face, struct rc_job *number, const void *data, size_t size)
{
	struct slot *slot = slot_find(plugin_of(face), number);

	return slot ? slot_body(slot, data, size) : RC_GONE;
}

/* What was not told cannot be whole, and what nobody wants any more was not done. */
static enum job_outcome outcome_of(const struct slot *slot, enum rc_outcome outcome)
{
	if (outcome == RC_DONE && !slot->head_told)
		return JOB_NO_ANSWER;
	if (outcome != RC_DONE && atomic_load(&slot->copy.cancelled))
		return JOB_CANCELLED;
	return outcome >= RC_DONE && outcome <= RC_CANCELLED ? (enum job_outcome)outcome : JOB_NO_ANSWER;
}

static int host_job_done(
        struct rc_engine *face, struct rc_job *number, enum rc_outcome outcome, int maybe_sent, const char *text)
{
	struct plugin *plugin = plugin_of(face);
	struct slot *slot = slot_find(plugin, number);
	bool first = false;

	if (slot) {
		struct job_result result = {.outcome = outcome_of(slot, outcome), .maybe_sent = maybe_sent != 0};

		result.upstream_us = clock_monotonic_us() - slot->started_us;
		snprintf(result.text, sizeof(result.text), "%s", text ? text : "");
		first = slot_end(slot, &result);
		slot_forget(slot);
	}
	if (!first)
		atomic_fetch_add(&plugin->engine->repeated, 1);
	return first ? 0 : RC_GONE;
}

static struct rc_session *host_session_new(struct rc_engine *face, int width, char *why, size_t why_size)
{
	struct fail fail = {.text = "sessions are made from start() on"};
	struct plugin *plugin = plugin_of(face);
	struct rc_session *session = plugin->started ? plugin_session_new(plugin, width, &fail) : NULL;

	if (!session && why_size > 0)
		snprintf(why, why_size, "%s", fail.text);
	return session;
}

static void host_session_free(struct rc_engine *face, struct rc_session *session)
{
	if (session)
		plugin_session_free(session);
}

static int host_session_start(struct rc_engine *face, struct rc_session *session, struct rc_job *number)
{
	return plugin_session_start(session, number);
}

static int host_session_perform(struct rc_engine *face, struct rc_session *session, struct rc_job *number)
{
	int r = plugin_session_start(session, number);

	while (session_active(session->session) > 0)
		session_step(session->session, -1);
	return r;
}

static void host_session_step(struct rc_engine *face, struct rc_session *session, int timeout_ms)
{
	session_step(session->session, timeout_ms);
}

static size_t host_session_active(struct rc_engine *face, struct rc_session *session)
{
	return session_active(session->session);
}

static void host_session_interrupt(struct rc_engine *face, struct rc_session *session)
{
	session_interrupt(session->session);
}

static void host_queue_put(struct rc_engine *face, struct rc_job *number)
{
	struct plugin *plugin = plugin_of(face);
	struct slot *slot = slot_find(plugin, number);
	int r = 0;

	if (!slot)
		return;
	plugin_pool_grow(plugin);
	pthread_mutex_lock(&slot->lock);
	if (slot->job && !atomic_exchange(&slot->queued, true))
		r = job_queue_put(&plugin->engine->queue, slot->job);
	pthread_mutex_unlock(&slot->lock);
	if (r < 0)
		plugin_refuse(slot, r == -ENOBUFS ? "the queue is full" : "the daemon stops");
}

static struct rc_job *number_of(struct job *job)
{
	struct slot *slot = job ? slot_of_job(job) : NULL;

	if (!slot)
		return NULL;
	slot_begin(slot);
	return slot->number;
}

static struct rc_job *host_queue_take(struct rc_engine *face)
{
	struct plugin *plugin = plugin_of(face);

	return plugin->started ? number_of(job_queue_take(&plugin->engine->queue)) : NULL;
}

static struct rc_job *host_queue_try(struct rc_engine *face, int *ret_over)
{
	struct plugin *plugin = plugin_of(face);
	bool over = true;
	struct job *job = plugin->started ? job_queue_try(&plugin->engine->queue, &over) : NULL;

	*ret_over = over;
	return number_of(job);
}

static void host_digest(struct rc_engine *face, const unsigned char *key, const void *data, size_t size, char *ret)
{
	struct digest_secret secret;
	uint8_t bytes[DIGEST_SIZE];
	struct digest digest;

	memcpy(secret.bytes, key, sizeof(secret.bytes));
	digest_start(&digest, &secret);
	digest_add(&digest, data, size);
	digest_end(&digest, bytes);
	print_hex(ret, bytes);
}

static void host_log(struct rc_engine *face, enum rc_level level, const char *text)
{
	static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};

	log_line(levels[level <= RC_DEBUG ? level : RC_DEBUG], "engine \"%s\": %s", face->name, text);
}

const struct rc_host plugin_host = {
        .abi = RC_ENGINE_ABI,
        .size = sizeof(struct rc_host),
        .job_method = host_job_method,
        .job_target = host_job_target,
        .job_field = host_job_field,
        .job_field_value = host_job_field_value,
        .job_set_field = host_job_set_field,
        .job_has_body = host_job_has_body,
        .job_body_size = host_job_body_size,
        .job_is_safe = host_job_is_safe,
        .job_timeout_ms = host_job_timeout_ms,
        .job_connect_timeout_ms = host_job_connect_timeout_ms,
        .job_shown_target = host_job_shown_target,
        .job_who = host_job_who,
        .job_set_own = host_job_set_own,
        .job_own = host_job_own,
        .job_cancelled = host_job_cancelled,
        .job_wait = host_job_wait,
        .job_upload = host_job_upload,
        .job_head = host_job_head,
        .job_body = host_job_body,
        .job_done = host_job_done,
        .session_new = host_session_new,
        .session_free = host_session_free,
        .session_perform = host_session_perform,
        .session_start = host_session_start,
        .session_step = host_session_step,
        .session_active = host_session_active,
        .session_interrupt = host_session_interrupt,
        .queue_put = host_queue_put,
        .queue_take = host_queue_take,
        .queue_try = host_queue_try,
        .option = plugin_option,
        .options_known = plugin_options_known,
        .digest = host_digest,
        .log = host_log,
};
