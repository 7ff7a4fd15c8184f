#include "flow/lookout_inside.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "flow/changes.h"
#include "flow/inner.h"

#include <time.h>

#define BODY_LIMIT   (4 * 1024 * 1024)
#define VERSIONS_MAX 16
#define PATH_SIZE    160
#define INTEREST_MS  (10 * INT64_C(60000)) /* lists that nobody asked Redmine for during that time are left out */
#define IDLE_US      (1000 * INT64_C(1000))

#define ABOUT_ISSUES (TAG_ISSUES | TAG_ISSUE | TAG_MIXED)

/* A whole list, compared byte for byte. */
struct watched_list {
	char target[PATH_SIZE];
	unsigned classes; /* what a difference raises */
	bool begun;
	uint64_t digest;
	int64_t asked_ms; /* when a client read it last */
};

struct lookout {
	struct flow *flow;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct conf *conf;
	bool stop;
	bool told; /* the question under way */
	unsigned status;
	struct blob *body;
	struct watched_list versions[VERSIONS_MAX]; /* under lock */

	/* The thread's own. */
	struct watched_issues issues;
	struct watched_list time_entries, projects;
	char *session; /* whose eyes these are */
	bool failing;

	atomic_ullong polls, requests, failures, changes;
	_Atomic int64_t seen_ms; /* wall clock: begin of the last round without a failure; 0: none */
};

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

static bool stopping(struct lookout *w)
{
	bool stop;

	pthread_mutex_lock(&w->lock);
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static uint64_t digest_of(const struct buf *body, unsigned status)
{
	return hash_add(HASH_START ^ status, body->data, body->size);
}

/* Looks at the list; true when it is another one than before. */
static bool list_changed(const struct watch_round *round, struct watched_list *list)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT(BODY_LIMIT);
	unsigned status = lookout_ask(round, list->target, &body);
	uint64_t digest;
	bool changed;

	if (status != 200 && status != 403 && status != 404)
		return false;
	digest = digest_of(&body, status);
	changed = list->begun && list->digest != digest;
	list->begun = true;
	list->digest = digest;
	return changed;
}

static void watch_list(const struct watch_round *round, struct watched_list *list)
{
	struct tags tags = {0};

	if (!list_changed(round, list))
		return;
	tags_add_classes(&tags, list->classes);
	lookout_found(round, &tags);
}

static void watch_versions(const struct watch_round *round)
{
	struct lookout *w = round->lookout;

	for (size_t i = 0; i < VERSIONS_MAX && !stopping(w); i++) {
		struct watched_list list;

		pthread_mutex_lock(&w->lock);
		list = w->versions[i];
		pthread_mutex_unlock(&w->lock);
		if (!list.target[0] || clock_wall_ms() - list.asked_ms > INTEREST_MS)
			continue;
		watch_list(round, &list);
		pthread_mutex_lock(&w->lock);
		if (strcmp(w->versions[i].target, list.target) == 0) {
			w->versions[i].begun = list.begun;
			w->versions[i].digest = list.digest;
		}
		pthread_mutex_unlock(&w->lock);
	}
}

/* Another session sees other things: everything begins anew. */
static void use_session(struct lookout *w, const char *name)
{
	if (w->session && strcmp(w->session, name) == 0)
		return;
	free(w->session);
	w->session = strdup(name);
	watched_issues_release(&w->issues);
	w->time_entries = (struct watched_list){.target = "/time_entries.json?sort=created_on%3Adesc&limit=25",
	        .classes = TAG_TIME_ENTRIES | TAG_TIME_ENTRY | TAG_VERSION_HOURS | ABOUT_ISSUES};
	w->projects = (struct watched_list){.target = "/projects.json?f%5B%5D=&limit=100", .classes = TAG_ANY};
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < VERSIONS_MAX; i++)
		w->versions[i].begun = false;
	pthread_mutex_unlock(&w->lock);
}

static void poll_once(struct lookout *w, struct conf *conf)
{
	struct watch_round round = {.lookout = w,
	        .conf = conf,
	        .session = conf_session(conf, conf->watch.session ? conf->watch.session : "")};
	int64_t begun_ms = clock_wall_ms();
	unsigned long long failures;

	if (!round.session)
		return;
	use_session(w, round.session->name);
	atomic_fetch_add(&w->polls, 1);
	failures = atomic_load(&w->failures);
	watch_issues(&round, &w->issues);
	if (!stopping(w))
		watch_list(&round, &w->time_entries);
	if (!stopping(w))
		watch_list(&round, &w->projects);
	watch_versions(&round);
	if (!stopping(w) && atomic_load(&w->failures) == failures)
		atomic_store(&w->seen_ms, begun_ms);
}

/* Until the interval is over, from the beginning of the round. The settings of the next one, or NULL to end. */
static struct conf *rest(struct lookout *w, int64_t begun_us)
{
	struct conf *conf = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		int64_t pause_us = w->conf->watch.session ? w->conf->watch.interval_ms * 1000 : IDLE_US;
		int64_t until_us = begun_us + pause_us;
		struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

		if (clock_monotonic_us() >= until_us)
			break;
		if (w->conf->watch.session)
			pthread_cond_timedwait(&w->wake, &w->lock, &until);
		else
			pthread_cond_wait(&w->wake, &w->lock);
	}
	if (!w->stop)
		conf = conf_ref(w->conf);
	pthread_mutex_unlock(&w->lock);
	return conf;
}

static void *run(void *arg)
{
	struct lookout *w = arg;
	int64_t begun_us = 0;
	struct conf *conf;

	while ((conf = rest(w, begun_us))) {
		begun_us = clock_monotonic_us();
		poll_once(w, conf);
		conf_unref(conf);
	}
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
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

/* Its place, or that of the one nobody has asked for longest. Locked. */
static struct watched_list *place_of(struct lookout *w, const char *target)
{
	struct watched_list *oldest = &w->versions[0];

	for (size_t i = 0; i < VERSIONS_MAX; i++) {
		if (strcmp(w->versions[i].target, target) == 0)
			return &w->versions[i];
		if (w->versions[i].asked_ms < oldest->asked_ms)
			oldest = &w->versions[i];
	}
	*oldest = (struct watched_list){
	        .classes = TAG_VERSIONS | TAG_VERSION_HOURS | TAG_PROJECTS | TAG_ATTACHMENT | ABOUT_ISSUES};
	strcpy(oldest->target, target);
	return oldest;
}

void lookout_note_read(struct lookout *w, const struct request *r)
{
	char target[PATH_SIZE];

	if (!w || !r->resource || r->inner_limit > 0 || r->target.format != TARGET_FORMAT_JSON ||
	        r->target.path_size >= sizeof(target) ||
	        (strcmp(r->resource->name, "versions") != 0 && strcmp(r->resource->name, "version") != 0))
		return;
	snprintf(target, sizeof(target), "%.*s", (int)r->target.path_size, r->target.path);
	pthread_mutex_lock(&w->lock);
	place_of(w, target)->asked_ms = clock_wall_ms();
	pthread_mutex_unlock(&w->lock);
}

void lookout_get_figures(struct lookout *w, struct lookout_figures *ret)
{
	*ret = (struct lookout_figures){
	        .polls = atomic_load(&w->polls),
	        .requests = atomic_load(&w->requests),
	        .failures = atomic_load(&w->failures),
	        .changes = atomic_load(&w->changes),
	        .seen_ms = atomic_load(&w->seen_ms),
	};
}
