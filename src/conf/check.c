#include "conf/check.h"

#include "conf/address.h"
#include "conf/schedule.h"
#include "conf/secret.h"
#include "conf/session.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static bool same_text(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

/* The setting that came last, with that value unless it is NULL; without a name the heading. NULL when it was never given. */
static const struct setting *given(
        const struct check *check, const char *section, const char *named, const char *name, const char *value)
{
	for (size_t i = check->settings->count; i-- > 0;) {
		const struct setting *setting = &check->settings->items[i];

		if (strcmp(setting->section, section) == 0 && same_text(setting->name, name) &&
		        strcmp(setting->named ? setting->named : "", named) == 0 &&
		        (!value || strcmp(setting->value, value) == 0))
			return setting;
	}
	return NULL;
}

void check_wrong(const struct check *check, const char *section, const char *named, const char *name, const char *value,
        const char *format, ...)
{
	const struct setting *setting = given(check, section, named, name, value);
	char what[PROBLEM_MAX], place[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (setting && setting->name) {
		setting_problem(check->problems, setting, -EINVAL, "%s", what);
		return;
	}
	snprintf(place, sizeof(place), "%s%s%s%s%s", section, *named ? "." : "", named, name ? "." : "",
	        name ? name : "");
	problem_add(check->problems, -EINVAL, setting ? setting->place : place, "%s", what);
}

int check_secret(const struct check *check, const char *section, const char *named, const char *name, const char *file,
        bool word, char **ret)
{
	struct fail fail = {0};
	int r;

	if (!file)
		return 0;
	r = secret_read(file, ret, &fail);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		check_wrong(check, section, named, name, NULL, "%s", fail.text);
	else if (word && strchr(*ret, ' '))
		check_wrong(check, section, named, name, NULL, "%s: it holds a space", file);
	return 0;
}

static void check_upstream(const struct check *check)
{
	static const char how[] = "say where Redmine is: -o upstream.url=URL, or url = URL below [upstream]";
	const struct setting *url = given(check, "upstream", "", "url", NULL);
	const char *ca_file = check->conf->upstream.ca_file;

	if (!check->conf->upstream.url && (!url || !*url->value)) /* else it was refused, which was said */
		check_wrong(check, "upstream", "", "url", NULL, "%s; %s", url ? "empty" : "not given", how);
	if (ca_file && access(ca_file, R_OK) < 0)
		check_wrong(check, "upstream", "", "ca_file", NULL, "%s: %s", ca_file, strerror(errno));
}

static bool is_given(const struct text_list *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list->items[i]) == 0)
			return true;
	return false;
}

/* lets_in: what else allows an address that other machines can reach. */
static void check_addresses(
        const struct check *check, const struct text_list *list, const char *name, bool allowed, const char *lets_in)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->items[i];
		struct address address;

		if (is_given(list, i, text))
			check_wrong(check, "listen", "", name, text, "%s is given twice", text);
		if (address_parse(text, &address, NULL) == 0 && !address_is_local(&address) && !allowed)
			check_wrong(check, "listen", "", name, text,
			        "other machines could reach %s; allowed: 127.0.0.1, [::1], localhost and unix:/PATH, or any with "
			        "%s",
			        text, lets_in);
	}
}

static void check_readable(const struct check *check, const char *name, const char *path)
{
	if (path && access(path, R_OK) < 0)
		check_wrong(check, "listen", "", name, NULL, "%s: %s", path, strerror(errno));
}

static int check_listen(const struct check *check)
{
	struct conf *conf = check->conf;
	bool tls = conf->listen.tls_address.count > 0;

	if (conf->listen.address.count == 0 && !tls)
		check_wrong(check, "listen", "", "address", NULL, "none is left to listen on; allowed: one or more");
	check_addresses(
	        check, &conf->listen.address, "address", conf->listen.allow_remote, "listen.allow_remote = yes");
	check_addresses(check, &conf->listen.tls_address, "tls_address",
	        conf->listen.allow_remote || conf->listen.client_ca || conf->listen.token_file,
	        "listen.token_file, listen.client_ca or listen.allow_remote = yes");
	check_readable(check, "certificate", conf->listen.certificate);
	check_readable(check, "certificate_key", conf->listen.certificate_key);
	check_readable(check, "client_ca", conf->listen.client_ca);
	if (tls && !(conf->listen.certificate && conf->listen.certificate_key))
		check_wrong(check, "listen", "", "tls_address", NULL,
		        "TLS needs listen.certificate and listen.certificate_key");
	return check_secret(check, "listen", "", "token_file", conf->listen.token_file, true, &conf->listen.token);
}

/* An engine that is neither built in nor has a path: by its own section, or by what chose it. */
static void unknown_engine(const struct check *check, const char *name)
{
	char what[PROBLEM_MAX];

	snprintf(what, sizeof(what), "there is no engine \"%s\"; allowed: %s, or one with a path below [engine \"%s\"]",
	        name, check->source->engine_names, name);
	for (size_t i = 0; i < check->settings->count; i++) {
		const struct setting *setting = &check->settings->items[i];

		if (setting->named && strcmp(setting->section, "engine") == 0 && strcmp(setting->named, name) == 0) {
			problem_add(check->problems, -EINVAL, setting->place, "%s", what);
			return;
		}
	}
	check_wrong(check, "engine", "", "default", NULL, "%s", what);
}

static void check_watch(const struct check *check)
{
	const char *name = check->conf->watch.session;

	if (name && *name && !conf_session(check->conf, name))
		check_wrong(check, "watch", "", "session", NULL, "there is no [session \"%s\"]", name);
}

static void check_webhook(const struct check *check)
{
	const char *address = check->conf->webhook.address;
	struct address parsed;
	struct fail fail = {0};

	if (!address || !*address)
		return;
	if (address_parse(address, &parsed, &fail) < 0)
		check_wrong(check, "webhook", "", "address", NULL, "%s", fail.text);
	else if (parsed.kind != ADDRESS_TCP)
		check_wrong(check, "webhook", "", "address", NULL,
		        "Redmine reaches no socket of a file; allowed: 192.0.2.7:7337");
	if (!check->conf->webhook.secret_file)
		check_wrong(
		        check, "webhook", "", "secret_file", NULL, "not given; unsigned deliveries are not believed");
}

static void check_plugin(const struct check *check, const struct conf_engine *engine)
{
	struct fail fail = {0};
	bool options = false;

	if (check->source->engine_try) {
		if (check->source->engine_try(check->conf, engine, &options, &fail) < 0)
			check_wrong(check, "engine", engine->name, options && engine->options ? "options" : "path",
			        NULL, "%s", fail.text);
	} else if (*engine->path == '/' && access(engine->path, R_OK) < 0) {
		check_wrong(check, "engine", engine->name, "path", NULL, "%s: %s", engine->path, strerror(errno));
	}
}

static void check_engine(const struct check *check, const struct conf_engine *engine)
{
	bool asked = check->source->engine_known != NULL;
	bool built_in = asked && check->source->engine_known(engine->name);

	if (engine->path && built_in)
		check_wrong(check, "engine", engine->name, "path", NULL,
		        "engine \"%s\" is built in and has none; allowed: a name other than %s", engine->name,
		        check->source->engine_names);
	else if (engine->path)
		check_plugin(check, engine);
	else if (asked && !built_in)
		unknown_engine(check, engine->name);
	if (engine->options && !engine->path)
		check_wrong(check, "engine", engine->name, "options", NULL, "only an engine with a path takes options");
	if (strcmp(engine->name, "sync") == 0 && engine->workers > 1)
		check_wrong(
		        check, "engine", "sync", "workers", NULL, "engine \"sync\" always has one; allowed: auto or 1");
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
		check_wrong(check, "cache", "", "path", NULL,
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

/* "auto" becomes a path, or none. */
static int complete_control_path(const struct check *check)
{
	char **path = &check->conf->control.socket;
	const char *systemd = getenv("RUNTIME_DIRECTORY"), *xdg = getenv("XDG_RUNTIME_DIR");
	char *made = NULL;
	int r = 0;

	if (*path && strcmp(*path, "auto") != 0)
		return 0;
	check->conf->control.automatic = *path != NULL;
	if (*path && systemd && *systemd == '/')
		r = asprintf(&made, "%.*s/control.sock", (int)strcspn(systemd, ":"), systemd);
	else if (*path && xdg && *xdg == '/')
		r = asprintf(&made, "%s/redmine-cached/control.sock", xdg);
	else
		made = strdup("");
	if (r < 0 || !made)
		return -ENOMEM;
	free(*path);
	*path = made;
	return 0;
}

/* Each read's session has a section. */
static void check_warm(const struct check *check)
{
	const struct text_list *reads = &check->conf->warm.reads, *times = &check->conf->warm.times;

	if (times->count > SCHEDULE_MAX)
		check_wrong(check, "warm", "", "at", times->items[SCHEDULE_MAX], "there are more than %d of them",
		        SCHEDULE_MAX);

	for (size_t i = 0; i < reads->count; i++) {
		CLEANUP(freep) char *name = strndup(reads->items[i], strcspn(reads->items[i], " "));

		if (name && !conf_session(check->conf, name))
			check_wrong(check, "warm", "", "read", reads->items[i], "there is no [session \"%s\"]", name);
	}
}

int conf_complete(
        struct conf *conf, const struct conf_source *source, const struct settings *settings, struct problems *problems)
{
	struct check check = {conf, source, settings, problems};

	if (!conf_engine_add(conf, conf->engine.default_name) || complete_cache_path(&check) < 0 ||
	        complete_control_path(&check) < 0)
		return -ENOMEM;
	check_upstream(&check);
	if (check_listen(&check) < 0)
		return -ENOMEM;
	check_watch(&check);
	check_webhook(&check);
	for (size_t i = 0; i < conf->engine.count; i++)
		check_engine(&check, &conf->engine.items[i]);
	for (size_t i = 0; i < conf->session.count; i++)
		if (conf_session_complete(&check, &conf->session.items[i]) < 0)
			return -ENOMEM;
	check_warm(&check);
	return 0;
}
