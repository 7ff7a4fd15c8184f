#include "engine/engines.h"

#include <errno.h>

struct engines {
	unsigned magic;
#define ENGINES_MAGIC 0xe4614e05
	struct engine **items; /* owned */
	size_t count, default_index;
};

struct engines *engines_new(void)
{
	struct engines *engines = calloc(1, sizeof(*engines));

	if (engines)
		engines->magic = ENGINES_MAGIC;
	return engines;
}

void engines_free(struct engines *engines)
{
	if (!engines)
		return;
	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count; i++)
		engine_free(engines->items[i]);
	free(engines->items);
	engines->magic = 0;
	free(engines);
}

int engines_add(struct engines *engines, struct engine *engine, bool is_default)
{
	struct engine **items;

	CHECK(engines, ENGINES_MAGIC);
	items = realloc(engines->items, (engines->count + 1) * sizeof(struct engine *));
	if (!items) {
		engine_free(engine);
		return -ENOMEM;
	}
	engines->items = items;
	if (is_default)
		engines->default_index = engines->count;
	items[engines->count++] = engine;
	return 0;
}

int engines_start(struct engines *engines, struct fail *fail)
{
	int r = 0;

	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count && r == 0; i++)
		r = engine_start(engines->items[i], fail);
	return r;
}

void engines_stop(struct engines *engines, bool drain)
{
	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count; i++)
		engine_close(engines->items[i]);
	for (size_t i = 0; i < engines->count; i++)
		engine_stop(engines->items[i], drain);
}

struct engine *engines_find(const struct engines *engines, const char *name)
{
	CHECK(engines, ENGINES_MAGIC);
	for (size_t i = 0; i < engines->count; i++)
		if (strcmp(engine_name(engines->items[i]), name) == 0)
			return engines->items[i];
	return NULL;
}

struct engine *engines_default(const struct engines *engines)
{
	CHECK(engines, ENGINES_MAGIC);
	ASSERT(engines->count > 0);
	return engines->items[engines->default_index];
}

struct engine *engines_at(const struct engines *engines, size_t index)
{
	CHECK(engines, ENGINES_MAGIC);
	return index < engines->count ? engines->items[index] : NULL;
}

void engines_list(const struct engines *engines, char *text, size_t size)
{
	size_t used = 0;

	CHECK(engines, ENGINES_MAGIC);
	text[0] = '\0';
	for (size_t i = 0; i < engines->count && used < size; i++)
		used += (size_t)snprintf(
		        text + used, size - used, "%s%s", i > 0 ? ", " : "", engine_name(engines->items[i]));
}

void engines_submit(struct engines *engines, struct engine *engine, struct job *job)
{
	engine_submit(engine ? engine : engines_default(engines), job);
}
