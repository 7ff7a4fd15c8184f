#include "flow/lookout_inside.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "flow/changes.h"
#include "flow/inner.h"

#include <time.h>

#define BODY_LIMIT (4 * 1024 * 1024)

static void told(void *arg, const struct inner_answer *answer)
{
	struct lookout *w = arg;

	pthread_mutex_lock(&w->lock);
	w->told = true;
	w->status = answer->error == 0 && !answer->own ? answer->status : 0;
	w->body = w->status > 0 ? blob_ref(answer->body) : NULL;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

/* Waits for the answer, or for the end of the watcher, which then is the end of the question. */
static void await(struct lookout *w, struct inner *inner)
{
	bool cancelled = false;

	pthread_mutex_lock(&w->lock);
	while (!w->told) {
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

static void note_failure(const struct watch_round *round, unsigned status)
{
	struct lookout *w = round->lookout;
	bool failed = status != 200 && status != 403 && status != 404;

	if (failed)
		atomic_fetch_add(&w->failures, 1);
	if (failed && !w->failing && !w->stop)
		log_warn("watch: session %s: Redmine %s%.0u; changes made elsewhere are not seen meanwhile",
		        round->session->name, status > 0 ? "refuses, it answers " : "does not answer", status);
	w->failing = failed;
}

unsigned lookout_ask(const struct watch_round *round, const char *target, struct buf *body)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct lookout *w = round->lookout;
	struct inner_question question = {
	        .flow = w->flow,
	        .conf = round->conf,
	        .target = target,
	        .fields = &fields,
	        .session = round->session,
	        .rank = JOB_BACKGROUND,
	        .limit = BODY_LIMIT,
	        .told = told,
	        .arg = w,
	};
	struct inner *inner;
	struct blob *blob;

	/* Straight to Redmine: what is asked for is what the cache does not know. */
	if (fields_add(&fields, "Cache-Control", "no-store") < 0)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->told = false;
	pthread_mutex_unlock(&w->lock);
	atomic_fetch_add(&w->requests, 1);
	inner = inner_start(&question);
	await(w, inner);
	inner_unref(inner);
	blob = w->body;
	w->body = NULL;
	if (blob && body->ceiling > 0 && buf_add(body, blob->data, blob->size) < 0)
		w->status = 0;
	blob_unref(blob);
	note_failure(round, w->status);
	return w->status;
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

/* Another session sees other things. */
static void use_session(struct lookout *w, const char *name)
{
	if (w->session && strcmp(w->session, name) == 0)
		return;
	free(w->session);
	w->session = strdup(name);
	watched_issues_release(&w->issues);
	pthread_mutex_lock(&w->lock);
	watched_reset(w);
	pthread_mutex_unlock(&w->lock);
}

static void look(struct lookout *w, struct conf *conf, size_t index)
{
	struct watch_round round = {
	        .lookout = w, .conf = conf, .session = conf_session(conf, w->session ? w->session : "")};

	if (!round.session)
		return;
	atomic_fetch_add(&w->polls, 1);
	watched_look(&round, index);
}

static bool is_listened_to(struct lookout *w)
{
	struct changes_figures figures;

	changes_get_figures(w->flow->changes, &figures);
	return figures.listeners > 0;
}

/* Until the next look is due. The settings that it is made with and what it is at, or NULL: look again at those, or the end. */
static struct conf *rest(struct lookout *w, bool listened, int *ret_index)
{
	int64_t until_us = clock_monotonic_us() + w->conf->watch.interval_ms * 1000, due_us;
	struct timespec until;

	*ret_index = watched_next(w, listened, &due_us);
	if (*ret_index >= 0 && due_us <= clock_monotonic_us())
		return conf_ref(w->conf);
	if (*ret_index >= 0 && due_us < until_us)
		until_us = due_us;
	until = (struct timespec){.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
	pthread_cond_timedwait(&w->wake, &w->lock, &until);
	return NULL;
}

static void *run(void *arg)
{
	struct lookout *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		struct conf *conf;
		bool listened;
		int index;

		if (is_idle(w->conf)) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		conf = conf_ref(w->conf);
		pthread_mutex_unlock(&w->lock);
		use_session(w, conf->watch.session);
		listened = is_listened_to(w);
		conf_unref(conf);
		pthread_mutex_lock(&w->lock);
		conf = w->stop ? NULL : rest(w, listened, &index);
		if (!conf)
			continue;
		pthread_mutex_unlock(&w->lock);
		look(w, conf, (size_t)index);
		conf_unref(conf);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
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
	if (pthread_create(&w->thread, NULL, run, w) == 0) {
		flow->lookout = w;
		return w;
	}
	conf_unref(w->conf);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

void lookout_free(struct lookout *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	watched_issues_release(&w->issues);
	conf_unref(w->conf);
	free(w->session);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
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
