#include "control/command.h"

#include "control/selection.h"
#include "flow/inner.h"
#include "front/status.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define WARM_AT_A_TIME 4
#define WARM_MAX       10000

struct warm;

/* One URL. */
struct errand {
	struct warm *warm;
	const char *url;
	struct inner *inner;
	bool started, told, shown;
	int error;
	unsigned status;
	enum cache_kind kind;
	bool stored;
};

struct warm {
	struct caller *caller;
	struct conf *conf;
	struct fields fields;
	const struct conf_session *session; /* NULL: none */
	pthread_mutex_t lock;               /* guards what told() writes */
	pthread_cond_t came;
	struct errand *errands;
	size_t count, started, over;
};

static void on_told(void *arg, const struct inner_answer *answer)
{
	struct errand *errand = arg;
	struct warm *warm = errand->warm;

	pthread_mutex_lock(&warm->lock);
	errand->told = true;
	errand->error = answer->error;
	errand->status = answer->status;
	if (answer->request) {
		errand->kind = cache_status_kind(&answer->request->answer.cache);
		errand->stored = answer->request->answer.cache.stored || answer->request->answer.cache.hit;
	}
	pthread_cond_signal(&warm->came);
	pthread_mutex_unlock(&warm->lock);
}

static void start(struct warm *warm, struct errand *errand)
{
	struct flow *flow = warm->caller->settings->flow;
	CLEANUP(freep) char *target = selection_target(flow->origin, errand->url);
	struct inner_question question = {.flow = flow,
	        .conf = warm->conf,
	        .target = target,
	        .fields = &warm->fields,
	        .session = warm->session,
	        .rank = JOB_BACKGROUND,
	        .limit = warm->conf->cache.object_limit,
	        .told = on_told,
	        .arg = errand};
	struct inner_answer none = {.error = -EINVAL};

	errand->started = true;
	if (target)
		errand->inner = inner_start(&question);
	else
		on_told(errand, &none);
}

static int show(struct warm *warm, struct errand *errand)
{
	struct json_object *object = json_object_new_object();

	errand->shown = true;
	status_add_count(object, "done", ++warm->over);
	status_add_count(object, "total", warm->count);
	status_add_text(object, "url", errand->url);
	status_add_count(object, "status", errand->status);
	status_add_text(object, "cache", errand->error ? "none" : cache_kind_word(errand->kind));
	json_object_object_add(object, "stored", json_object_new_boolean(errand->stored));
	if (errand->error)
		status_add_text(object, "error",
		        errand->error != -EINVAL ? strerror(-errand->error)
		                                 : "no URL of Redmine's, nor a path that begins with a slash");
	return caller_row(warm->caller, object);
}

/* The next one that came and was not shown; waits for it a moment. */
static struct errand *next_told(struct warm *warm)
{
	struct errand *found = NULL;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec++;
	pthread_mutex_lock(&warm->lock);
	for (int turn = 0; turn < 2 && !found; turn++) {
		for (size_t i = 0; i < warm->started && !found; i++)
			if (warm->errands[i].told && !warm->errands[i].shown)
				found = &warm->errands[i];
		if (!found && turn == 0)
			pthread_cond_timedwait(&warm->came, &warm->lock, &end);
	}
	pthread_mutex_unlock(&warm->lock);
	return found;
}

/* Whoever left does not wait for the rest: what Redmine was asked already is stored all the same. */
static void give_up(struct warm *warm)
{
	for (size_t i = 0; i < warm->started; i++)
		if (warm->errands[i].inner)
			inner_cancel(warm->errands[i].inner);
}

static void work(struct warm *warm)
{
	bool stopped = false;

	while (!stopped && warm->over < warm->count) {
		struct errand *errand;

		while (warm->started < warm->count && warm->started - warm->over < WARM_AT_A_TIME)
			start(warm, &warm->errands[warm->started++]);
		errand = next_told(warm);
		stopped = errand ? show(warm, errand) < 0 : caller_should_stop(warm->caller);
	}
	if (stopped)
		give_up(warm);
	while (warm->over < warm->started) {
		struct errand *errand = next_told(warm);

		if (errand) {
			errand->shown = true;
			warm->over++;
		}
	}
	for (size_t i = 0; i < warm->started; i++)
		inner_unref(warm->errands[i].inner);
}

/* Whose answers are fetched: a key that the caller brings, or a session of the settings. */
static int read_credentials(struct warm *warm, struct json_object *arguments)
{
	const char *key = caller_text(arguments, "key"), *name = caller_text(arguments, "session");

	if (key && name) {
		caller_error(warm->caller, "bad-request", "Either a key or a session, not both.");
		return -EINVAL;
	}
	warm->session = name ? conf_session(warm->conf, name) : NULL;
	if (name && !warm->session) {
		caller_error(warm->caller, "bad-request", "session: the settings have no [session \"%s\"].", name);
		return -EINVAL;
	}
	if (key && fields_add(&warm->fields, "X-Redmine-API-Key", key) < 0) {
		caller_error(warm->caller, "failed", "Out of memory.");
		return -ENOMEM;
	}
	return 0;
}

static void end(struct warm *warm)
{
	struct json_object *object = json_object_new_object();
	size_t stored = 0;

	for (size_t i = 0; i < warm->count; i++)
		stored += warm->errands[i].stored;
	status_add_count(object, "asked", warm->started);
	status_add_count(object, "stored", stored);
	caller_result(warm->caller, object);
}

void command_warm(struct caller *caller, struct json_object *arguments)
{
	struct warm warm = {.caller = caller, .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
	struct json_object *urls;

	if (!json_object_object_get_ex(arguments, "urls", &urls) || !json_object_is_type(urls, json_type_array) ||
	        json_object_array_length(urls) == 0 || json_object_array_length(urls) > WARM_MAX) {
		caller_error(caller, "bad-request", "warm needs urls, 1 to %d.", WARM_MAX);
		return;
	}
	warm.conf = front_conf(caller->settings->front);
	warm.count = json_object_array_length(urls);
	warm.errands = calloc(warm.count, sizeof(*warm.errands));
	if (warm.errands && read_credentials(&warm, arguments) == 0) {
		for (size_t i = 0; i < warm.count; i++)
			warm.errands[i] = (struct errand){
			        .warm = &warm, .url = json_object_get_string(json_object_array_get_idx(urls, i))};
		work(&warm);
		end(&warm);
	}
	free(warm.errands);
	fields_release(&warm.fields);
	conf_unref(warm.conf);
}
