#include "conf/conf.h"

#include "conf/check.h"
#include "conf/option.h"
#include "conf/secret.h"
#include "conf/session.h"
#include "conf/type.h"

#include <errno.h>
#include <string.h>

struct conf *conf_ref(struct conf *conf)
{
	CHECK(conf, CONF_MAGIC);
	atomic_fetch_add_explicit(&conf->refs, 1, memory_order_relaxed);
	return conf;
}

/* Frees what the members of that scope own. */
static void release_members(enum option_scope scope, void *owner)
{
	const struct option *option;

	for (size_t i = 0; (option = option_at(i)); i++)
		if (option->scope == scope && option->type->release)
			option->type->release(option_member(option, owner));
}

void conf_unref(struct conf *conf)
{
	if (!conf)
		return;
	CHECK(conf, CONF_MAGIC);
	if (atomic_fetch_sub_explicit(&conf->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < conf->engine.count; i++) {
		release_members(OPTION_OF_ENGINE, &conf->engine.items[i]);
		free(conf->engine.items[i].name);
	}
	free(conf->engine.items);
	release_members(OPTION_OF_ENGINE, &conf->engine.defaults);
	for (size_t i = 0; i < conf->session.count; i++) {
		release_members(OPTION_OF_SESSION, &conf->session.items[i]);
		conf_session_release(&conf->session.items[i]);
	}
	free(conf->session.items);
	release_members(OPTION_OF_SESSION, &conf->session.defaults);
	for (size_t i = 0; i < conf->lifetime.count; i++)
		free(conf->lifetime.items[i].resource);
	free(conf->lifetime.items);
	release_members(OPTION_OF_CONF, conf);
	secret_free(conf->listen.token);
	conf->magic = 0;
	free(conf);
}

const struct conf_engine *conf_engine(const struct conf *conf, const char *name)
{
	CHECK(conf, CONF_MAGIC);
	for (size_t i = 0; i < conf->engine.count; i++)
		if (strcmp(conf->engine.items[i].name, name) == 0)
			return &conf->engine.items[i];
	return &conf->engine.defaults;
}

int64_t conf_lifetime_ms(const struct conf *conf, const char *resource, int64_t fallback_ms)
{
	CHECK(conf, CONF_MAGIC);
	for (size_t i = 0; i < conf->lifetime.count; i++)
		if (strcmp(conf->lifetime.items[i].resource, resource) == 0)
			return conf->lifetime.items[i].lifetime_ms;
	return fallback_ms;
}

/* The two values are written alike. Without memory for it they count as different: a restart too many does no harm. */
static bool same_value(const struct option *option, const void *one, const void *other)
{
	CLEANUP(buf_release) struct buf one_text = BUF_INIT(1 << 20);
	CLEANUP(buf_release) struct buf other_text = BUF_INIT(1 << 20);

	return option->type->print(option, (const char *)one + option->offset, &one_text) == 0 &&
	       option->type->print(option, (const char *)other + option->offset, &other_text) == 0 &&
	       strcmp(buf_text(&one_text), buf_text(&other_text)) == 0;
}

/* "section.name, section.name" in a room that may be too small. */
struct names {
	char *text;
	size_t size;
	size_t count;
};

static void names_add(struct names *names, const char *section, const char *named, const char *name)
{
	size_t used = strnlen(names->text, names->size);

	if (used < names->size)
		snprintf(names->text + used, names->size - used, "%s%s%s%s.%s", names->count ? ", " : "", section,
		        named ? "." : "", named ? named : "", name);
	names->count++;
}

/* Names the settings of one struct that need a restart to change, and keeps them as they are in force. */
static void keep(struct names *names, enum option_scope scope, const char *named, const void *old, void *new)
{
	const struct option *option;

	for (size_t i = 0; (option = option_at(i)); i++) {
		if (option->scope != scope || option->reload || same_value(option, old, new))
			continue;
		names_add(names, option->section, named, option->name);
		option->type->copy(option_member(option, new), (const char *)old + option->offset);
	}
}

size_t conf_needs_restart(const struct conf *old, struct conf *new, char *text, size_t size)
{
	struct names names = {text, size, 0};

	CHECK(old, CONF_MAGIC);
	CHECK(new, CONF_MAGIC);
	ASSERT(size > 0 && atomic_load(&new->refs) == 1);
	text[0] = '\0';
	keep(&names, OPTION_OF_CONF, NULL, old, new);
	for (size_t i = 0; i < old->engine.count; i++) {
		const struct conf_engine *row = &old->engine.items[i];
		struct conf_engine *new_row = conf_engine_add(new, row->name);

		if (new_row)
			keep(&names, OPTION_OF_ENGINE, row->name, row, new_row);
	}
	for (size_t i = 0; i < new->engine.count; i++) {
		struct conf_engine *row = &new->engine.items[i];

		keep(&names, OPTION_OF_ENGINE, row->name, conf_engine(old, row->name), row);
	}
	return names.count;
}
