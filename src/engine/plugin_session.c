/*
 * Sessions in the hands of a plug-in. A session runs the slot's copy of the
 * request; what it tells of the answer is shown to process_response and told
 * on to the daemon.
 */
#include "engine/plugin.h"

#include <errno.h>

/* A session ends what lasts too long by itself; the watch only helps when nobody steps the session. */
#define SESSION_GRACE_US 5000000

_Static_assert(sizeof(struct rc_field) == sizeof(struct field), "fields are shown as they are");
_Static_assert(offsetof(struct rc_field, value) == offsetof(struct field, value), "fields are shown as they are");

/* 0, or what the plug-in says: give up. */
static int show(struct slot *slot, const struct rc_piece *piece)
{
	struct plugin *plugin = slot->plugin;

	if (!plugin->ops.process_response)
		return 0;
	return plugin->ops.process_response(&plugin->face, slot->number, piece);
}

/* Nothing that process_response has a kind for. */
static void on_interim(struct job *copy, const struct job_head *head)
{
	slot_interim(copy->owner, head);
}

static int on_head(struct job *copy, const struct job_head *head)
{
	struct slot *slot = copy->owner;
	struct rc_head shown = {.status = head->status,
	        .reason = head->reason,
	        .fields = (const struct rc_field *)head->fields->items,
	        .field_count = head->fields->count,
	        .framed = head->framed};
	int r = show(slot, &(struct rc_piece){.kind = RC_PIECE_HEAD, .head = &shown, .text = ""});

	return r < 0 ? r : slot_head(slot, head);
}

static int on_body(struct job *copy, const char *data, size_t size)
{
	struct slot *slot = copy->owner;
	int r = slot_body(slot, data, size);

	if (r != 0)
		return r;
	return show(slot, &(struct rc_piece){.kind = RC_PIECE_BODY, .data = data, .size = size, .text = ""});
}

static ssize_t on_upload(struct job *copy, char *room, size_t size)
{
	return slot_upload(copy->owner, room, size);
}

static void on_done(struct job *copy, const struct job_result *result)
{
	struct slot *slot = copy->owner;

	show(slot, &(struct rc_piece){
	                   .kind = RC_PIECE_END, .outcome = (enum rc_outcome)result->outcome, .text = result->text});
	slot_end(slot, result);
	slot_forget(slot);
	slot_unref(slot);
}

static const struct job_client client = {
        .interim = on_interim, .head = on_head, .body = on_body, .upload = on_upload, .done = on_done};

struct rc_session *plugin_session_new(struct plugin *plugin, int width, struct fail *fail)
{
	struct session_settings settings = plugin->engine->settings.session;
	struct rc_session *session = calloc(1, sizeof(*session));

	if (!session) {
		fail_set(fail, -ENOMEM, "out of memory");
		return NULL;
	}
	if (width > 1) {
		settings.connections = width;
		settings.http2 = true;
	}
	session->plugin = plugin;
	session->session = session_new(&settings, fail);
	if (!session->session) {
		free(session);
		return NULL;
	}
	pthread_mutex_lock(&plugin->lock);
	session->next = plugin->sessions;
	if (session->next)
		session->next->previous = session;
	plugin->sessions = session;
	pthread_mutex_unlock(&plugin->lock);
	return session;
}

void plugin_session_free(struct rc_session *session)
{
	struct plugin *plugin = session->plugin;

	pthread_mutex_lock(&plugin->lock);
	if (session->previous)
		session->previous->next = session->next;
	else
		plugin->sessions = session->next;
	if (session->next)
		session->next->previous = session->previous;
	pthread_mutex_unlock(&plugin->lock);
	session_free(session->session);
	free(session);
}

int plugin_session_start(struct rc_session *session, struct rc_job *number)
{
	struct plugin *plugin = session->plugin;
	struct slot *slot = slot_find(plugin, number);

	if (!slot || !slot_enter(slot))
		return RC_GONE;
	if (atomic_exchange(&slot->in_session, true)) {
		slot_leave(slot);
		return RC_GONE;
	}
	slot_ref(slot); /* the session's, given back in on_done */
	atomic_store(&slot->limit_us, slot->copy.timeout_ms * 1000 + SESSION_GRACE_US);
	slot_begin(slot);
	slot_leave(slot);
	slot->copy.client = &client;
	if (plugin->ops.construct_request)
		plugin->ops.construct_request(&plugin->face, number);
	session_start(session->session, &slot->copy);
	return 0;
}

void plugin_sessions_release(struct plugin *plugin)
{
	while (plugin->sessions) {
		struct rc_session *session = plugin->sessions;

		session_cancel(session->session);
		while (session_active(session->session) > 0)
			session_step(session->session, -1);
		plugin_session_free(session);
	}
}
