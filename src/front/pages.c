#include "front/pages.h"

#include "base/clock.h"
#include "flow/changes.h"
#include "front/browser.h"
#include "front/errand_page.h"
#include "front/metrics.h"
#include "front/metrics_text.h"
#include "front/status.h"
#include "front/status_page.h"

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

static void answer_healthy(struct front *front, struct request *r)
{
	answer_with(r, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

/* Ready without Redmine, or with a store that cannot be used, is ready all the same: what is stored is served, or passed. */
static void answer_ready(struct front *front, struct request *r)
{
	struct json_object *object = json_object_new_object();
	struct cache_figures figures;
	uint64_t openings;
	bool broken;

	cache_get_figures(front->flow->cache, &figures);
	if (atomic_load(&front->draining)) {
		status_add_text(object, "status", "stopping");
		answer_json(r, 503, object);
		return;
	}
	broken = breaker_get(&front->flow->breaker, &openings) != BREAKER_CLOSED;
	status_add_text(object, "status", broken || figures.state == CACHE_STORE_DEGRADED ? "degraded" : "ready");
	if (broken)
		status_add_text(object, "why", "Redmine does not answer");
	else if (figures.state == CACHE_STORE_DEGRADED)
		status_add_text(object, "why", figures.why);
	answer_json(r, 200, object);
}

static void answer_status(struct front *front, struct request *r)
{
	struct json_object *object = status_print(front, r->conf);

	if (object)
		answer_json(r, 200, object);
	else
		request_answer_error(r, 503, 0, "Out of memory.");
}

/* The page for people, which looks at status.json by itself. */
static void answer_status_page(struct front *front, struct request *r)
{
	answer_with(r, 200, "text/html; charset=utf-8", (const char *)status_page, status_page_size);
	if (fields_add(&r->answer.fields, "Content-Security-Policy", status_page_policy) < 0 ||
	        fields_add(&r->answer.fields, "X-Content-Type-Options", "nosniff") < 0 ||
	        fields_add(&r->answer.fields, "Referrer-Policy", "no-referrer") < 0)
		r->answer.status = 503;
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

/*
 * Open to whoever may connect, but for web pages of origins that are not listed: an event says that something has changed,
 * and not what it is.
 */
static void answer_events(struct front *front, struct request *r)
{
	int error = 0;

	if (browser_is_stranger(r)) {
		request_answer_error(
		        r, 403, 0, "Web pages of other origins are told nothing (listen.allowed_origins).");
		return;
	}
	if (!request_is_head(r))
		error = changes_listen(front->flow->changes, fields_get(&r->fields, "Last-Event-ID"),
		        (size_t)r->conf->events.clients, r->conf->events.heartbeat_ms, &r->answer.stream);
	if (error < 0) {
		request_answer_error(r, 503, 10, "No more listeners are taken (events.clients).");
		return;
	}
	r->answer.kind = request_is_head(r) ? ANSWER_WHOLE : ANSWER_STREAM;
	r->answer.status = 200;
	r->answer.length = -1;
	if (fields_add(&r->answer.fields, "Content-Type", "text/event-stream") < 0 ||
	        fields_add(&r->answer.fields, "Cache-Control", "no-store, no-transform") < 0 ||
	        fields_add(&r->answer.fields, "X-Accel-Buffering", "no") < 0)
		request_answer_error(r, 503, 0, "Out of memory.");
}

static const struct page pages[] = {
        {"/-/events", answer_events},
        {"/-/healthy", answer_healthy},
        {"/-/metrics", answer_metrics},
        {"/-/ready", answer_ready},
        {"/-/status", answer_status_page},
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
	if (errand_page_own(r->raw_target)) {
		errand_page_answer(front, r);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strlen(pages[i].path) == size && strncmp(pages[i].path, r->raw_target, size) == 0) {
			pages[i].answer(front, r);
			return;
		}
	}
	request_answer_error(r, 404, 0,
	        "The daemon has no such page; it has /-/events, /-/healthy, /-/metrics, /-/ready, /-/status, "
	        "/-/status.json.");
}
