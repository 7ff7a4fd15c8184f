#include "conf/option.h"

#include "conf/conf.h"
#include "conf/type.h"

#include <ctype.h>
#include <string.h>

#define START  false
#define RELOAD true

/* The columns of options.h: a type with its words. */
#define URL(schemes)  &type_url, schemes
#define PATH(words)   &type_path, words
#define OBJECT        &type_object, ""
#define BOOL          &type_bool, ""
#define NUMBER        &type_number, ""
#define COUNT         &type_count, ""
#define SIZE          &type_size, ""
#define SPAN          &type_span, ""
#define CHOICE(words) &type_choice, words
#define ENGINE        &type_engine, ""
#define ADDRESSES     &type_addresses, ""
#define HOSTS         &type_hosts, ""
#define ORIGINS       &type_origins, ""
#define READS         &type_reads, ""
#define TIMES         &type_times, ""
#define TEXT          &type_text, ""
#define SECRET        &type_secret, ""
#define PROXY(words)  &type_proxy, words
#define LISTENERS     &type_listeners, ""
#define ACCOUNTS      &type_accounts, ""

/* The type comes with its words behind it, so the columns from there on are one more than they look. */
#define ROW(scope, owner, section, name, member, ...)                                                                  \
	{scope, #section, #name, offsetof(struct owner, member), __VA_ARGS__},

static const struct option options[] = {
#define OPTION(...)          ROW(OPTION_OF_CONF, conf, __VA_ARGS__)
#define ENGINE_OPTION(...)   ROW(OPTION_OF_ENGINE, conf_engine, __VA_ARGS__)
#define SESSION_OPTION(...)  ROW(OPTION_OF_SESSION, conf_session, __VA_ARGS__)
#define LIFETIME_OPTION(...) ROW(OPTION_OF_LIFETIME, conf_lifetime, __VA_ARGS__)
#include "conf/options.h"
};

static const struct section sections[] = {
#define SECTION(name, named, help) {#name, named, help},
#include "conf/options.h"
};

const struct option *option_at(size_t index)
{
	return index < ARRAY_SIZE(options) ? &options[index] : NULL;
}

const struct section *section_at(size_t index)
{
	return index < ARRAY_SIZE(sections) ? &sections[index] : NULL;
}

const struct section *section_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

static bool option_in(const struct option *option, const char *section, bool named)
{
	return option_is_named(option) == named && strcmp(option->section, section) == 0;
}

const struct option *option_find(const char *section, bool named, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (option_in(&options[i], section, named) &&
		        (options[i].scope == OPTION_OF_LIFETIME || strcmp(options[i].name, name) == 0))
			return &options[i];
	return NULL;
}

int section_list(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct section *section = &sections[i];
		int r = buf_printf(out, "%s[%s]", i ? ", " : "", section->name);

		if (r == 0 && *section->named)
			r = buf_printf(out, ", [%s \"%s\"]", section->name, section->named);
		if (r < 0)
			return r;
	}
	return 0;
}

int option_list(const char *section, bool named, struct buf *out)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int r;

		if (!option_in(&options[i], section, named))
			continue;
		r = buf_printf(out, "%s%s", separator, options[i].name);
		if (r < 0)
			return r;
		separator = ", ";
	}
	return 0;
}

#define NEAREST_MAX 32

/* How many letters must be added, left out or exchanged to make one word of the other (Levenshtein); case is no difference. */
static size_t distance(const char *one, const char *other)
{
	size_t row[NEAREST_MAX + 1];
	size_t width = strlen(other);

	if (width > NEAREST_MAX || strlen(one) > NEAREST_MAX)
		return NEAREST_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; one[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t cost = diagonal + (tolower((unsigned char)one[i]) != tolower((unsigned char)other[j]));

			diagonal = row[j + 1];
			if (cost > diagonal + 1)
				cost = diagonal + 1;
			if (cost > row[j] + 1)
				cost = row[j] + 1;
			row[j + 1] = cost;
		}
	}
	return row[width];
}

/* A third of the letters may be wrong; what is further off is no slip of the finger. */
static bool is_nearer(const char *candidate, const char *name, size_t *best_distance)
{
	size_t d = distance(name, candidate);

	if (d >= *best_distance || d > 1 + strlen(candidate) / 3)
		return false;
	*best_distance = d;
	return true;
}

const char *section_nearest(const char *name)
{
	size_t best_distance = NEAREST_MAX;
	const char *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (is_nearer(sections[i].name, name, &best_distance))
			best = sections[i].name;
	return best;
}

const char *option_nearest(const char *section, bool named, const char *name)
{
	size_t best_distance = NEAREST_MAX;
	const char *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (option_in(&options[i], section, named) && is_nearer(options[i].name, name, &best_distance))
			best = options[i].name;
	return best;
}

bool names_nearest(const char *names, const char *name, char *ret, size_t size)
{
	size_t best_distance = NEAREST_MAX;
	bool found = false;

	for (; *names; names += strspn(names, ", ")) {
		size_t candidate_size = strcspn(names, ",");
		char candidate[NEAREST_MAX + 1];

		snprintf(candidate, sizeof(candidate), "%.*s", (int)candidate_size, names);
		if (candidate_size < sizeof(candidate) && is_nearer(candidate, name, &best_distance)) {
			snprintf(ret, size, "%s", candidate);
			found = true;
		}
		names += candidate_size;
	}
	return found;
}
