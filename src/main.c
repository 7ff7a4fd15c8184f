/*
 * redmine-cached(8): the order of starting and stopping, signals, readiness.
 */
#include "arguments.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/scheduling.h"
#include "collect/collect.h"
#include "collect/warmer.h"
#include "control/control.h"
#include "flow/changes.h"
#include "flow/inner.h"
#include "flow/lookout.h"
#include "front/front.h"
#include "front/webhook.h"
#include "service.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Exit codes as systemd and the shell know them. */
#define EXIT_USAGE         2
#define EXIT_NOTCONFIGURED 6

#define STORE_FLUSH_MS 5000

struct daemon {
	struct arguments arguments;
	struct conf *conf;
	struct digest_secret secret;
	struct origin origin;
	struct engines *engines;
	struct cache *cache;
	struct flow flow;
	struct collect collect;
	struct warmer *warmer;
	struct front *front;
	struct lookout *lookout;
	struct webhook *webhook;
	struct service service;
	struct control *control;
	pthread_mutex_t reloading; /* guards conf and service, which an order of another thread may change */
	sigset_t signals;
};

static int try_engine(const struct conf *conf, const struct conf_engine *engine, bool *ret_options, struct fail *fail)
{
	const char *url = conf->upstream.url ? conf->upstream.url : "";

	return engine_check_plugin(engine->name, engine->path, engine->options, url, ret_options, fail);
}

/* alone: there is one thread and no engine runs yet. */
static int load_conf(
        const struct arguments *arguments, bool alone, struct conf **ret, struct buf *problems, struct fail *fail)
{
	struct conf_source source = {
	        .file = arguments->config,
	        .overrides = arguments->overrides,
	        .override_count = arguments->override_count,
	        .resource_known = resource_name_known,
	        .resource_names = resource_names(),
	        .engine_known = engine_known,
	        .engine_names = engine_names(),
	        .engine_try = alone ? try_engine : NULL,
	        .problems = problems,
	};

	return conf_load(&source, ret, fail);
}

/* The secret of the cache's keys lies beside its file. False: there is no file. */
static bool secret_path(const struct daemon *d, char *room, size_t size)
{
	snprintf(room, size, "%s.secret", d->conf->cache.path);
	return d->conf->cache.path[0] != '\0';
}

/* Before the cache is opened: the folder may not be there yet, then the secret is kept when it is. */
static void load_secret(struct daemon *d)
{
	struct fail fail = {0};
	char path[PATH_MAX];

	if (!secret_path(d, path, sizeof(path)))
		digest_secret_random(&d->secret);
	else if (digest_secret_load(&d->secret, path, &fail) < 0 && fail.code != -ENOENT)
		log_warn("the secret of the cache's keys: %s; what is stored now will not be found after a restart",
		        fail.text);
}

/* The store is there (again): what it holds is of use to a later process with the same secret only. */
static void keep_secret(const struct daemon *d)
{
	struct fail fail = {0};
	char path[PATH_MAX];

	if (secret_path(d, path, sizeof(path)) && digest_secret_save(&d->secret, path, &fail) < 0 &&
	        fail.code != -EEXIST)
		log_warn("the secret of the cache's keys: %s", fail.text);
}

static void on_store_state(void *arg, enum cache_store_state state, const char *why)
{
	if (state == CACHE_STORE_DEGRADED)
		log_warn("cache file: %s; going on from memory", why);
	if (state != CACHE_STORE_READY)
		return;
	log_info("cache file: in use%s%s", why[0] ? ": " : "", why);
	keep_secret(arg);
}

static int prepare_engine(struct daemon *d, const struct conf_engine *row, struct fail *fail)
{
	bool is_default = strcmp(row->name, d->conf->engine.default_name) == 0;
	struct engine_settings settings = {
	        .session = {.origin = &d->origin,
	                .ca_file = d->conf->upstream.ca_file,
	                .proxy = d->conf->upstream.proxy,
	                .verify = d->conf->upstream.verify,
	                .connections = 4},
	        .workers = row->workers,
	        .ceiling = d->conf->engine.ceiling,
	        .queue = row->queue,
	        .path = row->path,
	        .options = row->options,
	        .recycle_jobs = row->recycle_jobs,
	        .recycle_memory = row->recycle_memory,
	};
	struct engine *engine = engine_new(row->name, &settings, fail);

	if (!engine)
		return fail->code;
	if (engines_add(d->engines, engine, is_default) < 0)
		return fail_set(fail, -ENOMEM, "out of memory");
	return 0;
}

/* While there is one thread: the process engine forks here. */
static int prepare(struct daemon *d, struct fail *fail)
{
	int r = origin_init(&d->origin, d->conf->upstream.url, fail);

	if (r < 0)
		return r;
	d->engines = engines_new(d->conf->engine.ceiling);
	if (!d->engines)
		return fail_set(fail, -ENOMEM, "out of memory");
	for (size_t i = 0; i < d->conf->engine.count && r == 0; i++)
		r = prepare_engine(d, &d->conf->engine.items[i], fail);
	return r;
}

/* Writes under one policy spoil nothing that was kept under the other: neither may find it. */
static uint32_t rules_of(const struct conf *conf)
{
	return conf->cache.policy == CACHE_POLICY_ORIGIN ? 2 : 1;
}

static int start_cache(struct daemon *d, struct fail *fail)
{
	struct cache_settings settings = {
	        .store = d->conf->cache.path[0] ? &store_sqlite : &store_null,
	        .store_settings = {.path = d->conf->cache.path,
	                .size_limit = d->conf->cache.size,
	                .rules = rules_of(d->conf)},
	        .memory_limit = d->conf->cache.memory,
	        .on_state = on_store_state,
	        .on_state_arg = d,
	};
	int r = cache_new(&settings, &d->cache, fail);

	if (r > 0)
		log_warn("cache file: %s", fail->text);
	return r < 0 ? r : 0;
}

/* What needs a restart goes to said. */
static void apply(struct daemon *d, struct conf *conf, struct buf *said)
{
	char names[512];
	struct fail fail = {0};
	bool other_policy = conf->cache.policy != d->conf->cache.policy;

	if (conf_needs_restart(d->conf, conf, names, sizeof(names)) > 0) {
		log_warn("reload: a restart is needed for %s", names);
		if (buf_printf(said, "a restart is needed for %s", names) < 0)
			buf_clear(said);
	}
	log_set(conf->log.level, conf->log.format);
	cache_set_limits(d->cache, conf->cache.memory, conf->cache.size);
	if (front_load_certificate(d->front, conf, &fail) < 0)
		log_error("reload: the certificate stays as it was: %s", fail.text);
	front_set_conf(d->front, conf);
	if (other_policy)
		cache_set_rules(d->cache, rules_of(conf));
	lookout_set_conf(d->lookout, conf);
	warmer_set_conf(d->warmer, conf);
	conf_unref(d->conf);
	d->conf = conf;
}

/* control_orders.reload, and what SIGHUP asks for. */
static int reload(void *arg, bool only_check, struct buf *said)
{
	struct daemon *d = arg;
	struct fail fail = {0};
	struct conf *conf;
	int r;

	pthread_mutex_lock(&d->reloading);
	if (!only_check)
		service_reloading();
	r = load_conf(&d->arguments, false, &conf, said, &fail);
	if (r < 0 && said->size == 0 && buf_add_text(said, fail.text) < 0)
		buf_clear(said);
	if (only_check && r == 0) {
		conf_unref(conf);
	} else if (!only_check && r < 0) {
		log_error("reload: the settings stay as they were: %s", buf_text(said));
	} else if (!only_check) {
		apply(d, conf, said);
		log_info("reload: the new settings are in force");
	}
	if (!only_check)
		service_ready(&d->service, d->front, &d->flow);
	pthread_mutex_unlock(&d->reloading);
	return r;
}

static void reload_by_signal(struct daemon *d)
{
	CLEANUP(buf_release) struct buf said = BUF_INIT(64 * 1024);

	reload(d, false, &said);
}

static int start_control(struct daemon *d, struct fail *fail)
{
	static const mode_t modes[] = {
	        [CONF_CONTROL_OWNER] = 0600, [CONF_CONTROL_GROUP] = 0660, [CONF_CONTROL_ALL] = 0666};
	struct control_settings settings = {.path = d->conf->control.socket,
	        .mode = modes[d->conf->control.mode],
	        .front = d->front,
	        .flow = &d->flow,
	        .orders = {.reload = reload, .arg = d}};
	int r;

	if (!settings.path[0])
		return 0;
	r = control_new(&settings, &d->control, fail);
	if (r == 0 || !d->conf->control.automatic)
		return r;
	log_warn("%s; redmine-cachectl will not reach this daemon", fail->text);
	return 0;
}

static int start(struct daemon *d, struct fail *fail)
{
	int r;

	load_secret(d);
	if ((r = start_cache(d, fail)) < 0)
		return r;
	keep_secret(d);
	if ((r = engines_start(d->engines, fail)) < 0)
		return r;
	r = flow_init(&d->flow, d->cache, d->engines, &d->origin, &d->secret);
	if (r < 0)
		return fail_set(fail, r, "out of memory");
	collect_init(&d->collect, &d->flow);
	if ((r = front_new(&d->flow, d->conf, &d->service.given, &d->front, fail)) < 0)
		return r;
	if ((r = webhook_new(&d->flow, d->conf, &d->webhook, fail)) < 0)
		return r;
	d->lookout = lookout_new(&d->flow, d->conf);
	if (!d->lookout)
		return fail_set(fail, -ENOMEM, "out of memory");
	if ((r = start_control(d, fail)) < 0) /* first, so that whoever is told that the daemon is ready can reach it */
		return r;
	if ((r = front_start(d->front, fail)) < 0)
		return r;
	r = warmer_start(&d->flow, d->conf, &d->warmer);
	return r < 0 ? fail_set(fail, r, "starting the warmer: %s", strerror(-r)) : 0;
}

/* Answers under way are finished, and requests that were answered 202, as long as listen.drain_timeout allows. */
static void drain(struct daemon *d)
{
	int64_t limit_ms = d->conf->listen.drain_timeout_ms;
	int64_t end_us = clock_monotonic_us() + limit_ms * 1000;

	if (d->front && !front_drain(d->front, limit_ms))
		log_warn("stopping: some answers were not finished within listen.drain_timeout");
	limit_ms = (end_us - clock_monotonic_us()) / 1000;
	if (d->flow.errands && !errands_drain(d->flow.errands, limit_ms > 0 ? limit_ms : 0))
		log_warn("stopping: some requests that were answered 202 were not done within listen.drain_timeout");
}

/* What takes longer than the limit is cut. */
static void stop(struct daemon *d)
{
	control_free(d->control);
	warmer_stop(d->warmer);
	if (d->flow.changes)
		changes_close(d->flow.changes); /* these answers end by nothing else */
	drain(d);
	lookout_free(d->lookout);
	webhook_free(d->webhook);
	if (d->engines)
		engines_stop(d->engines, false);
	if (d->flow.errands)
		errands_close(d->flow.errands);
	front_free(d->front);
	if (d->flow.flights)
		inner_close(&d->flow);
	collect_release(&d->collect);
	flow_release(&d->flow);
	engines_free(d->engines);
	if (d->cache)
		cache_free(d->cache, STORE_FLUSH_MS);
	origin_release(&d->origin);
}

static void say_ready(struct daemon *d)
{
	CLEANUP(buf_release) struct buf addresses = BUF_INIT(8 * 1024);

	service_ready(&d->service, d->front, &d->flow);
	log_info("ready: Redmine is %s, the engine %s, listening on %s%s", d->origin.base,
	        engine_name(engines_default(d->engines)),
	        front_print_addresses(d->front, &addresses) < 0 ? "?" : buf_text(&addresses),
	        d->service.given.count > 0 ? " (the service manager's)" : "");
}

/* The next signal, 0 when none comes before tick_ms is over. */
static int await_signal(const struct daemon *d)
{
	struct timespec limit = {.tv_sec = d->service.tick_ms / 1000, .tv_nsec = d->service.tick_ms % 1000 * 1000000};
	int number = sigtimedwait(&d->signals, NULL, &limit);

	return number < 0 ? 0 : number;
}

static void serve(struct daemon *d)
{
	say_ready(d);
	for (;;) {
		switch (await_signal(d)) {
		case 0:
			pthread_mutex_lock(&d->reloading);
			service_tick(&d->service, d->front, &d->flow);
			pthread_mutex_unlock(&d->reloading);
			break;
		case SIGHUP:
			reload_by_signal(d);
			break;
		case SIGUSR2:
			clock_load_test_offset();
			warmer_look(d->warmer);
			break;
		default:
			service_stopping();
			log_info("stopping");
			return;
		}
	}
}

/* Every thread inherits the mask: signals are the main thread's alone. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is the store's to report */
}

/* As many descriptors as allowed: each client and each connection to Redmine needs one. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Bodies are made on the workers' threads and kept: any arena but the first glibc grows by a page or two for each, by
 * mprotect(), which costs more than the lock of a shared one. What is answered from memory allocates nothing.
 */
static void tune_malloc(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

static int run(struct daemon *d)
{
	struct fail fail = {0};
	int r;

	tune_malloc();
	scheduling_background();
	block_signals(&d->signals);
	raise_descriptors();
	clock_load_test_offset();
	log_set(d->conf->log.level, d->conf->log.format);
	r = service_init(&d->service, &fail);
	if (r == 0 && (r = session_library_begin()) < 0)
		fail_set(&fail, r, "starting libcurl: %s", strerror(-r));
	if (r == 0)
		r = prepare(d, &fail);
	if (r == 0 && (r = log_start()) < 0)
		fail_set(&fail, r, "starting the log: %s", strerror(-r));
	if (r == 0)
		r = start(d, &fail);
	if (r == 0)
		serve(d);
	else
		log_error("%s", fail.text);
	stop(d);
	service_release(&d->service);
	log_stop();
	session_library_end();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int with_conf(struct daemon *d)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(64 * 1024);
	struct fail fail = {0};
	int r = EXIT_SUCCESS;

	if (load_conf(&d->arguments, true, &d->conf, &problems, &fail) < 0) {
		fprintf(stderr, "%s\n", problems.size > 0 ? buf_text(&problems) : fail.text);
		return EXIT_NOTCONFIGURED;
	}
	if (d->arguments.action == ACTION_PRINT_CONFIG)
		conf_print(d->conf, stdout);
	else if (d->arguments.action == ACTION_RUN)
		r = run(d);
	conf_unref(d->conf);
	return r;
}

int main(int argc, char **argv)
{
	struct daemon d = {.reloading = PTHREAD_MUTEX_INITIALIZER};
	struct fail fail = {0};

	if (arguments_parse(&d.arguments, argc, argv, &fail) < 0) {
		fprintf(stderr, "redmine-cached: %s\n", fail.text);
		return EXIT_USAGE;
	}
	switch (d.arguments.action) {
	case ACTION_PRINT_VERSION:
		printf("redmine-cached %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	case ACTION_PRINT_HELP:
		fputs(arguments_help, stdout);
		return EXIT_SUCCESS;
	case ACTION_PRINT_SAMPLE:
		conf_print_sample(stdout);
		return EXIT_SUCCESS;
	case ACTION_PRINT_MANUAL:
		conf_print_manual(stdout);
		return EXIT_SUCCESS;
	case ACTION_RUN:
	case ACTION_CHECK_CONFIG:
	case ACTION_PRINT_CONFIG:
		return with_conf(&d);
	}
	WRONG("an action outside its enum");
}
