#include "front/metrics.h"

#include "base/clock.h"
#include "front/metrics_text.h"

#include <errno.h>
#include <sys/resource.h>

/* How a family is printed that is more than one number of the snapshot. */
typedef void print_family(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front);

struct metric {
	const char *name; /* behind "redmine_cached_" */
	enum metric_type type;
	const char *help;
	size_t offset; /* of a uint64_t in the snapshot, where print is NULL */
	print_family *print;
};

static void print_build(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	metrics_sample(text, "version=\"" PACKAGE_VERSION "\"", 1);
}

static void print_clock(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	metrics_sample(text, "", (double)front->started_ms / 1000);
}

static void print_processor(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	metrics_sample(text, "",
	        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

static void print_requests(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	char labels[192];

	for (size_t row = 0; row < TALLY_ROWS; row++)
		for (size_t kind = 0; kind < CACHE_KINDS; kind++)
			for (size_t class = 0; class < TALLY_CLASSES; class ++) {
				uint64_t count = now->tally.requests[row][kind][class];

				if (count == 0)
					continue;
				snprintf(labels, sizeof(labels), "resource=\"%s\",cache=\"%s\",code=\"%s\"",
				        tally_row_name(row), cache_kind_word((enum cache_kind)kind), classes[class]);
				metrics_sample(text, labels, (double)count);
			}
}

static void print_durations(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	char labels[64];

	for (size_t kind = 0; kind < CACHE_KINDS; kind++)
		metrics_histogram(text,
		        metrics_label(labels, sizeof(labels), "cache", cache_kind_word((enum cache_kind)kind)),
		        &histogram_durations, &now->tally.durations[kind]);
}

static void print_ages(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	metrics_histogram(text, "", &histogram_ages, &now->tally.ages);
}

static void print_watch_lag(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	if (now->watch.seen_ms > 0)
		metrics_sample(text, "", (double)(clock_wall_ms() - now->watch.seen_ms) / 1000);
}

static void print_changes(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	static const char *const sources[] = {
	        [CHANGE_WRITE] = "write", [CHANGE_WATCHER] = "watcher", [CHANGE_WEBHOOK] = "webhook"};
	char labels[64];

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		metrics_sample(text, metrics_label(labels, sizeof(labels), "source", sources[i]),
		        (double)now->changes.told[i]);
}

static void print_asked(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	char labels[64];

	for (size_t i = 0; i < ASKED_OUTCOMES; i++)
		metrics_sample(text,
		        metrics_label(labels, sizeof(labels), "outcome", asked_outcome_word((enum job_outcome)i)),
		        (double)atomic_load(&front->flow->asked.outcomes[i]));
}

static void print_asked_classes(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	char labels[64];

	for (size_t i = 0; i < ASKED_CLASSES; i++)
		metrics_sample(text, metrics_label(labels, sizeof(labels), "code", classes[i]),
		        (double)atomic_load(&front->flow->asked.classes[i]));
}

static void print_asked_durations(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	char labels[96];

	for (size_t row = 0; row < ASKED_ROWS; row++)
		if (now->asked[row].count > 0)
			metrics_histogram(text, metrics_label(labels, sizeof(labels), "resource", tally_row_name(row)),
			        &histogram_durations, &now->asked[row]);
}

static void print_upstream_up(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	if (atomic_load(&front->flow->asked.since_ms) != 0)
		metrics_sample(text, "", atomic_load(&front->flow->asked.down) ? 0 : 1);
}

static void print_upstream_since(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	if (atomic_load(&front->flow->asked.since_ms) != 0)
		metrics_sample(text, "", (double)atomic_load(&front->flow->asked.since_ms) / 1000);
}

static void print_store_up(struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)
{
	if (now->cache.state != CACHE_STORE_OFF)
		metrics_sample(text, "", now->cache.state == CACHE_STORE_READY ? 1 : 0);
}

/* One number of each engine. */
static void print_engine(
        struct metrics_text *text, struct front *front, uint64_t (*pick)(const struct engine_figures *))
{
	struct engine_figures figures;
	struct engine *engine;
	char labels[128];

	for (size_t i = 0; (engine = engines_at(front->flow->engines, i)); i++) {
		engine_get_figures(engine, &figures);
		metrics_sample(text, metrics_label(labels, sizeof(labels), "engine", engine_name(engine)),
		        (double)pick(&figures));
	}
}

#define ENGINE_FIGURE(member)                                                                                          \
	static uint64_t pick_##member(const struct engine_figures *figures)                                            \
	{                                                                                                              \
		return (uint64_t)figures->member;                                                                      \
	}                                                                                                              \
	static void print_engine_##member(                                                                             \
	        struct metrics_text *text, const struct metrics_snapshot *now, struct front *front)                    \
	{                                                                                                              \
		print_engine(text, front, pick_##member);                                                              \
	}

ENGINE_FIGURE(workers)
ENGINE_FIGURE(busy)
ENGINE_FIGURE(queued)
ENGINE_FIGURE(queue_limit)
ENGINE_FIGURE(done)
ENGINE_FIGURE(refused)
ENGINE_FIGURE(hands)
ENGINE_FIGURE(deaths)
ENGINE_FIGURE(recycled)
ENGINE_FIGURE(repeated)
ENGINE_FIGURE(abandoned)

#define COUNTER(name, member, help)                                                                                    \
	{                                                                                                              \
		name, METRIC_COUNTER, help, offsetof(struct metrics_snapshot, member), NULL                            \
	}
#define GAUGE(name, member, help)                                                                                      \
	{                                                                                                              \
		name, METRIC_GAUGE, help, offsetof(struct metrics_snapshot, member), NULL                              \
	}
#define FAMILY(name, type, print_, help)                                                                               \
	{                                                                                                              \
		name, METRIC_##type, help, 0, print_                                                                   \
	}

/* clang-format off */
static const struct metric metrics[] = {
	FAMILY("build_info", GAUGE, print_build, "The version that runs."),
	FAMILY("start_time_seconds", GAUGE, print_clock, "When the daemon started, in seconds since 1970."),
	FAMILY("cpu_seconds", COUNTER, print_processor, "Processor time of the daemon's own process."),

	FAMILY("requests", COUNTER, print_requests,
		"Requests answered, by resource, what the cache did, and status."),
	FAMILY("request_duration_seconds", HISTOGRAM, print_durations,
		"From a request's head to the end of its answer, by what the cache did."),
	FAMILY("served_age_seconds", HISTOGRAM, print_ages, "Age of what was served from the cache."),
	COUNTER("prepared_hits", front.prepared, "Hits answered from what an event thread kept ready."),
	COUNTER("coalesced_requests", collapsed, "Requests that shared the answer to an equal one."),
	COUNTER("stale_responses", stale, "Answers served past their lifetime: refreshed meanwhile, or Redmine failed."),
	COUNTER("inner_requests", inner, "Requests of the daemon's own: read ahead, refreshed, parts of a larger one."),
	COUNTER("inner_hits", inner_hits, "Those of them that were answered from the cache."),
	COUNTER("inner_errors", inner_errors, "Those of them that failed."),
	COUNTER("read_ahead_pages", read_ahead.asked, "Pages of lists fetched before they were asked for."),
	COUNTER("read_ahead_used_pages", read_ahead.used, "Those of them that were asked for then."),
	COUNTER("read_ahead_wasted_pages", read_ahead.wasted, "Those of them that nobody asked for."),
	COUNTER("joined_lists", joined, "Lists given whole."),
	COUNTER("joined_list_pages", joined_pages, "Pages that were asked for them."),
	COUNTER("joined_lists_cut", joined_cut, "Lists that could not be had whole."),
	COUNTER("credential_checks", credentials.checks, "Times that Redmine was asked whether a credential still holds."),
	COUNTER("credential_changes", credentials.changed, "Credentials that turned out to be another's or nobody's: what was stored for them is dropped."),
	COUNTER("credential_checks_unknown", credentials.unknown, "Checks that Redmine did not answer."),
	FAMILY("changes_told", COUNTER, print_changes, "Events told to those who listen at /-/events, by where they come from."),
	GAUGE("changes_listeners", changes.listeners, "Connections that listen for events."),
	COUNTER("webhook_deliveries", changes.taken, "Deliveries of Redmine's webhooks that were believed."),
	COUNTER("webhook_refused", changes.refused, "Deliveries that were not: not signed with the secret, too large, or none."),
	COUNTER("watch_rounds", watch.polls, "Looks at lists of Redmine for changes made elsewhere."),
	COUNTER("watch_requests", watch.requests, "Requests to Redmine that they took."),
	COUNTER("watch_failures", watch.failures, "Those of them that had no answer to go by."),
	COUNTER("watch_changes", watch.changes, "Changes that they found."),
	FAMILY("watch_lag_seconds", GAUGE, print_watch_lag,
		"Age of the oldest of the last looks at each of what is watched: changes made since then may not show. Missing without [watch]."),
	COUNTER("errands_accepted", errands.accepted, "Requests answered 202, to be done without their client."),
	COUNTER("errands_done", errands.done, "Those of them that are done, whatever came of them."),
	COUNTER("errands_refused", errands.refused, "Requests that would have been, but for want of room."),
	GAUGE("errands_waiting", errands.waiting, "Errands that wait for their turn."),
	GAUGE("errands_running", errands.running, "Errands under way."),
	GAUGE("errands_outcomes", errands.outcomes, "Outcomes that are kept."),
	GAUGE("errands_bytes", errands.bytes, "Bytes of what waits and of the outcomes that are kept."),
	COUNTER("body_bytes", front.bytes, "Bytes of bodies sent to clients."),
	GAUGE("connections", front.connections, "Connections of clients that are open."),
	COUNTER("connections_refused", front.refused, "Connections beyond listen.max_connections."),

	COUNTER("upstream_started", upstream, "Requests to Redmine begun."),
	FAMILY("upstream_requests", COUNTER, print_asked, "Requests to Redmine that ended, by outcome."),
	FAMILY("upstream_responses", COUNTER, print_asked_classes,
		"Requests to Redmine that ended, by the status it gave; none: it gave none."),
	FAMILY("upstream_duration_seconds", HISTOGRAM, print_asked_durations,
		"Time that whole answers of Redmine took, by resource."),
	FAMILY("upstream_up", GAUGE, print_upstream_up,
		"1: Redmine's last answer was one; 0: it was none, or a 5xx. Missing until it was asked."),
	FAMILY("upstream_state_since_seconds", GAUGE, print_upstream_since,
		"When that changed last, in seconds since 1970."),

	GAUGE("breaker_open", breaker_open, "1: Redmine failed so often in a row that it is left alone; 0: it is asked."),
	COUNTER("breaker_openings", breaker_openings, "How often that began."),

	FAMILY("engine_workers", GAUGE, print_engine_workers, "Questions that an engine may have under way: its workers, found by trying with workers = auto."),
	FAMILY("engine_started_workers", GAUGE, print_engine_hands, "Threads or processes that it has for them."),
	FAMILY("engine_busy_workers", GAUGE, print_engine_busy, "Workers, or transfers, that are at work."),
	FAMILY("engine_queue_jobs", GAUGE, print_engine_queued, "Jobs that wait for a worker."),
	FAMILY("engine_queue_limit_jobs", GAUGE, print_engine_queue_limit, "Jobs that may wait."),
	FAMILY("engine_jobs", COUNTER, print_engine_done, "Jobs that workers have done."),
	FAMILY("engine_refused_jobs", COUNTER, print_engine_refused, "Jobs that found the queue full."),
	FAMILY("engine_worker_deaths", COUNTER, print_engine_deaths, "Workers that ended unasked."),
	FAMILY("engine_recycled_workers", COUNTER, print_engine_recycled,
		"Workers replaced after enough jobs, or with too much memory."),
	FAMILY("engine_ends_repeated", COUNTER, print_engine_repeated,
		"Ends that a plug-in told of jobs that were over."),
	FAMILY("engine_jobs_abandoned", COUNTER, print_engine_abandoned,
		"Jobs that a plug-in did not end, and the daemon did for it."),

	GAUGE("cache_memory_entries", cache.memory_entries, "Answers held in memory."),
	GAUGE("cache_memory_bytes", cache.memory_bytes, "Bytes that they take."),
	GAUGE("cache_memory_limit_bytes", memory_limit, "Bytes that they may take: cache.memory."),
	COUNTER("cache_evictions", cache.memory_evicted, "Answers that left memory to make room."),
	COUNTER("cache_invalidated_tags", cache.invalidated, "Tags that writes have spoilt."),
	FAMILY("store_up", GAUGE, print_store_up, "1: the cache's file is in use; 0: it cannot be. Missing without a file."),
	GAUGE("store_entries", cache.store_entries, "Answers in the file."),
	GAUGE("store_bytes", cache.store_bytes, "Bytes of the file."),
	GAUGE("store_limit_bytes", store_limit, "Bytes that it may have: cache.size."),
	GAUGE("store_queue_changes", cache.store_queue, "Changes that wait to be written."),
	COUNTER("store_dropped_changes", cache.store_dropped, "Changes that were given up."),
	COUNTER("store_errors", cache.store_errors, "Errors of the file."),
	COUNTER("log_dropped_lines", log_dropped, "Lines of the log given up because nobody read them."),
};
/* clang-format on */

/* There is none in a flow without the room collect/. */
static void gather_collected(struct metrics_snapshot *now, const struct flow *flow)
{
	struct collect *collect = flow->collector ? flow->collector->arg : NULL;

	if (!collect)
		return;
	walks_get_figures(&collect->walks, &now->read_ahead.asked, &now->read_ahead.used, &now->read_ahead.wasted);
	now->joined = atomic_load(&collect->figures.joined);
	now->joined_pages = atomic_load(&collect->figures.pages);
	now->joined_cut = atomic_load(&collect->figures.cut);
}

static void gather_row(struct metrics_snapshot *now, struct flow *flow, size_t row, size_t first)
{
	int64_t fresh_ms = atomic_load_explicit(&flow->asked.fresh_ms[row], memory_order_relaxed);

	histogram_collect(&flow->asked.durations[row], &now->asked[first]);
	if (fresh_ms > now->fresh_ms[first])
		now->fresh_ms[first] = fresh_ms;
}

static void gather_asked(struct metrics_snapshot *now, struct flow *flow)
{
	for (size_t row = 0; row < ASKED_ROWS; row++) {
		histogram_collect(&flow->asked.durations[row], &now->asked_all);
		if (tally_row_name(row))
			gather_row(now, flow, row, tally_first_row(row));
	}
}

/* Rows of one name become one. */
static void merge_rows(struct tally_sum *sum)
{
	for (size_t row = 0; row < TALLY_ROWS; row++) {
		size_t first = tally_row_name(row) ? tally_first_row(row) : row;

		if (first == row)
			continue;
		for (size_t kind = 0; kind < CACHE_KINDS; kind++)
			for (size_t class = 0; class < TALLY_CLASSES; class ++) {
				sum->requests[first][kind][class] += sum->requests[row][kind][class];
				sum->requests[row][kind][class] = 0;
			}
	}
}

void metrics_gather(struct metrics_snapshot *ret, struct front *front, const struct conf *conf)
{
	memset(ret, 0, sizeof(*ret));
	front_get_figures(front, &ret->front);
	cache_get_figures(front->flow->cache, &ret->cache);
	ret->memory_limit = conf->cache.memory;
	ret->store_limit = conf->cache.size;
	ret->collapsed = atomic_load(&front->flow->figures.collapsed);
	ret->inner = atomic_load(&front->flow->figures.inner);
	ret->inner_hits = atomic_load(&front->flow->figures.inner_hits);
	ret->inner_errors = atomic_load(&front->flow->figures.inner_errors);
	ret->stale = atomic_load(&front->flow->figures.stale);
	ret->breaker_open = breaker_get(&front->flow->breaker, &ret->breaker_openings) != BREAKER_CLOSED;
	errands_get_figures(front->flow->errands, &ret->errands);
	ret->upstream = atomic_load(&front->flow->figures.upstream);
	ret->log_dropped = log_dropped();
	for (unsigned i = 0; i < front->loop_count; i++)
		tally_collect(front->loops[i].tally, &ret->tally);
	merge_rows(&ret->tally);
	gather_asked(ret, front->flow);
	gather_collected(ret, front->flow);
	credentials_get_figures(front->flow->credentials, &ret->credentials);
	changes_get_figures(front->flow->changes, &ret->changes);
	if (front->flow->lookout)
		lookout_get_figures(front->flow->lookout, &ret->watch);
}

int metrics_print(struct front *front, const struct conf *conf, bool open_metrics, struct buf *out)
{
	struct metrics_text text = {.out = out, .open_metrics = open_metrics};
	CLEANUP(freep) struct metrics_snapshot *now = malloc(sizeof(*now));
	char name[96];

	if (!now)
		return -ENOMEM;
	metrics_gather(now, front, conf);
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		const struct metric *metric = &metrics[i];

		snprintf(name, sizeof(name), "redmine_cached_%s", metric->name);
		metrics_family(&text, name, metric->type, metric->help);
		if (metric->print)
			metric->print(&text, now, front);
		else
			metrics_sample(&text, "", (double)*(const uint64_t *)((const char *)now + metric->offset));
	}
	return metrics_end(&text);
}
