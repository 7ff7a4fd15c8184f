#include "engine/engines.h"

#include "engine/base.h"
#include "engine/scheduler.h"

#include <errno.h>

struct engines {
	unsigned magic;
#define ENGINES_MAGIC 0xe4614e05
	struct runner {
		struct engine *engine; /* owned */
		struct lane *lane;     /* the scheduler's */
	} * items;
	size_t count, default_index;
	struct scheduler *scheduler;
};

struct engines *engines_new(int ceiling)
{
	struct engines *engines = calloc(1, sizeof(*engines));

	if (!engines)
		return NULL;
	engines->magic = ENGINES_MAGIC;
	engines->scheduler = scheduler_new(ceiling);
	if (engines->scheduler)
		return engines;
	free(engines);
	return NULL;
}

void engines_free(struct engines *engines)
{
	if (!engines)
		return;
	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count; i++)
		engine_free(engines->items[i].engine);
	free(engines->items);
	scheduler_free(engines->scheduler);
	engines->magic = 0;
	free(engines);
}

int engines_add(struct engines *engines, struct engine *engine, bool is_default)
{
	struct lane *lane = scheduler_add(engines->scheduler, engine);
	struct runner *items = realloc(engines->items, (engines->count + 1) * sizeof(*items));

	CHECK(engines, ENGINES_MAGIC);
	if (items)
		engines->items = items;
	if (!items || !lane) {
		engine_free(engine);
		return -ENOMEM;
	}
	if (engine->queue.limit < engine->settings.workers)
		engine->queue.limit = engine->settings.workers; /* what comes through the scheduler may run at once */
	if (is_default)
		engines->default_index = engines->count;
	items[engines->count++] = (struct runner){engine, lane};
	return 0;
}

int engines_start(struct engines *engines, struct fail *fail)
{
	int r = 0;

	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count && r == 0; i++)
		r = engine_start(engines->items[i].engine, fail);
	return r;
}

void engines_stop(struct engines *engines, bool drain)
{
	CHECK(engines, ENGINES_MAGIC);
	scheduler_close(engines->scheduler);
	for (size_t i = 0; i < engines->count; i++)
		engine_stop(engines->items[i].engine, drain);
}

struct engine *engines_find(const struct engines *engines, const char *name)
{
	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count; i++)
		if (strcmp(engine_name(engines->items[i].engine), name) == 0)
			return engines->items[i].engine;
	return NULL;
}

struct engine *engines_default(const struct engines *engines)
{
	CHECK(engines, ENGINES_MAGIC);
	ASSERT(engines->count > 0);
	return engines->items[engines->default_index].engine;
}

struct engine *engines_at(const struct engines *engines, size_t index)
{
	CHECK(engines, ENGINES_MAGIC);
	return index < engines->count ? engines->items[index].engine : NULL;
}

void engines_list(const struct engines *engines, char *text, size_t size)
{
	size_t used = 0;

	CHECK(engines, ENGINES_MAGIC);
	text[0] = '\0';
	for (size_t i = 0; i < engines->count && used < size; i++)
		used += (size_t)snprintf(
		        text + used, size - used, "%s%s", i > 0 ? ", " : "", engine_name(engines->items[i].engine));
}

void engines_nudge(struct engines *engines)
{
	CHECK(engines, ENGINES_MAGIC);
	scheduler_nudge(engines->scheduler);
}

void engines_submit(struct engines *engines, struct engine *engine, struct job *job)
{
	size_t index = engines->default_index;

	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; engine && i < engines->count; i++)
		if (engines->items[i].engine == engine)
			index = i;
	scheduler_submit(engines->scheduler, engines->items[index].lane, job);
}
