#include "collect/warmer.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/inner.h"
#include "redmine/redact.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define BODY_LIMIT    (256 * 1024 * 1024) /* bytes of one answer */
#define TARGET_SHOWN  512
#define NAME_MAX_SIZE 64

struct warmer {
	struct flow *flow;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	struct conf *conf;
	struct warmer_figures figures;
	bool stopping, answered, good;
	bool complained; /* a read failed, and the log says so; said again when all went well meanwhile */
	char why[128];
};

static void told(void *arg, const struct inner_answer *answer)
{
	struct warmer *w = arg;

	pthread_mutex_lock(&w->lock);
	w->answered = true;
	w->good = !answer->error && answer->status == 200;
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

/* Under the lock, given up meanwhile. One read; what is fresh beyond the next round is left as it is. */
static void read_one(struct warmer *w, struct conf *conf, const char *read)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	const char *target;
	const struct conf_session *session = split(conf, read, &target);
	struct inner *inner;
	char freshness[48];

	snprintf(
	        freshness, sizeof(freshness), "min-fresh=%lld", (long long)(conf->warm.interval_ms * 3 / 2 / 1000 + 1));
	if (!session || fields_add(&fields, "Cache-Control", freshness) < 0)
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
static void go_round(struct warmer *w, struct conf *conf)
{
	int64_t pause_us = 60 * 1000000LL / conf->warm.budget, next_us = clock_monotonic_us();

	for (size_t i = 0; i < conf->warm.reads.count && !w->stopping && w->conf == conf; i++) {
		if (i > 0 && !wait_until(w, conf, next_us))
			return;
		next_us = clock_monotonic_us() + pause_us;
		read_one(w, conf, conf->warm.reads.items[i]);
	}
}

static void *work(void *arg)
{
	struct warmer *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		struct conf *conf = conf_ref(w->conf);
		int64_t next_us = clock_monotonic_us() + conf->warm.interval_ms * 1000;

		if (conf->warm.reads.count > 0) {
			go_round(w, conf);
			wait_until(w, conf, next_us);
		} else {
			while (!w->stopping && w->conf == conf)
				pthread_cond_wait(&w->changed, &w->lock);
		}
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

void warmer_stop(struct warmer *w)
{
	if (!w)
		return;
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
