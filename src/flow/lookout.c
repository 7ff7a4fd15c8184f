#include "flow/lookout_inside.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "flow/changes.h"
#include "flow/inner.h"

#include <time.h>

#define BODY_LIMIT (4 * 1024 * 1024)

/* What a thread waits for. Under the lookout's lock. */
struct look_answer {
	struct lookout *lookout;
	bool told;
	unsigned status;
	struct blob *body;
};

static void told(void *arg, const struct inner_answer *answer)
{
	struct look_answer *ret = arg;
	struct lookout *w = ret->lookout;

	pthread_mutex_lock(&w->lock);
	ret->told = true;
	ret->status = answer->error == 0 && !answer->own ? answer->status : 0;
	ret->body = ret->status > 0 ? blob_ref(answer->body) : NULL;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

/* Waits for the answer, or for the end of the watcher, which then is the end of the question. */
static void await(const struct look_answer *answer, struct inner *inner)
{
	struct lookout *w = answer->lookout;
	bool cancelled = false;

	pthread_mutex_lock(&w->lock);
	while (!answer->told) {
		if (w->stop && inner && !cancelled) {
			cancelled = true;
			pthread_mutex_unlock(&w->lock);
			inner_cancel(inner);
			pthread_mutex_lock(&w->lock);
			continue;
		}
		pthread_cond_wait(&w->wake, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

/* The first of what is watched that fails is told; what is said by one says enough for all. */
static void note_failure(const struct watch_round *round, unsigned status)
{
	struct lookout *w = round->lookout;
	bool failed = status != 200 && status != 403 && status != 404, first = failed;
	int64_t lately_us = clock_monotonic_us() - 2 * round->conf->watch.interval_ms * 1000;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < WATCH_MAX; i++)
		if (w->watched[i].failing && (w->watched[i].busy || w->watched[i].due_us > lately_us))
			first = false;
	first = first && !w->stop;
	w->watched[round->index].failing = failed;
	pthread_mutex_unlock(&w->lock);
	if (failed)
		atomic_fetch_add(&w->failures, 1);
	if (first)
		log_warn("watch: session %s: Redmine %s%.0u; changes made elsewhere are not seen meanwhile",
		        round->session->name, status > 0 ? "refuses, it answers " : "does not answer", status);
}

unsigned lookout_ask(const struct watch_round *round, const char *target, struct buf *body)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct lookout *w = round->lookout;
	struct look_answer answered = {.lookout = w};
	struct inner_question question = {
	        .flow = w->flow,
	        .conf = round->conf,
	        .target = target,
	        .fields = &fields,
	        .session = round->session,
	        .rank = JOB_LOOK,
	        .limit = BODY_LIMIT,
	        .told = told,
	        .arg = &answered,
	};
	struct inner *inner;

	/* Straight to Redmine: what is asked for is what the cache does not know. */
	if (fields_add(&fields, "Cache-Control", "no-store") < 0)
		return 0;
	atomic_fetch_add(&w->requests, 1);
	inner = inner_start(&question);
	await(&answered, inner);
	inner_unref(inner);
	if (answered.body && body->ceiling > 0 && buf_add(body, answered.body->data, answered.body->size) < 0)
		answered.status = 0;
	blob_unref(answered.body);
	note_failure(round, answered.status);
	return answered.status;
}

void lookout_found(const struct watch_round *round, const struct tags *tags)
{
	struct lookout *w = round->lookout;

	atomic_fetch_add(&w->changes, 1);
	changes_make(w->flow->changes, CHANGE_WATCHER, tags);
}

static bool is_idle(const struct conf *conf)
{
	return !conf->watch.session || !*conf->watch.session;
}

/* Another session sees other things: false while somebody still looks at those of the one before. Locked. */
static bool use_session(struct lookout *w, const char *name)
{
	if (w->session && strcmp(w->session, name) == 0)
		return true;
	if (w->looking > 0)
		return false;
	free(w->session);
	w->session = strdup(name);
	watched_issues_release(&w->issues);
	watched_reset(w);
	return w->session != NULL;
}

/* Locked, given up meanwhile. */
static void look(struct lookout *w, size_t index)
{
	struct conf *conf = conf_ref(w->conf);
	struct watch_round round = {
	        .lookout = w, .conf = conf, .session = conf_session(conf, w->session), .index = index};

	ASSERT(round.session); /* the settings were checked for it */
	w->looking++;
	w->watched[index].busy = true;
	pthread_mutex_unlock(&w->lock);
	atomic_fetch_add(&w->polls, 1);
	watched_look(&round);
	conf_unref(conf);
	pthread_mutex_lock(&w->lock);
	w->watched[index].busy = false;
	w->looking--;
	pthread_cond_broadcast(&w->wake);
}

static bool is_listened_to(struct lookout *w)
{
	struct changes_figures figures;

	changes_get_figures(w->flow->changes, &figures);
	return figures.listeners > 0;
}

/* What is due, or -1 after a rest: until something is, or the settings are others, or the end. Locked. */
static int rest(struct lookout *w)
{
	int64_t now_us = clock_monotonic_us(), until_us = now_us + w->conf->watch.interval_ms * 1000, due_us;
	int index = watched_next(w, is_listened_to(w), &due_us);
	struct timespec until;

	if (index >= 0 && due_us <= now_us)
		return index;
	if (index >= 0 && due_us < until_us)
		until_us = due_us;
	until = (struct timespec){.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
	pthread_cond_timedwait(&w->wake, &w->lock, &until);
	return -1;
}

/* Each of the threads. */
static void *run(void *arg)
{
	struct lookout *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		int index;

		if (is_idle(w->conf) || !use_session(w, w->conf->watch.session)) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		index = rest(w);
		if (index >= 0)
			look(w, (size_t)index);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void end_threads(struct lookout *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
}

static void release(struct lookout *w)
{
	watched_issues_release(&w->issues);
	conf_unref(w->conf);
	free(w->session);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct lookout *lookout_new(struct flow *flow, struct conf *conf)
{
	struct lookout *w = calloc(1, sizeof(*w));
	pthread_condattr_t monotonic;

	if (!w)
		return NULL;
	w->flow = flow;
	w->conf = conf_ref(conf);
	atomic_store(&w->idle, is_idle(conf));
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	for (; w->thread_count < WATCH_THREADS; w->thread_count++) {
		if (pthread_create(&w->threads[w->thread_count], NULL, run, w) != 0) {
			end_threads(w);
			release(w);
			return NULL;
		}
	}
	flow->lookout = w;
	return w;
}

void lookout_free(struct lookout *w)
{
	if (!w)
		return;
	end_threads(w);
	release(w);
}

void lookout_set_conf(struct lookout *w, struct conf *conf)
{
	pthread_mutex_lock(&w->lock);
	conf_unref(w->conf);
	w->conf = conf_ref(conf);
	atomic_store(&w->idle, is_idle(conf));
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

/* What was changed before that shows: the oldest of the last looks at what is wanted. */
static int64_t seen_ms(struct lookout *w)
{
	int64_t seen_ms = clock_wall_ms(), now_ms = seen_ms;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < WATCH_MAX; i++) {
		const struct watched *watched = &w->watched[i];
		bool counts = i < WATCH_VERSIONS ? watched->seen_ms == 0 || atomic_load(&watched->wanted_ms) > now_ms
		                                 : watched->begun && atomic_load(&watched->wanted_ms) > now_ms;

		if (counts && watched->seen_ms < seen_ms)
			seen_ms = watched->seen_ms;
	}
	pthread_mutex_unlock(&w->lock);
	return seen_ms;
}

void lookout_get_figures(struct lookout *w, struct lookout_figures *ret)
{
	*ret = (struct lookout_figures){
	        .polls = atomic_load(&w->polls),
	        .requests = atomic_load(&w->requests),
	        .failures = atomic_load(&w->failures),
	        .changes = atomic_load(&w->changes),
	        .seen_ms = seen_ms(w),
	};
}
