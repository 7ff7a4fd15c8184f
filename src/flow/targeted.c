#include "flow/targeted.h"

#include <ctype.h>

/* The types of bare items that a directive can have; the others are parsed and left out. */
enum type {
	TYPE_TRUE,
	TYPE_INTEGER,
	TYPE_STRING,
	TYPE_OTHER,
};

struct value {
	enum type type;
	struct directive_text text; /* of a string what is between the quotes */
};

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_spaces(const char **at)
{
	*at += strspn(*at, " ");
}

/* RFC 9651 4.2.3.3 */
static bool take_key(const char **at, struct directive_text *ret)
{
	const char *p = *at;

	if (!is_lower(*p) && *p != '*')
		return false;
	while (is_lower(*p) || is_digit(*p) || (*p && strchr("_-.*", *p)))
		p++;
	*ret = (struct directive_text){.text = *at, .size = (size_t)(p - *at)};
	*at = p;
	return true;
}

/* 4.2.4: up to 15 digits, or 12 before a point and 3 behind it. */
static bool take_number(const char **at, struct value *ret)
{
	const char *start = *at;
	size_t whole, part;

	*at += **at == '-';
	whole = strspn(*at, "0123456789");
	*at += whole;
	ret->text = (struct directive_text){.text = start, .size = (size_t)(*at - start)};
	ret->type = TYPE_INTEGER;
	if (whole == 0 || whole > 15)
		return false;
	if (**at != '.')
		return true;
	part = strspn(*at + 1, "0123456789");
	*at += 1 + part;
	ret->type = TYPE_OTHER;
	return whole <= 12 && part >= 1 && part <= 3;
}

/* 4.2.5 */
static bool take_string(const char **at, struct value *ret)
{
	const char *p = *at + 1;

	for (; *p != '"'; p++) {
		if (*p == '\\' && p[1] != '"' && p[1] != '\\')
			return false;
		p += *p == '\\';
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			return false; /* the end of the text as well */
	}
	ret->type = TYPE_STRING;
	ret->text = (struct directive_text){.text = *at + 1, .size = (size_t)(p - *at - 1)};
	*at = p + 1;
	return true;
}

/* 4.2.6 */
static bool take_token(const char **at, struct value *ret)
{
	const char *p = *at;

	while (*p && (isalnum((unsigned char)*p) || strchr("!#$%&'*+-.^_`|~:/", *p)))
		p++;
	ret->type = TYPE_OTHER;
	*at = p;
	return true;
}

/* 4.2.7: base64 between colons. */
static bool take_bytes(const char **at, struct value *ret)
{
	const char *p = *at + 1;

	while (isalnum((unsigned char)*p) || *p == '+' || *p == '/' || *p == '=')
		p++;
	if (*p != ':')
		return false;
	ret->type = TYPE_OTHER;
	*at = p + 1;
	return true;
}

static bool take_boolean(const char **at, struct value *ret)
{
	if ((*at)[1] != '0' && (*at)[1] != '1')
		return false;
	ret->type = (*at)[1] == '1' ? TYPE_TRUE : TYPE_OTHER;
	*at += 2;
	return true;
}

/* 4.2.3.1 */
static bool take_bare_item(const char **at, struct value *ret)
{
	char c = **at;

	if (c == '-' || is_digit(c))
		return take_number(at, ret);
	if (c == '"')
		return take_string(at, ret);
	if (c == '?')
		return take_boolean(at, ret);
	if (c == ':')
		return take_bytes(at, ret);
	if (c == '*' || isalpha((unsigned char)c))
		return take_token(at, ret);
	if (c == '@') {
		(*at)++;
		if (!take_number(at, ret) || ret->type != TYPE_INTEGER)
			return false;
		ret->type = TYPE_OTHER;
		return true;
	}
	return false;
}

/* 4.2.3.2; no directive has any: they are only read over. */
static bool take_parameters(const char **at)
{
	struct directive_text key;
	struct value value;

	while (**at == ';') {
		(*at)++;
		skip_spaces(at);
		if (!take_key(at, &key))
			return false;
		if (**at == '=') {
			(*at)++;
			if (!take_bare_item(at, &value))
				return false;
		}
	}
	return true;
}

/* 4.2.1.2 */
static bool take_inner_list(const char **at)
{
	struct value value;

	(*at)++;
	for (;;) {
		skip_spaces(at);
		if (**at == ')') {
			(*at)++;
			return true;
		}
		if (!take_bare_item(at, &value) || !take_parameters(at) || (**at != ' ' && **at != ')'))
			return false;
	}
}

static bool take_value(const char **at, struct value *ret)
{
	if (**at == '(') {
		ret->type = TYPE_OTHER;
		return take_inner_list(at);
	}
	return take_bare_item(at, ret);
}

static void add(struct directives *ret, const struct directive_text *key, const struct value *value)
{
	static const char *const spans[] = {"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"};
	bool span = false;

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		span |= strlen(spans[i]) == key->size && memcmp(spans[i], key->text, key->size) == 0;
	if (value->type == TYPE_INTEGER ? span : value->type == TYPE_STRING && !span)
		directives_add(ret, key->text, key->size, value->text.text, value->text.size);
	else if (value->type == TYPE_TRUE && !span)
		directives_add(ret, key->text, key->size, NULL, 0);
}

/* One line of the field (4.2.2): a dictionary, or a part of one between two commas. count: of its members. */
static bool read_line(struct directives *ret, const char *at, size_t *count)
{
	skip_spaces(&at);
	while (*at) {
		struct directive_text key;
		struct value value = {.type = TYPE_TRUE};

		if (!take_key(&at, &key))
			return false;
		if (*at == '=') {
			at++;
			if (!take_value(&at, &value))
				return false;
		}
		if (!take_parameters(&at))
			return false;
		add(ret, &key, &value);
		(*count)++;
		at += strspn(at, " \t");
		if (!*at)
			return true;
		if (*at++ != ',')
			return false;
		at += strspn(at, " \t");
		if (!*at)
			return false; /* a comma at the end */
	}
	return true;
}

bool targeted_read(struct directives *ret, const struct fields *fields, const char *name)
{
	struct directives directives;
	size_t count = 0;

	directives_init(&directives);
	for (size_t i = 0; i < fields->count; i++)
		if (field_name_is(fields->items[i].name, name) &&
		        !read_line(&directives, fields->items[i].value, &count))
			return false;
	if (count == 0)
		return false;
	directives.targeted = true;
	*ret = directives;
	return true;
}
