#include "flow/directives.h"

#include "flow/targeted.h"

#include <ctype.h>
#include <strings.h>

struct member {
	const char *name;
	size_t name_size;
	const char *value; /* without quotes, NULL when there is none */
	size_t value_size;
};

/* Takes the next member of "a, b=1, c=\"x, y\"". False at the end. */
static bool next_member(const char **at, struct member *ret)
{
	const char *p = *at;

	p += strspn(p, " \t,");
	if (!*p)
		return false;
	*ret = (struct member){.name = p};
	ret->name_size = strcspn(p, "=, \t");
	p += ret->name_size;
	p += strspn(p, " \t");
	if (*p == '=') {
		p += 1 + strspn(p + 1, " \t");
		if (*p == '"') {
			ret->value = ++p;
			while (*p && *p != '"')
				p += (p[0] == '\\' && p[1]) ? 2 : 1;
			ret->value_size = (size_t)(p - ret->value);
			p += *p == '"';
		} else {
			ret->value = p;
			ret->value_size = strcspn(p, ", \t");
			p += ret->value_size;
		}
	}
	*at = p + strcspn(p, ",");
	return true;
}

static int64_t seconds_of(const struct member *member)
{
	int64_t seconds = 0;

	if (!member->value || member->value_size == 0)
		return 0;
	for (size_t i = 0; i < member->value_size; i++) {
		if (!isdigit((unsigned char)member->value[i]))
			return 0;
		if (seconds < SECONDS_ANY)
			seconds = seconds * 10 + (member->value[i] - '0');
	}
	return seconds < SECONDS_ANY ? seconds : SECONDS_ANY;
}

static void take_smaller(int64_t *seconds, int64_t value)
{
	if (*seconds == SECONDS_NONE || value < *seconds)
		*seconds = value;
}

static bool is(const struct member *member, const char *name)
{
	/* most differ in their first letter, also without regard to its case */
	return member->name_size > 0 && (*member->name | 0x20) == (*name | 0x20) &&
	       strncasecmp(member->name, name, member->name_size) == 0 && name[member->name_size] == '\0';
}

static void read_flag(struct directives *d, const struct member *member)
{
	const struct {
		const char *name;
		bool *flag, *qualified;
	} flags[] = {
	        {"no-cache", &d->no_cache, &d->qualified_no_cache},
	        {"private", &d->is_private, &d->qualified_private},
	        {"no-store", &d->no_store, NULL},
	        {"no-transform", &d->no_transform, NULL},
	        {"only-if-cached", &d->only_if_cached, NULL},
	        {"public", &d->is_public, NULL},
	        {"must-revalidate", &d->must_revalidate, NULL},
	        {"proxy-revalidate", &d->proxy_revalidate, NULL},
	        {"must-understand", &d->must_understand, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!is(member, flags[i].name))
			continue;
		/* Lists of names past those that there is room for count as if they named every field. */
		if (flags[i].qualified && member->value && member->value_size > 0 &&
		        d->qualified_count < QUALIFIED_MAX) {
			*flags[i].qualified = true;
			d->qualified[d->qualified_count++] = (struct directive_text){
			        .text = member->value, .size = member->value_size};
		} else {
			*flags[i].flag = true;
		}
	}
}

static void read_seconds(struct directives *d, const struct member *member)
{
	const struct {
		const char *name;
		int64_t *seconds;
	} spans[] = {
	        {"max-age", &d->max_age},
	        {"s-maxage", &d->s_maxage},
	        {"stale-while-revalidate", &d->stale_while_revalidate},
	        {"stale-if-error", &d->stale_if_error},
	};

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		if (is(member, spans[i].name))
			take_smaller(spans[i].seconds, seconds_of(member));
	if (is(member, "max-stale"))
		take_smaller(&d->max_stale, member->value ? seconds_of(member) : SECONDS_ANY);
	if (is(member, "min-fresh") && seconds_of(member) > d->min_fresh)
		d->min_fresh = seconds_of(member);
}

void directives_add(struct directives *ret, const char *name, size_t name_size, const char *value, size_t value_size)
{
	struct member member = {.name = name, .name_size = name_size, .value = value, .value_size = value_size};

	read_flag(ret, &member);
	read_seconds(ret, &member);
}

void directives_init(struct directives *ret)
{
	*ret = (struct directives){
	        .max_age = SECONDS_NONE,
	        .s_maxage = SECONDS_NONE,
	        .max_stale = SECONDS_NONE,
	        .min_fresh = SECONDS_NONE,
	        .stale_while_revalidate = SECONDS_NONE,
	        .stale_if_error = SECONDS_NONE,
	};
}

/* True when there was a Cache-Control field. */
static bool read_fields(struct directives *ret, const struct fields *fields)
{
	bool any = false;

	directives_init(ret);
	for (size_t i = 0; i < fields->count; i++) {
		const char *at = fields->items[i].value;
		struct member member;

		if (!field_name_is(fields->items[i].name, "Cache-Control"))
			continue;
		any = true;
		while (next_member(&at, &member)) {
			read_flag(ret, &member);
			read_seconds(ret, &member);
		}
	}
	return any;
}

void directives_read(struct directives *ret, const struct fields *fields)
{
	if (!read_fields(ret, fields) && fields_has_token(fields, "Pragma", "no-cache"))
		ret->no_cache = true;
}

void directives_of_answer(struct directives *ret, const struct fields *fields, bool targeted)
{
	if (!targeted || !targeted_read(ret, fields, "CDN-Cache-Control"))
		read_fields(ret, fields);
}

bool directives_qualify(const struct directives *directives, const char *name)
{
	size_t name_size = strlen(name);

	for (size_t i = 0; i < directives->qualified_count; i++) {
		const char *at = directives->qualified[i].text, *end = at + directives->qualified[i].size;

		while (at < end) {
			size_t size = 0;

			while (at + size < end && !strchr(" \t,", at[size]))
				size++;
			if (size == name_size && strncasecmp(at, name, size) == 0)
				return true;
			at += size + (size == 0);
			while (at < end && strchr(" \t,", *at))
				at++;
		}
	}
	return false;
}
