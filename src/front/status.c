#include "front/status.h"

#include "base/clock.h"
#include "front/metrics.h"

#include <json-c/json.h>

void status_add_count(struct json_object *object, const char *name, uint64_t count)
{
	json_object_object_add(object, name, json_object_new_uint64(count));
}

void status_add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, text ? json_object_new_string(text) : NULL);
}

static void add_signed(struct json_object *object, const char *name, int64_t number)
{
	json_object_object_add(object, name, json_object_new_int64(number));
}

/* Microseconds are as far as anything here is measured. */
static void add_seconds(struct json_object *object, const char *name, double seconds)
{
	char text[48];

	snprintf(text, sizeof(text), "%.6f", seconds);
	json_object_object_add(object, name, json_object_new_double_s(seconds, text));
}

static struct json_object *print_cache(struct front *front, const struct conf *conf)
{
	static const char *const states[] = {
	        [CACHE_STORE_OFF] = "off", [CACHE_STORE_READY] = "ready", [CACHE_STORE_DEGRADED] = "degraded"};
	struct json_object *object = json_object_new_object();
	struct cache_figures figures;

	cache_get_figures(front->flow->cache, &figures);
	status_add_count(object, "memory_entries", figures.memory_entries);
	status_add_count(object, "memory_bytes", figures.memory_bytes);
	status_add_count(object, "memory_limit", conf->cache.memory);
	status_add_count(object, "store_limit", conf->cache.size);
	status_add_count(object, "memory_evicted", figures.memory_evicted);
	status_add_text(object, "store", states[figures.state]);
	status_add_text(object, "store_why", figures.why);
	status_add_count(object, "store_entries", figures.store_entries);
	status_add_count(object, "store_bytes", figures.store_bytes);
	status_add_count(object, "store_queue", figures.store_queue);
	status_add_count(object, "store_dropped", figures.store_dropped);
	status_add_count(object, "store_errors", figures.store_errors);
	return object;
}

static struct json_object *print_requests(struct front *front)
{
	struct json_object *object = json_object_new_object();
	struct flow_figures *flow = &front->flow->figures;
	struct front_figures figures;

	front_get_figures(front, &figures);
	status_add_count(object, "answered", figures.requests);
	status_add_count(object, "hits", atomic_load(&flow->hits) + figures.prepared);
	status_add_count(object, "stale", atomic_load(&flow->stale));
	status_add_count(object, "misses", atomic_load(&flow->misses));
	status_add_count(object, "revalidated", atomic_load(&flow->revalidated));
	status_add_count(object, "collapsed", atomic_load(&flow->collapsed));
	status_add_count(object, "bypassed", atomic_load(&flow->bypassed));
	status_add_count(object, "writes", atomic_load(&flow->writes));
	status_add_count(object, "errors", atomic_load(&flow->errors));
	status_add_count(object, "upstream", atomic_load(&flow->upstream));
	status_add_count(object, "inner", atomic_load(&flow->inner));
	status_add_count(object, "inner_hits", atomic_load(&flow->inner_hits));
	status_add_count(object, "inner_errors", atomic_load(&flow->inner_errors));
	status_add_count(object, "body_bytes", figures.bytes);
	status_add_count(object, "connections", figures.connections);
	status_add_count(object, "connections_refused", figures.refused);
	return object;
}

static struct json_object *print_engine(struct engine *engine)
{
	struct json_object *object = json_object_new_object();
	struct engine_figures figures;

	engine_get_figures(engine, &figures);
	status_add_text(object, "name", engine_name(engine));
	status_add_count(object, "workers", (uint64_t)figures.workers);
	status_add_count(object, "busy", (uint64_t)figures.busy);
	status_add_count(object, "queued", (uint64_t)figures.queued);
	status_add_count(object, "queue_limit", (uint64_t)figures.queue_limit);
	status_add_count(object, "recycled", figures.recycled);
	status_add_count(object, "started", (uint64_t)figures.hands);
	status_add_count(object, "done", figures.done);
	status_add_count(object, "refused", figures.refused);
	status_add_count(object, "deaths", figures.deaths);
	status_add_count(object, "repeated", figures.repeated);
	status_add_count(object, "abandoned", figures.abandoned);
	return object;
}

struct json_object *status_print_engines(const struct engines *engines)
{
	struct json_object *array = json_object_new_array();
	struct engine *engine;

	for (size_t i = 0; (engine = engines_at(engines, i)); i++)
		json_object_array_add(array, print_engine(engine));
	return array;
}

/* How long something took, or how old it was: count, sum and some quantiles in seconds. */
static struct json_object *print_histogram(const struct histogram_sum *sum, const struct histogram_scale *scale)
{
	static const struct {
		const char *name;
		double part;
	} quantiles[] = {{"median", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
	struct json_object *object = json_object_new_object();

	status_add_count(object, "count", sum->count);
	add_seconds(object, "sum", (double)sum->sum / (double)scale->per_second);
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		add_seconds(object, quantiles[i].name,
		        histogram_quantile(sum, scale, quantiles[i].part) / (double)scale->per_second);
	return object;
}

static void add_histograms(struct histogram_sum *sum, const struct histogram_sum *other)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS_MAX; i++)
		sum->counts[i] += other->counts[i];
	sum->count += other->count;
	sum->sum += other->sum;
}

static struct json_object *print_latency(const struct metrics_snapshot *now)
{
	struct json_object *object = json_object_new_object();
	struct histogram_sum hits = now->tally.durations[CACHE_KIND_HIT];
	struct histogram_sum misses = now->tally.durations[CACHE_KIND_MISS];

	add_histograms(&hits, &now->tally.durations[CACHE_KIND_STALE_HIT]);
	add_histograms(&misses, &now->tally.durations[CACHE_KIND_REVALIDATED]);
	json_object_object_add(object, "hits", print_histogram(&hits, &histogram_durations));
	json_object_object_add(object, "misses", print_histogram(&misses, &histogram_durations));
	json_object_object_add(object, "redmine", print_histogram(&now->asked_all, &histogram_durations));
	json_object_object_add(object, "served_age", print_histogram(&now->tally.ages, &histogram_ages));
	return object;
}

static struct json_object *print_redmine(struct flow *flow)
{
	struct json_object *object = json_object_new_object();
	uint64_t openings;

	status_add_text(object, "url", flow->origin->base);
	status_add_text(object, "state", asked_state_word(&flow->asked));
	add_signed(object, "since_ms", atomic_load(&flow->asked.since_ms));
	status_add_text(object, "breaker", breaker_state_word(breaker_get(&flow->breaker, &openings)));
	status_add_count(object, "breaker_openings", openings);
	for (size_t i = 0; i < ASKED_OUTCOMES; i++)
		status_add_count(
		        object, asked_outcome_word((enum job_outcome)i), atomic_load(&flow->asked.outcomes[i]));
	return object;
}

static uint64_t sum_row(const struct metrics_snapshot *now, size_t row, enum cache_kind kind)
{
	uint64_t sum = 0;

	for (size_t class = 0; class < TALLY_CLASSES; class ++)
		sum += now->tally.requests[row][kind][class];
	return sum;
}

static uint64_t sum_errors(const struct metrics_snapshot *now, size_t row)
{
	uint64_t sum = 0;

	for (size_t kind = 0; kind < CACHE_KINDS; kind++)
		sum += now->tally.requests[row][kind][5];
	return sum;
}

/* A resource that was asked for at all. */
static struct json_object *print_resource(const struct metrics_snapshot *now, size_t row)
{
	struct json_object *object;
	uint64_t all = 0;

	for (size_t kind = 0; kind < CACHE_KINDS; kind++)
		all += sum_row(now, row, (enum cache_kind)kind);
	if (all == 0 && (row >= ASKED_ROWS || now->asked[row].count == 0))
		return NULL;
	object = json_object_new_object();
	status_add_text(object, "name", tally_row_name(row));
	status_add_count(object, "requests", all);
	status_add_count(object, "hits", sum_row(now, row, CACHE_KIND_HIT) + sum_row(now, row, CACHE_KIND_STALE_HIT));
	status_add_count(object, "errors", sum_errors(now, row));
	if (row < ASKED_ROWS)
		add_signed(object, "fresh_ms", now->fresh_ms[row]);
	if (row < ASKED_ROWS)
		json_object_object_add(object, "redmine", print_histogram(&now->asked[row], &histogram_durations));
	return object;
}

static struct json_object *print_resources(const struct metrics_snapshot *now)
{
	struct json_object *array = json_object_new_array();

	for (size_t row = 0; row < TALLY_ROWS; row++) {
		struct json_object *object = row == TALLY_OWN ? NULL : print_resource(now, row);

		if (object)
			json_object_array_add(array, object);
	}
	return array;
}

struct json_object *status_print_record(const struct record *record, bool whole)
{
	struct json_object *object = json_object_new_object();

	add_signed(object, "at_ms", record->at_ms);
	status_add_text(object, "method", record->method);
	status_add_count(object, "status", record->status);
	status_add_text(object, "cache", cache_kind_word(record->kind));
	status_add_text(object, "resource", record->resource);
	if (whole) {
		status_add_text(object, "target", record->target);
		status_add_text(object, "identity", record->identity);
		status_add_text(object, "client", record->client);
	}
	status_add_count(object, "sent", record->sent);
	add_signed(object, "duration_us", record->duration_us);
	add_signed(object, "upstream_us", record->upstream_us);
	return object;
}

static struct json_object *print_bad(struct front *front)
{
	struct json_object *array = json_object_new_array();
	CLEANUP(freep) struct record *records = calloc(RECORDS_BAD, sizeof(*records));
	size_t count = records ? records_bad(front->records, records, RECORDS_BAD) : 0;

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, status_print_record(&records[i], false));
	return array;
}

static struct json_object *print_read_ahead(const struct metrics_snapshot *now)
{
	struct json_object *object = json_object_new_object();

	status_add_count(object, "asked", now->read_ahead.asked);
	status_add_count(object, "used", now->read_ahead.used);
	status_add_count(object, "wasted", now->read_ahead.wasted);
	return object;
}

static struct json_object *print_watch(const struct metrics_snapshot *now)
{
	struct json_object *object = json_object_new_object();

	status_add_count(object, "rounds", now->watch.polls);
	status_add_count(object, "failures", now->watch.failures);
	status_add_count(object, "changes", now->watch.changes);
	add_signed(object, "seen_ms", now->watch.seen_ms);
	return object;
}

struct json_object *status_print(struct front *front, const struct conf *conf)
{
	CLEANUP(freep) struct metrics_snapshot *now = malloc(sizeof(*now));
	struct json_object *object = json_object_new_object();

	if (!object || !now) {
		json_object_put(object);
		return NULL;
	}
	metrics_gather(now, front, conf);
	status_add_text(object, "version", PACKAGE_VERSION);
	status_add_text(object, "upstream", front->flow->origin->base);
	add_signed(object, "clock_offset_ms", clock_offset_ms());
	add_signed(object, "now_ms", clock_wall_ms());
	add_signed(object, "started_ms", front->started_ms);
	json_object_object_add(object, "requests", print_requests(front));
	json_object_object_add(object, "cache", print_cache(front, conf));
	json_object_object_add(object, "engine", print_engine(engines_default(front->flow->engines)));
	json_object_object_add(object, "engines", status_print_engines(front->flow->engines));
	json_object_object_add(object, "redmine", print_redmine(front->flow));
	json_object_object_add(object, "latency", print_latency(now));
	json_object_object_add(object, "resources", print_resources(now));
	json_object_object_add(object, "slow_or_failed", print_bad(front));
	json_object_object_add(object, "read_ahead", print_read_ahead(now));
	json_object_object_add(object, "watch", print_watch(now));
	status_add_count(object, "log_dropped", log_dropped());
	return object;
}
