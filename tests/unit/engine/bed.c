#include "bed.h"

#include <stdlib.h>
#include <string.h>

#define PLENTY 20000

/* What the plug-in is told, with a new folder where it wants one. */
static void make_options(struct bed *bed)
{
	const char *options = bed->kind->options ? bed->kind->options : "", *at = strstr(options, "FOLDER");

	if (at) {
		strcpy(bed->folder, "/tmp/test_engine.XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(bed->folder));
	}
	snprintf(bed->options, sizeof(bed->options), "%.*s%s%s", at ? (int)(at - options) : (int)strlen(options),
	        options, bed->folder, at ? at + strlen("FOLDER") : "");
}

static void remove_folder(struct bed *bed)
{
	char command[128];

	if (!*bed->folder)
		return;
	snprintf(command, sizeof(command), "rm -r '%s'", bed->folder);
	ck_assert_int_eq(system(command), 0);
}

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
	make_options(bed);
	settings.path = bed->kind->path;
	settings.options = bed->options;
	settings.workers = options && options->workers ? options->workers : bed->kind->workers;
	if (options && options->queue)
		settings.queue = options->queue;
	if (options) {
		settings.recycle_jobs = options->recycle_jobs;
		settings.recycle_memory = options->recycle_memory;
	}
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
	remove_folder(bed);
}

void bed_ask(struct bed *bed, struct ask *a)
{
	engine_submit(bed->engine, &a->job);
	ask_wait(a);
}
