#include "front/pages.h"

#include "base/clock.h"
#include "front/metrics.h"
#include "front/metrics_text.h"

#include <json-c/json.h>

#define PAGE_CEILING (1024 * 1024)

struct page {
	const char *path;
	void (*answer)(struct front *front, struct request *r);
};

bool pages_own(const char *target)
{
	return strncmp(target, "/-/", 3) == 0 || strcmp(target, "/-") == 0;
}

static void answer_with(struct request *r, unsigned status, const char *type, const char *body, size_t size)
{
	r->answer.kind = ANSWER_WHOLE;
	r->answer.status = status;
	if (fields_add(&r->answer.fields, "Content-Type", type) < 0 ||
	        fields_add(&r->answer.fields, "Cache-Control", "no-store") < 0 ||
	        buf_add(&r->answer.body, body, size) < 0)
		r->answer.status = 503;
	if (request_is_head(r))
		r->answer.length = (int64_t)size;
}

static void answer_json(struct request *r, unsigned status, struct json_object *object)
{
	size_t size;
	const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PRETTY, &size);

	answer_with(r, status, "application/json; charset=utf-8", text, size);
	json_object_put(object);
}

static void add_count(struct json_object *object, const char *name, uint64_t count)
{
	json_object_object_add(object, name, json_object_new_uint64(count));
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void answer_healthy(struct front *front, struct request *r)
{
	answer_with(r, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

/* Ready with a store that cannot be used is ready all the same: the cache is only a cache. */
static void answer_ready(struct front *front, struct request *r)
{
	struct json_object *object = json_object_new_object();
	struct cache_figures figures;

	cache_get_figures(front->flow->cache, &figures);
	if (atomic_load(&front->draining)) {
		add_text(object, "status", "stopping");
		answer_json(r, 503, object);
		return;
	}
	add_text(object, "status", figures.state == CACHE_STORE_DEGRADED ? "degraded" : "ready");
	if (figures.state == CACHE_STORE_DEGRADED)
		add_text(object, "why", figures.why);
	answer_json(r, 200, object);
}

static struct json_object *print_cache(struct front *front)
{
	static const char *const states[] = {
	        [CACHE_STORE_OFF] = "off", [CACHE_STORE_READY] = "ready", [CACHE_STORE_DEGRADED] = "degraded"};
	struct json_object *object = json_object_new_object();
	struct cache_figures figures;

	cache_get_figures(front->flow->cache, &figures);
	add_count(object, "memory_entries", figures.memory_entries);
	add_count(object, "memory_bytes", figures.memory_bytes);
	add_count(object, "memory_evicted", figures.memory_evicted);
	add_text(object, "store", states[figures.state]);
	add_text(object, "store_why", figures.why);
	add_count(object, "store_entries", figures.store_entries);
	add_count(object, "store_bytes", figures.store_bytes);
	add_count(object, "store_queue", figures.store_queue);
	add_count(object, "store_dropped", figures.store_dropped);
	add_count(object, "store_errors", figures.store_errors);
	return object;
}

static struct json_object *print_requests(struct front *front)
{
	struct json_object *object = json_object_new_object();
	struct flow_figures *flow = &front->flow->figures;
	struct front_figures figures;

	front_get_figures(front, &figures);
	add_count(object, "answered", figures.requests);
	add_count(object, "hits", atomic_load(&flow->hits) + figures.prepared);
	add_count(object, "misses", atomic_load(&flow->misses));
	add_count(object, "revalidated", atomic_load(&flow->revalidated));
	add_count(object, "collapsed", atomic_load(&flow->collapsed));
	add_count(object, "bypassed", atomic_load(&flow->bypassed));
	add_count(object, "writes", atomic_load(&flow->writes));
	add_count(object, "errors", atomic_load(&flow->errors));
	add_count(object, "upstream", atomic_load(&flow->upstream));
	add_count(object, "inner", atomic_load(&flow->inner));
	add_count(object, "inner_hits", atomic_load(&flow->inner_hits));
	add_count(object, "inner_errors", atomic_load(&flow->inner_errors));
	add_count(object, "body_bytes", figures.bytes);
	add_count(object, "connections", figures.connections);
	add_count(object, "connections_refused", figures.refused);
	return object;
}

static struct json_object *print_engine(struct engine *engine)
{
	struct json_object *object = json_object_new_object();
	struct engine_figures figures;

	engine_get_figures(engine, &figures);
	add_text(object, "name", engine_name(engine));
	add_count(object, "workers", (uint64_t)figures.workers);
	add_count(object, "busy", (uint64_t)figures.busy);
	add_count(object, "queued", (uint64_t)figures.queued);
	add_count(object, "queue_limit", (uint64_t)figures.queue_limit);
	add_count(object, "done", figures.done);
	add_count(object, "refused", figures.refused);
	add_count(object, "deaths", figures.deaths);
	return object;
}

static struct json_object *print_engines(const struct engines *engines)
{
	struct json_object *array = json_object_new_array();
	struct engine *engine;

	for (size_t i = 0; (engine = engines_at(engines, i)); i++)
		json_object_array_add(array, print_engine(engine));
	return array;
}

static void answer_status(struct front *front, struct request *r)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "version", PACKAGE_VERSION);
	add_text(object, "upstream", front->flow->origin->base);
	json_object_object_add(object, "clock_offset_ms", json_object_new_int64(clock_offset_ms()));
	json_object_object_add(object, "requests", print_requests(front));
	json_object_object_add(object, "cache", print_cache(front));
	json_object_object_add(object, "engine", print_engine(engines_default(front->flow->engines)));
	json_object_object_add(object, "engines", print_engines(front->flow->engines));
	add_count(object, "log_dropped", log_dropped());
	answer_json(r, 200, object);
}

static void answer_metrics(struct front *front, struct request *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(PAGE_CEILING);
	bool open_metrics = metrics_wants_open(fields_get(&r->fields, "Accept"));

	if (metrics_print(front, r->conf, open_metrics, &text) < 0)
		request_answer_error(r, 503, 0, "Out of memory.");
	else
		answer_with(r, 200, metrics_content_type(open_metrics), text.data, text.size);
}

static const struct page pages[] = {
        {"/-/healthy", answer_healthy},
        {"/-/metrics", answer_metrics},
        {"/-/ready", answer_ready},
        {"/-/status.json", answer_status},
};

void pages_answer(struct front *front, struct request *r)
{
	size_t size = strcspn(r->raw_target, "?");

	if (strcmp(r->method, "GET") != 0 && !request_is_head(r)) {
		request_answer_error(r, 405, 0, "The daemon's own pages are only read.");
		if (fields_add(&r->answer.fields, "Allow", "GET, HEAD") < 0)
			r->answer.status = 503;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strlen(pages[i].path) == size && strncmp(pages[i].path, r->raw_target, size) == 0) {
			pages[i].answer(front, r);
			return;
		}
	}
	request_answer_error(
	        r, 404, 0, "The daemon has no such page; it has /-/healthy, /-/metrics, /-/ready, /-/status.json.");
}
