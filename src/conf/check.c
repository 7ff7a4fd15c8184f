#include "conf/check.h"

#include "conf/address.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The settings being checked and where they stand. */
struct check {
	struct conf *conf;
	const struct conf_source *source;
	const struct settings *settings;
	struct problems *problems;
};

/* The place of the setting that came last, with that value unless it is NULL; fallback when it was never given. */
static const char *place(const struct check *check, const char *section, const char *named, const char *name,
        const char *value, const char *fallback)
{
	for (size_t i = check->settings->count; i-- > 0;) {
		const struct setting *setting = &check->settings->items[i];

		if (setting->name && strcmp(setting->section, section) == 0 && strcmp(setting->name, name) == 0 &&
		        (named ? setting->named && strcmp(setting->named, named) == 0 : !setting->named) &&
		        (!value || strcmp(setting->value, value) == 0))
			return setting->place;
	}
	return fallback;
}

static void check_upstream(const struct check *check)
{
	const struct conf *conf = check->conf;

	if (!conf->upstream.url && !place(check, "upstream", NULL, "url", NULL, NULL))
		problem_add(check->problems, -EINVAL, "upstream.url",
		        "not given; say where Redmine is: -o upstream.url=URL, or url = URL below [upstream]");
	if (conf->upstream.ca_file && access(conf->upstream.ca_file, R_OK) < 0)
		problem_add(check->problems, -EINVAL,
		        place(check, "upstream", NULL, "ca_file", NULL, "upstream.ca_file"), "%s: %s",
		        conf->upstream.ca_file, strerror(errno));
}

static void check_listen(const struct check *check)
{
	const struct text_list *list = &check->conf->listen.address;

	if (list->count == 0)
		problem_add(check->problems, -EINVAL, place(check, "listen", NULL, "address", NULL, "listen.address"),
		        "no address is left to listen on; allowed: one or more");
	for (size_t i = 0; i < list->count; i++) {
		const char *where = place(check, "listen", NULL, "address", list->items[i], "listen.address");
		struct address address;

		for (size_t j = 0; j < i; j++)
			if (strcmp(list->items[i], list->items[j]) == 0)
				problem_add(
				        check->problems, -EINVAL, where, "address %s is given twice", list->items[i]);
		if (address_parse(list->items[i], &address, NULL) == 0 && !address_is_local(&address) &&
		        !check->conf->listen.allow_remote)
			problem_add(check->problems, -EINVAL, where,
			        "other machines could reach %s; allowed: 127.0.0.1, [::1], localhost and unix:/PATH, "
			        "or any with listen.allow_remote = yes",
			        list->items[i]);
	}
}

static bool engine_known(const struct check *check, const char *name)
{
	return !check->source->engine_known || check->source->engine_known(name);
}

static void check_engine(const struct check *check, const struct conf_engine *engine)
{
	bool is_default = strcmp(engine->name, check->conf->engine.default_name) == 0;
	const char *where = place(check, "engine", engine->name, "path", NULL, NULL);

	if (!engine->path && !engine_known(check, engine->name)) {
		for (size_t i = 0; i < check->settings->count && !where; i++) /* its heading, or what stands below it */
			if (check->settings->items[i].named &&
			        strcmp(check->settings->items[i].named, engine->name) == 0)
				where = check->settings->items[i].place;
		if (is_default)
			where = place(check, "engine", NULL, "default", NULL, "engine.default");
		problem_add(check->problems, -EINVAL, where,
		        "there is no engine \"%s\"; allowed: %s, or one with a path below [engine \"%s\"]",
		        engine->name, check->source->engine_names ? check->source->engine_names : "none", engine->name);
	}
	if (engine->path && check->source->engine_known && check->source->engine_known(engine->name))
		problem_add(check->problems, -EINVAL, where,
		        "engine \"%s\" is built in and has no path; allowed: a name other than %s", engine->name,
		        check->source->engine_names);
	else if (engine->path && access(engine->path, R_OK) < 0)
		problem_add(check->problems, -EINVAL, where, "%s: %s", engine->path, strerror(errno));
	if (strcmp(engine->name, "sync") == 0 && engine->workers > 1)
		problem_add(check->problems, -EINVAL,
		        place(check, "engine", "sync", "workers", NULL, "engine.sync.workers"),
		        "engine \"sync\" always has one worker; allowed: auto or 1");
}

struct conf_engine *conf_engine_add(struct conf *conf, const char *name)
{
	struct conf_engine *items;

	for (size_t i = 0; i < conf->engine.count; i++)
		if (strcmp(conf->engine.items[i].name, name) == 0)
			return &conf->engine.items[i];
	items = realloc(conf->engine.items, (conf->engine.count + 1) * sizeof(*items));
	if (!items)
		return NULL;
	conf->engine.items = items;
	items += conf->engine.count;
	*items = conf->engine.defaults; /* owns nothing */
	items->name = strdup(name);
	if (!items->name)
		return NULL;
	conf->engine.count++;
	return items;
}

/* The folder in which programs keep what they can make again, as the environment and the user decide. NULL: nowhere. */
static int cache_folder(char **ret)
{
	const char *systemd = getenv("CACHE_DIRECTORY"); /* systemd.exec(5): several are separated by ":" */
	const char *home = getenv("HOME");
	const char *xdg = getenv("XDG_CACHE_HOME");
	int r = 0;

	*ret = NULL;
	if (systemd && *systemd == '/')
		r = asprintf(ret, "%.*s", (int)strcspn(systemd, ":"), systemd);
	else if (geteuid() == 0)
		r = asprintf(ret, "%s", LOCALSTATEDIR "/cache/redmine-cached");
	else if (xdg && *xdg == '/')
		r = asprintf(ret, "%s/redmine-cached", xdg);
	else if (home && *home == '/')
		r = asprintf(ret, "%s/.cache/redmine-cached", home);
	if (r < 0)
		*ret = NULL;
	return r < 0 ? -ENOMEM : 0;
}

/* "auto" becomes a path; nothing becomes "", as the rooms that read it expect. */
static int complete_cache_path(const struct check *check)
{
	char **path = &check->conf->cache.path;
	CLEANUP(freep) char *folder = NULL;

	if (!*path) {
		*path = strdup("");
		return *path ? 0 : -ENOMEM;
	}
	if (strcmp(*path, "auto") != 0)
		return 0;
	if (cache_folder(&folder) < 0)
		return -ENOMEM;
	if (!folder) {
		problem_add(check->problems, -EINVAL, place(check, "cache", NULL, "path", NULL, "cache.path"),
		        "auto, but the environment has no HOME; allowed: a path that begins with \"/\" or nothing");
		return 0;
	}
	free(*path);
	if (asprintf(path, "%s/cache.db", folder) < 0) {
		*path = NULL;
		return -ENOMEM;
	}
	return 0;
}

int conf_complete(
        struct conf *conf, const struct conf_source *source, const struct settings *settings, struct problems *problems)
{
	struct check check = {conf, source, settings, problems};

	if (!conf_engine_add(conf, conf->engine.default_name) || complete_cache_path(&check) < 0)
		return -ENOMEM;
	check_upstream(&check);
	check_listen(&check);
	for (size_t i = 0; i < conf->engine.count; i++)
		check_engine(&check, &conf->engine.items[i]);
	return 0;
}
