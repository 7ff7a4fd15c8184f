#include "conf/check.h"
#include "conf/option.h"
#include "conf/session.h"
#include "conf/type.h"

#include <errno.h>
#include <string.h>

#define OPTIONS_MAX 128

/* One conf_load under way. */
struct load {
	const struct conf_source *source;
	struct conf *conf;
	struct settings settings;
	struct problems problems;
	bool given[OPTIONS_MAX];      /* a repeatable setting that has more than its default */
	bool overridden[OPTIONS_MAX]; /* and one whose values are those of the command line */
};

static struct conf_lifetime *lifetime_add(struct conf *conf, const char *resource)
{
	struct conf_lifetime *items;

	for (size_t i = 0; i < conf->lifetime.count; i++)
		if (strcmp(conf->lifetime.items[i].resource, resource) == 0)
			return &conf->lifetime.items[i];
	items = realloc(conf->lifetime.items, (conf->lifetime.count + 1) * sizeof(*items));
	if (!items)
		return NULL;
	conf->lifetime.items = items;
	items += conf->lifetime.count;
	*items = (struct conf_lifetime){.resource = strdup(resource)};
	if (!items->resource)
		return NULL;
	conf->lifetime.count++;
	return items;
}

/* The struct that the row's member is of; NULL without memory. */
static void *setting_owner(struct load *load, const struct setting *setting, const struct option *option)
{
	switch (option->scope) {
	case OPTION_OF_CONF:
		return load->conf;
	case OPTION_OF_ENGINE:
		return conf_engine_add(load->conf, setting->named);
	case OPTION_OF_SESSION:
		return conf_session_add(load->conf, setting->named);
	case OPTION_OF_LIFETIME:
		return lifetime_add(load->conf, setting->name);
	}
	WRONG("an option of no struct");
}

/* True when the section exists. A file's unknown section is a problem at its heading, not at each line below it. */
static bool section_check(struct load *load, const struct setting *setting)
{
	CLEANUP(buf_release) struct buf known = BUF_INIT(1024);
	const struct section *section = section_find(setting->section);
	const char *nearest;

	if (section && (!setting->named || (*section->named && engine_name_valid(setting->named))))
		return true;
	if (setting->name && !setting->override)
		return false;
	if (section && !*section->named) {
		problem_add(&load->problems, -EINVAL, setting->place,
		        "section [%s] is not followed by a name; allowed: [%s]", section->name, section->name);
		return false;
	}
	if (section) {
		problem_add(&load->problems, -EINVAL, setting->place,
		        "\"%s\" cannot be a name; allowed: 1 to 32 letters, digits, \"_\" and \"-\"", setting->named);
		return false;
	}
	nearest = section_nearest(setting->section);
	problem_add(&load->problems, -EINVAL, setting->place, "unknown section [%s]%s%s%s; allowed: %s",
	        setting->section, nearest ? ", perhaps [" : "", nearest ? nearest : "", nearest ? "]" : "",
	        section_list(&known) == 0 ? buf_text(&known) : "");
	return false;
}

static void unknown_option(struct load *load, const struct setting *setting)
{
	CLEANUP(buf_release) struct buf known = BUF_INIT(1024);
	bool named = setting->named != NULL;
	const char *nearest = option_nearest(setting->section, named, setting->name);

	problem_add(&load->problems, -EINVAL, setting->place, "unknown option \"%s\" in [%s%s]%s%s%s; allowed: %s",
	        setting->name, setting->section, named ? " \"NAME\"" : "", nearest ? ", perhaps \"" : "",
	        nearest ? nearest : "", nearest ? "\"" : "",
	        option_list(setting->section, named, &known) == 0 ? buf_text(&known) : "");
}

static void unknown_resource(struct load *load, const struct setting *setting)
{
	const char *names = load->source->resource_names;
	char nearest[64];
	bool near = names_nearest(names, setting->name, nearest, sizeof(nearest));

	problem_add(&load->problems, -EINVAL, setting->place, "unknown resource \"%s\"%s%s%s; allowed: %s",
	        setting->name, near ? ", perhaps \"" : "", near ? nearest : "", near ? "\"" : "", names);
}

static void bad_value(
        struct load *load, const struct setting *setting, const struct option *option, const struct fail *fail)
{
	CLEANUP(buf_release) struct buf allowed = BUF_INIT(1024);

	setting_problem(&load->problems, setting, -EINVAL, "%s; allowed: %s", fail->text,
	        option->type->allowed(option, &allowed) == 0 ? buf_text(&allowed) : "");
}

/* The first value of a repeatable setting takes the place of the default, the first -o that of what the files said. */
static void start_list(struct load *load, const struct setting *setting, const struct option *option, void *member)
{
	size_t index = (size_t)(option - option_at(0));

	ASSERT(index < OPTIONS_MAX);
	if (!load->given[index] || (setting->override && !load->overridden[index]))
		option->type->release(member);
	load->given[index] = true;
	load->overridden[index] = setting->override;
}

/* A value that a file can hold as it is, so that what is printed can be read again. */
static bool value_plain(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f || (value[0] == ' ' && value[1] == ';'))
			return false;
	return true;
}

/* A heading with a name makes what it names, though nothing may stand below it. */
static int heading_apply(struct load *load, const struct setting *setting)
{
	const void *made = load->conf;

	if (setting->named && strcmp(setting->section, "engine") == 0)
		made = conf_engine_add(load->conf, setting->named);
	else if (setting->named && strcmp(setting->section, "session") == 0)
		made = conf_session_add(load->conf, setting->named);
	return made ? 0 : -ENOMEM;
}

static int setting_apply(struct load *load, const struct setting *setting)
{
	const struct option *option;
	struct fail fail = {0};
	void *owner;
	int r;

	if (!section_check(load, setting))
		return 0;
	if (!setting->name)
		return heading_apply(load, setting);
	option = option_find(setting->section, setting->named != NULL, setting->name);
	if (!option) {
		unknown_option(load, setting);
		return 0;
	}
	if (option->scope == OPTION_OF_LIFETIME && load->source->resource_known &&
	        !load->source->resource_known(setting->name)) {
		unknown_resource(load, setting);
		return 0;
	}
	if (!value_plain(setting->value)) {
		setting_problem(&load->problems, setting, -EINVAL,
		        "a value has no control characters and no \";\" after a space");
		return 0;
	}
	owner = setting_owner(load, setting, option);
	if (!owner)
		return -ENOMEM;
	if (option->type->repeatable)
		start_list(load, setting, option, option_member(option, owner));
	r = option->type->parse(option, setting->value, option_member(option, owner), &fail);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		bad_value(load, setting, option, &fail);
	return 0;
}

static int load_settings(struct load *load)
{
	const struct conf_source *source = load->source;
	int r = 0;

	if (source->file)
		r = settings_read_file(&load->settings, source->file, &load->problems);
	if (source->file && r == 0)
		r = settings_read_drop_ins(&load->settings, source->file, &load->problems);
	for (size_t i = 0; r == 0 && i < source->override_count; i++)
		r = settings_add_override(&load->settings, source->overrides[i], &load->problems);
	for (size_t i = 0; r == 0 && i < load->settings.count; i++)
		r = setting_apply(load, &load->settings.items[i]);
	return r;
}

/* Where the default of a row goes; NULL for a row that has none. */
static void *default_owner(struct conf *conf, enum option_scope scope)
{
	switch (scope) {
	case OPTION_OF_CONF:
		return conf;
	case OPTION_OF_ENGINE:
		return &conf->engine.defaults;
	case OPTION_OF_SESSION:
		return &conf->session.defaults;
	case OPTION_OF_LIFETIME:
		return NULL;
	}
	WRONG("an option of no struct");
}

/* The rows' defaults, read as any value is. */
static int conf_set_defaults(struct conf *conf)
{
	const struct option *option;

	for (size_t i = 0; (option = option_at(i)); i++) {
		void *owner = default_owner(conf, option->scope);
		struct fail fail = {0};
		int r;

		if (!owner)
			continue;
		r = option->type->parse(option, option->default_text, option_member(option, owner), &fail);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			WRONG(fail.text);
	}
	return 0;
}

int conf_load(const struct conf_source *source, struct conf **ret, struct fail *fail)
{
	struct load load = {.source = source, .problems = {.text = source->problems}};
	int r = -ENOMEM;

	load.conf = calloc(1, sizeof(*load.conf));
	if (load.conf) {
		load.conf->magic = CONF_MAGIC;
		atomic_init(&load.conf->refs, 1);
		r = conf_set_defaults(load.conf);
	}
	if (r == 0)
		r = load_settings(&load);
	/* Without a file that could not be read the whole cannot be judged. */
	if (r == 0 && (load.problems.count == 0 || load.problems.first.code == -EINVAL))
		r = conf_complete(load.conf, source, &load.settings, &load.problems);
	if (r < 0) {
		fail_set(fail, r, "reading the settings: %s", strerror(-r));
	} else if (load.problems.count > 0) {
		const struct fail *first = &load.problems.first;

		r = first->code;
		if (load.problems.count > 1)
			fail_set(fail, r, "%s (and %u more)", first->text, load.problems.count - 1);
		else
			fail_set(fail, r, "%s", first->text);
	} else {
		*ret = TAKE(load.conf);
	}
	settings_release(&load.settings);
	conf_unref(load.conf);
	return r;
}
