/*
 * What has changed, from whomever it is known: writes that pass, the watcher, webhooks. Whoever wants to know of it
 * listens (GET /-/events: server-sent events, HTML section 9.2). An event names tags (redmine/tags.h: classes and numbers)
 * and never what a thing is called or holds. The last ones are kept, so that a listener who was cut off gets what he
 * missed; one who is too slow, or comes back too late, is told that he missed something.
 */
#ifndef FLOW_CHANGES_H
#define FLOW_CHANGES_H

#include "cache/cache.h"
#include "flow/request.h"

struct changes;

/* Where an event comes from. */
enum change_source { CHANGE_WRITE, CHANGE_WATCHER, CHANGE_WEBHOOK };

struct changes_figures {
	uint64_t told[CHANGE_WEBHOOK + 1]; /* by source */
	uint64_t listeners;                /* now */
	uint64_t taken, refused;           /* deliveries of webhooks: believed; not signed, or none */
};

/* cache: borrowed. NULL: out of memory. A thread of its own is started when there is need. */
struct changes *changes_new(struct cache *cache);

/* Every listener's stream ends, none begins any more. Any thread; again is allowed. */
void changes_close(struct changes *changes);

/* Ends the thread; changes_close() came before or comes now, every listener has left. NULL is allowed. */
void changes_free(struct changes *changes);

/* Tells the listeners what tags->classes and tags->own say. Whoever calls has raised the tags. Any thread, never blocks. */
void changes_tell(struct changes *changes, enum change_source source, const struct tags *tags);

/*
 * Whom to call when tags were raised; NULL: nobody, and who was is not called any more once this returns. Called on any
 * thread with a lock held: it may neither block nor call anything of this file.
 */
void changes_set_heard(struct changes *changes, void (*heard)(void *arg), void *arg);

/* Something was changed elsewhere: raises the tags and tells it. Any thread, no I/O. */
void changes_make(struct changes *changes, enum change_source source, const struct tags *tags);

/*
 * Redmine goes on with what it has answered already (deletion of a project, redmine-api.md 5.3): the tags
 * are raised again after 2 and 10 seconds, a minute and five. Any thread.
 */
void changes_settle(struct changes *changes, const struct tags *tags);

/*
 * A stream of the events from now on, or from after last_id (the field Last-Event-ID of one who had them; NULL: none).
 * heartbeat_ms: a comment is sent when nothing else was for that long. 0; -EBUSY: limit listeners are there already or
 * the daemon stops; -ENOMEM. Any thread.
 */
int changes_listen(
        struct changes *changes, const char *last_id, size_t limit, int64_t heartbeat_ms, struct stream *ret);

/* A delivery of a webhook has come; taken: it is one, and signed. Any thread. */
void changes_note_delivery(struct changes *changes, bool taken);

/* Counted since the start. Any thread. */
void changes_get_figures(struct changes *changes, struct changes_figures *ret);

#endif
