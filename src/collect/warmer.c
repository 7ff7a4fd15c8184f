#include "collect/warmer.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/schedule.h"
#include "flow/changes.h"
#include "flow/inner.h"
#include "redmine/redact.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define BODY_LIMIT    (256 * 1024 * 1024) /* bytes of one answer */
#define TARGET_SHOWN  512
#define NAME_MAX_SIZE 64
#define LOOK_US       30000000 /* the wall clock may be set, or the machine sleep */

struct warmer {
	struct flow *flow;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	struct conf *conf;
	struct warmer_figures figures;
	bool stopping, answered, good;
	bool woken;      /* the time may be another one */
	bool spoilt;     /* something was changed since the last round began */
	bool asked;      /* the read was not answered from what was stored */
	int64_t next_us; /* before that the budget allows no other read */
	bool complained; /* a read failed, and the log says so; said again when all went well meanwhile */
	char why[128];
};

static void told(void *arg, const struct inner_answer *answer)
{
	struct warmer *w = arg;

	pthread_mutex_lock(&w->lock);
	w->answered = true;
	w->good = !answer->error && answer->status == 200;
	w->asked = answer->error || !answer->request->answer.cache.hit;
	if (answer->error)
		snprintf(w->why, sizeof(w->why), "%s", strerror(-answer->error));
	else
		snprintf(w->why, sizeof(w->why), "status %u", answer->status);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* Under the lock: waits until then, or until the daemon stops or has other settings. False: one of these. */
static bool wait_until(struct warmer *w, const struct conf *conf, int64_t until_us)
{
	struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

	while (!w->stopping && w->conf == conf && clock_monotonic_us() < until_us)
		pthread_cond_timedwait(&w->changed, &w->lock, &until);
	return !w->stopping && w->conf == conf;
}

/* For changes_set_heard(). */
static void hear(void *arg)
{
	struct warmer *w = arg;

	pthread_mutex_lock(&w->lock);
	w->spoilt = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* Under the lock. One line for a series of failures. */
static void note_outcome(struct warmer *w, const char *target)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	w->figures.reads++;
	if (w->good) {
		w->complained = false;
		return;
	}
	w->figures.failed++;
	if (!w->complained && redact_target(target, TARGET_SHOWN, &shown) == 0)
		log_warn("warm: %s: %s", buf_text(&shown), w->why);
	w->complained = true;
}

/* "SESSION /path". */
static const struct conf_session *split(const struct conf *conf, const char *read, const char **ret_target)
{
	size_t size = strcspn(read, " ");
	char name[NAME_MAX_SIZE];

	*ret_target = read + size + strspn(read + size, " ");
	if (size >= sizeof(name))
		return NULL;
	memcpy(name, read, size);
	name[size] = '\0';
	return conf_session(conf, name);
}

/* What is fresh beyond the next round is left as it is; anew: nothing is. */
static int add_freshness(struct fields *fields, const struct conf *conf, bool anew)
{
	char freshness[48];

	snprintf(
	        freshness, sizeof(freshness), "min-fresh=%lld", (long long)(conf->warm.interval_ms * 3 / 2 / 1000 + 1));
	return fields_add(fields, "Cache-Control", anew ? "no-cache" : freshness);
}

/* Under the lock, given up meanwhile. One read. */
static void read_one(struct warmer *w, struct conf *conf, const char *read, bool anew)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	const char *target;
	const struct conf_session *session = split(conf, read, &target);
	struct inner *inner;

	if (!session || add_freshness(&fields, conf, anew) < 0)
		return;
	w->answered = false;
	pthread_mutex_unlock(&w->lock);
	inner = inner_start(&(struct inner_question){
	        .flow = w->flow,
	        .conf = conf,
	        .session = session,
	        .target = target,
	        .fields = &fields,
	        .rank = JOB_BACKGROUND,
	        .limit = BODY_LIMIT,
	        .told = told,
	        .arg = w,
	});
	pthread_mutex_lock(&w->lock);
	while (!w->answered && !w->stopping)
		pthread_cond_wait(&w->changed, &w->lock);
	if (!w->answered && inner) {
		pthread_mutex_unlock(&w->lock);
		inner_cancel(inner);
		pthread_mutex_lock(&w->lock);
		while (!w->answered) /* it came just now, on another thread */
			pthread_cond_wait(&w->changed, &w->lock);
	}
	note_outcome(w, target);
	inner_unref(inner);
}

/* Under the lock. All reads once, not more of them a minute than the budget allows. */
static void go_round(struct warmer *w, struct conf *conf, bool anew)
{
	int64_t pause_us = 60 * 1000000LL / conf->warm.budget;

	w->spoilt = false;
	for (size_t i = 0; i < conf->warm.reads.count; i++) {
		int64_t begun_us;

		if (!wait_until(w, conf, w->next_us))
			return;
		begun_us = clock_monotonic_us();
		w->asked = false;
		read_one(w, conf, conf->warm.reads.items[i], anew);
		if (w->asked)
			w->next_us = begun_us + pause_us;
	}
}

/* Under the lock, given up meanwhile: rounds without a pause longer than the interval, and after each change. False: something else holds now. */
static bool keep_warm(struct warmer *w, struct conf *conf)
{
	int64_t next_us = clock_monotonic_us() + conf->warm.interval_ms * 1000;
	struct timespec until = {.tv_sec = next_us / 1000000, .tv_nsec = next_us % 1000000 * 1000};

	go_round(w, conf, false);
	while (!w->stopping && w->conf == conf && !w->spoilt && clock_monotonic_us() < next_us)
		pthread_cond_timedwait(&w->changed, &w->lock, &until);
	return !w->stopping && w->conf == conf;
}

/* The times of the settings, which were checked; returns their number. */
static size_t read_times(const struct conf *conf, struct schedule_time ret[SCHEDULE_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < conf->warm.times.count && count < SCHEDULE_MAX; i++) {
		struct fail fail = {0};

		if (schedule_parse(&ret[count], conf->warm.times.items[i], &fail) == 0)
			count++;
	}
	return count;
}

/* Under the lock: until then, by the wall clock, or until somebody wakes it. */
static void wait_for_time(struct warmer *w, const struct conf *conf, int64_t wall_ms)
{
	int64_t left_us = (wall_ms - clock_wall_ms()) * 1000, end_us;
	struct timespec until;

	if (left_us <= 0)
		return;
	end_us = clock_monotonic_us() + (left_us < LOOK_US ? left_us : LOOK_US);
	until = (struct timespec){.tv_sec = end_us / 1000000, .tv_nsec = end_us % 1000000 * 1000};
	while (!w->stopping && !w->woken && w->conf == conf && clock_monotonic_us() < end_us)
		pthread_cond_timedwait(&w->changed, &w->lock, &until);
	w->woken = false;
}

/* Under the lock, given up meanwhile: within the spans it is kept warm, at a moment all is asked for once. */
static void keep_hours(struct warmer *w, struct conf *conf)
{
	struct schedule_time times[SCHEDULE_MAX];
	struct schedule schedule = {.items = times, .count = read_times(conf, times)};
	int64_t looked_ms = clock_wall_ms(), next_ms = schedule_next(&schedule, looked_ms);

	while (!w->stopping && w->conf == conf) {
		int64_t now_ms = clock_wall_ms();

		if (now_ms < looked_ms) /* it was set back */
			next_ms = schedule_next(&schedule, now_ms);
		looked_ms = now_ms;
		if (schedule_open(&schedule, now_ms)) {
			keep_warm(w, conf);
			next_ms = schedule_next(&schedule, now_ms);
		} else if (now_ms >= next_ms) {
			go_round(w, conf, true);
			next_ms = schedule_next(&schedule, now_ms);
		} else {
			wait_for_time(w, conf, next_ms);
		}
	}
}

static void *work(void *arg)
{
	struct warmer *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		struct conf *conf = conf_ref(w->conf);

		if (conf->warm.reads.count > 0 && conf->warm.times.count > 0)
			keep_hours(w, conf);
		else if (conf->warm.reads.count > 0)
			while (keep_warm(w, conf))
				;
		else
			while (!w->stopping && w->conf == conf)
				pthread_cond_wait(&w->changed, &w->lock);
		conf_unref(conf);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void release(struct warmer *w)
{
	conf_unref(w->conf);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int warmer_start(struct flow *flow, struct conf *conf, struct warmer **ret)
{
	struct warmer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attributes;
	int r;

	if (!w)
		return -ENOMEM;
	w->flow = flow;
	w->conf = conf_ref(conf);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = pthread_create(&w->thread, NULL, work, w);
	if (r != 0) {
		release(w);
		return -r;
	}
	changes_set_heard(flow->changes, hear, w);
	*ret = w;
	return 0;
}

void warmer_set_conf(struct warmer *w, struct conf *conf)
{
	pthread_mutex_lock(&w->lock);
	conf_unref(w->conf);
	w->conf = conf_ref(conf);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void warmer_look(struct warmer *w)
{
	pthread_mutex_lock(&w->lock);
	w->woken = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void warmer_stop(struct warmer *w)
{
	if (!w)
		return;
	changes_set_heard(w->flow->changes, NULL, NULL);
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	release(w);
}

void warmer_get_figures(struct warmer *w, struct warmer_figures *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->figures;
	pthread_mutex_unlock(&w->lock);
}
