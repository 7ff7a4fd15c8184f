#include "bed.h"

#define PLENTY 20000

void bed_make(struct bed *bed, int index, const struct http_route *routes, size_t count, void *arg,
        const struct bed_options *options)
{
	struct fail fail = {0};
	struct engine_settings settings = {
	        .session = {.origin = &bed->origin, .verify = true, .connections = 4}, .queue = PLENTY};

	*bed = (struct bed){.kind = &engine_kinds[index]};
	bed->http = http_origin_new(routes, count, arg);
	ck_assert_msg(origin_init(&bed->origin, options && options->url ? options->url : http_origin_url(bed->http),
	                      &fail) == 0,
	        "%s", fail.text);
	settings.workers = options && options->workers ? options->workers : bed->kind->workers;
	if (options && options->queue)
		settings.queue = options->queue;
	bed->engine = engine_new(bed->kind->name, &settings, &fail);
	ck_assert_msg(bed->engine != NULL, "%s", fail.text);
	http_origin_start(bed->http); /* after engine_new, which may fork */
	ck_assert_msg(engine_start(bed->engine, &fail) == 0, "%s", fail.text);
}

void bed_clear(struct bed *bed)
{
	struct engine_figures figures;

	if (!bed->stopped)
		engine_stop(bed->engine, true);
	engine_get_figures(bed->engine, &figures);
	ck_assert_int_eq(figures.busy, 0);
	ck_assert_int_eq(figures.queued, 0);
	engine_free(bed->engine);
	http_origin_stop(bed->http);
	origin_release(&bed->origin);
}

void bed_ask(struct bed *bed, struct ask *a)
{
	engine_submit(bed->engine, &a->job);
	ask_wait(a);
}
