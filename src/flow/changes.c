#include "flow/changes.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <time.h>

#define KEPT         1024 /* events that a listener may be behind */
#define EVENT_SIZE   768
#define SETTLING_MAX 256
#define PULSE_US     (500 * INT64_C(1000))

static const char *const source_names[] = {"write", "watcher", "webhook"};
static const int64_t settle_after_ms[] = {2000, 10000, 60000, 300000};

struct listener {
	struct changes *changes;
	struct listener *next;
	uint64_t at; /* number of the next event */
	char text[EVENT_SIZE];
	size_t size, sent; /* of text */
	int64_t heartbeat_us, quiet_us;
	bool lost; /* has to be told that something is missing */
	void (*wake)(void *arg);
	void *arg;
};

struct settling {
	struct tags tags;
	int64_t begun_us;
	size_t step;
};

struct changes {
	pthread_mutex_t lock;
	pthread_cond_t stop;
	struct cache *cache;
	uint32_t epoch; /* numbers of an earlier process are of another one */
	uint64_t count; /* events so far */
	char *events[KEPT];
	struct listener *listeners;
	size_t listener_count;
	struct settling settling[SETTLING_MAX];
	size_t settling_count;
	bool closed, threaded;
	void (*heard)(void *arg);
	void *heard_arg;
	pthread_t thread;
	uint64_t told[ARRAY_SIZE(source_names)];
	uint64_t taken, refused;
};

struct changes *changes_new(struct cache *cache)
{
	struct changes *changes = calloc(1, sizeof(*changes));
	pthread_condattr_t monotonic;

	if (!changes)
		return NULL;
	changes->cache = cache;
	if (getrandom(&changes->epoch, sizeof(changes->epoch), GRND_NONBLOCK) < 0)
		changes->epoch = (uint32_t)clock_wall_ms();
	pthread_mutex_init(&changes->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&changes->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return changes;
}

static void wake_all(struct changes *changes)
{
	for (struct listener *listener = changes->listeners; listener; listener = listener->next)
		if (listener->wake)
			listener->wake(listener->arg);
}

void changes_close(struct changes *changes)
{
	pthread_mutex_lock(&changes->lock);
	changes->closed = true;
	pthread_cond_broadcast(&changes->stop);
	wake_all(changes);
	pthread_mutex_unlock(&changes->lock);
}

void changes_free(struct changes *changes)
{
	if (!changes)
		return;
	changes_close(changes);
	if (changes->threaded)
		pthread_join(changes->thread, NULL);
	ASSERT(!changes->listeners);
	for (size_t i = 0; i < KEPT; i++)
		free(changes->events[i]);
	pthread_cond_destroy(&changes->stop);
	pthread_mutex_destroy(&changes->lock);
	free(changes);
}

static void raise_tags(struct changes *changes, const struct tags *tags)
{
	cache_write_begin(changes->cache, tags->items, tags->count, NULL, NULL);
	cache_write_end(changes->cache, tags->items, tags->count, true);
}

/* The next step of those whose time has come. Locked; raising takes no lock but the store's queue. */
static void settle_due(struct changes *changes, int64_t now_us)
{
	for (size_t i = 0; i < changes->settling_count;) {
		struct settling *settling = &changes->settling[i];

		if (now_us - settling->begun_us < settle_after_ms[settling->step] * 1000) {
			i++;
			continue;
		}
		raise_tags(changes, &settling->tags);
		if (++settling->step == ARRAY_SIZE(settle_after_ms))
			*settling = changes->settling[--changes->settling_count];
	}
}

static void wake_quiet(struct changes *changes, int64_t now_us)
{
	for (struct listener *listener = changes->listeners; listener; listener = listener->next)
		if (listener->wake && now_us - listener->quiet_us >= listener->heartbeat_us)
			listener->wake(listener->arg);
}

/* Heartbeats, and what is to be raised again. */
static void *pulse(void *arg)
{
	struct changes *changes = arg;

	pthread_mutex_lock(&changes->lock);
	while (!changes->closed) {
		int64_t now_us = clock_monotonic_us(), until_us = now_us + PULSE_US;
		struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

		settle_due(changes, now_us);
		wake_quiet(changes, now_us);
		if (changes->listener_count == 0 && changes->settling_count == 0)
			pthread_cond_wait(&changes->stop, &changes->lock);
		else
			pthread_cond_timedwait(&changes->stop, &changes->lock, &until);
	}
	pthread_mutex_unlock(&changes->lock);
	return NULL;
}

/* Without the thread there are no heartbeats, and nothing is raised a second time: not worth more than that. Locked. */
static void need_thread(struct changes *changes)
{
	if (!changes->threaded && !changes->closed)
		changes->threaded = pthread_create(&changes->thread, NULL, pulse, changes) == 0;
	pthread_cond_signal(&changes->stop);
}

static int print_event(struct buf *text, const struct changes *changes, const char *source, const struct tags *tags)
{
	const char *separator = "";
	int r = buf_printf(text, "id: %08" PRIx32 "-%" PRIu64 "\nevent: change\ndata: {\"source\":\"%s\",\"tags\":[",
	        changes->epoch, changes->count, source);

	for (unsigned bit = 0; r == 0 && tag_class_name(1u << bit); bit++) {
		if (!(tags->classes & 1u << bit))
			continue;
		r = buf_printf(text, "%s\"%s\"", separator, tag_class_name(1u << bit));
		separator = ",";
	}
	if (r == 0 && tags->own[0])
		r = buf_printf(text, "%s\"%s\"", separator, tags->own);
	if (r == 0)
		r = buf_add_text(text, "]");
	if (r == 0 && strncmp(tags->own, "issue:", 6) == 0)
		r = buf_printf(text, ",\"url\":\"/issues/%s.json\"", tags->own + 6);
	else if (r == 0 && strncmp(tags->own, "time_entry:", 11) == 0)
		r = buf_printf(text, ",\"url\":\"/time_entries/%s.json\"", tags->own + 11);
	else if (r == 0 && strncmp(tags->own, "attachment:", 11) == 0)
		r = buf_printf(text, ",\"url\":\"/attachments/%s.json\"", tags->own + 11);
	return r < 0 ? r : buf_add_text(text, "}\n\n");
}

void changes_tell(struct changes *changes, enum change_source source, const struct tags *tags)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(EVENT_SIZE - 1);
	size_t size;

	if (tags->classes == 0 && !tags->own[0])
		return;
	pthread_mutex_lock(&changes->lock);
	changes->told[source]++;
	if (changes->heard)
		changes->heard(changes->heard_arg);
	if (print_event(&text, changes, source_names[source], tags) == 0) {
		char **place = &changes->events[changes->count++ % KEPT];

		free(*place);
		*place = buf_add_char(&text, '\0') == 0 ? buf_take(&text, &size) : NULL;
		wake_all(changes);
	}
	pthread_mutex_unlock(&changes->lock);
}

void changes_set_heard(struct changes *changes, void (*heard)(void *arg), void *arg)
{
	pthread_mutex_lock(&changes->lock);
	changes->heard = heard;
	changes->heard_arg = arg;
	pthread_mutex_unlock(&changes->lock);
}

void changes_make(struct changes *changes, enum change_source source, const struct tags *tags)
{
	raise_tags(changes, tags);
	changes_tell(changes, source, tags);
}

void changes_settle(struct changes *changes, const struct tags *tags)
{
	pthread_mutex_lock(&changes->lock);
	if (changes->settling_count < SETTLING_MAX && !changes->closed) {
		changes->settling[changes->settling_count++] = (struct settling){
		        .tags = *tags, .begun_us = clock_monotonic_us()};
		need_thread(changes);
	}
	pthread_mutex_unlock(&changes->lock);
}

/* The next thing to send: what is lost, an event, a heartbeat. False: nothing now. Locked. */
static bool refill(struct listener *listener)
{
	struct changes *changes = listener->changes;
	int64_t now_us = clock_monotonic_us();
	const char *event;

	if (listener->at + KEPT < changes->count) {
		listener->at = changes->count;
		listener->lost = true;
	}
	if (listener->lost) {
		listener->lost = false;
		listener->size = (size_t)snprintf(listener->text, sizeof(listener->text),
		        "id: %08" PRIx32 "-%" PRIu64 "\nevent: lost\ndata: {}\n\n", changes->epoch,
		        listener->at > 0 ? listener->at - 1 : 0);
	} else if (listener->at < changes->count) {
		event = changes->events[listener->at++ % KEPT];
		listener->size = (size_t)snprintf(listener->text, sizeof(listener->text), "%s", event ? event : "");
	} else if (now_us - listener->quiet_us >= listener->heartbeat_us) {
		listener->size = (size_t)snprintf(listener->text, sizeof(listener->text), ":\n\n");
	} else {
		return false;
	}
	listener->sent = 0;
	listener->quiet_us = now_us;
	return true;
}

static ssize_t listener_read(void *owner, char *room, size_t size)
{
	struct listener *listener = owner;
	struct changes *changes = listener->changes;
	ssize_t n = PIPE_HOLD;

	pthread_mutex_lock(&changes->lock);
	if (changes->closed) {
		n = 0;
	} else if (listener->sent < listener->size || refill(listener)) {
		size_t rest = listener->size - listener->sent;

		n = (ssize_t)(rest < size ? rest : size);
		memcpy(room, listener->text + listener->sent, (size_t)n);
		listener->sent += (size_t)n;
	}
	pthread_mutex_unlock(&changes->lock);
	return n;
}

static void listener_listen(void *owner, void (*wake)(void *arg), void *arg)
{
	struct listener *listener = owner;

	pthread_mutex_lock(&listener->changes->lock);
	listener->wake = wake;
	listener->arg = arg;
	pthread_mutex_unlock(&listener->changes->lock);
}

static void listener_leave(void *owner)
{
	struct listener *listener = owner;
	struct changes *changes = listener->changes;
	struct listener **at = &changes->listeners;

	pthread_mutex_lock(&changes->lock);
	while (*at != listener)
		at = &(*at)->next;
	*at = listener->next;
	changes->listener_count--;
	pthread_mutex_unlock(&changes->lock);
	free(listener);
}

static const struct stream_ops listener_stream = {
        .read = listener_read, .listen = listener_listen, .leave = listener_leave};

/* Where a listener goes on who had that event last. Locked. */
static void resume(struct listener *listener, const char *last_id)
{
	struct changes *changes = listener->changes;
	uint32_t epoch;
	uint64_t number;
	char more;

	listener->at = changes->count;
	if (!last_id || !*last_id)
		return;
	if (sscanf(last_id, "%8" SCNx32 "-%" SCNu64 "%c", &epoch, &number, &more) == 2 && epoch == changes->epoch &&
	        number < changes->count)
		listener->at = number + 1;
	else
		listener->lost = true;
}

int changes_listen(struct changes *changes, const char *last_id, size_t limit, int64_t heartbeat_ms, struct stream *ret)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	bool taken;

	if (!listener)
		return -ENOMEM;
	listener->changes = changes;
	listener->heartbeat_us = heartbeat_ms * 1000;
	listener->quiet_us = clock_monotonic_us();
	/* at once, so that whoever listens knows that he does */
	listener->size = (size_t)snprintf(listener->text, sizeof(listener->text), ": listening\n\n");
	pthread_mutex_lock(&changes->lock);
	taken = !changes->closed && changes->listener_count < limit;
	if (taken) {
		resume(listener, last_id);
		listener->next = changes->listeners;
		changes->listeners = listener;
		changes->listener_count++;
		need_thread(changes);
	}
	pthread_mutex_unlock(&changes->lock);
	if (!taken) {
		free(listener);
		return -EBUSY;
	}
	*ret = (struct stream){.ops = &listener_stream, .owner = listener};
	return 0;
}

void changes_note_delivery(struct changes *changes, bool taken)
{
	pthread_mutex_lock(&changes->lock);
	if (taken)
		changes->taken++;
	else
		changes->refused++;
	pthread_mutex_unlock(&changes->lock);
}

void changes_get_figures(struct changes *changes, struct changes_figures *ret)
{
	pthread_mutex_lock(&changes->lock);
	memcpy(ret->told, changes->told, sizeof(ret->told));
	ret->listeners = changes->listener_count;
	ret->taken = changes->taken;
	ret->refused = changes->refused;
	pthread_mutex_unlock(&changes->lock);
}
