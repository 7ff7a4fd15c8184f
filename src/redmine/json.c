#include "redmine/json.h"

#include "base/base64.h"

#include <string.h>

/* A reader of one text. */
struct reader {
	const char *at, *end;
	char open[JSON_DEPTH_MAX]; /* '{' or '[' */
	size_t depth;
};

static void skip_space(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool is_digit(const struct reader *r)
{
	return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static bool take_digits(struct reader *r)
{
	if (!is_digit(r))
		return false;
	while (is_digit(r))
		r->at++;
	return true;
}

static bool take_number(struct reader *r)
{
	take(r, '-');
	if (!take(r, '0') && !take_digits(r))
		return false;
	if (take(r, '.') && !take_digits(r))
		return false;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			take(r, '-');
		return take_digits(r);
	}
	return true;
}

static bool take_escape(struct reader *r)
{
	if (r->at == r->end)
		return false;
	if (*r->at != 'u')
		return strchr("\"\\/bfnrt", *r->at++) && r->at[-1];
	if (r->end - r->at < 5)
		return false;
	for (size_t i = 1; i < 5; i++)
		if (!r->at[i] || !strchr("0123456789abcdefABCDEF", r->at[i]))
			return false;
	r->at += 5;
	return true;
}

static bool take_string(struct reader *r)
{
	if (!take(r, '"'))
		return false;
	while (r->at < r->end) {
		unsigned char c = (unsigned char)*r->at++;

		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !take_escape(r)))
			return false;
	}
	return false;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
		return false;
	r->at += size;
	return true;
}

static bool take_scalar(struct reader *r)
{
	if (r->at == r->end)
		return false;
	switch (*r->at) {
	case '"':
		return take_string(r);
	case 't':
		return take_word(r, "true");
	case 'f':
		return take_word(r, "false");
	case 'n':
		return take_word(r, "null");
	default:
		return take_number(r);
	}
}

static bool take_name(struct reader *r)
{
	skip_space(r);
	if (!take_string(r))
		return false;
	skip_space(r);
	return take(r, ':');
}

/* Behind a value: closes what ends here. *ret_more: another value follows. */
static bool take_ends(struct reader *r, bool *ret_more)
{
	*ret_more = false;
	while (r->depth > 0) {
		char open = r->open[r->depth - 1];

		skip_space(r);
		if (take(r, ',')) {
			*ret_more = true;
			return open == '[' || take_name(r);
		}
		if (!take(r, open == '[' ? ']' : '}'))
			return false;
		r->depth--;
	}
	return true;
}

/* A value or the beginning of one with others in it: *ret_inside. */
static bool take_begin(struct reader *r, bool *ret_inside)
{
	char open;

	skip_space(r);
	*ret_inside = false;
	if (r->at == r->end || (*r->at != '{' && *r->at != '['))
		return take_scalar(r);
	open = *r->at++;
	skip_space(r);
	if (take(r, open == '[' ? ']' : '}'))
		return true;
	if (r->depth == JSON_DEPTH_MAX)
		return false;
	r->open[r->depth++] = open;
	*ret_inside = true;
	return open == '[' || take_name(r);
}

bool json_is_value(const char *data, size_t size)
{
	struct reader r = {.at = data, .end = data + size};
	bool more = true;

	if (!json_is_utf8(data, size))
		return false;
	while (more) {
		bool inside;

		if (!take_begin(&r, &inside))
			return false;
		if (!inside && !take_ends(&r, &more))
			return false;
	}
	skip_space(&r);
	return r.at == r.end;
}

/* Bytes of the character that begins here, 0: none that is well-formed. */
static size_t utf8_size(const unsigned char *at, size_t left)
{
	unsigned char c = at[0], low = 0x80, high = 0xbf;
	size_t size = c < 0x80                 ? 1
	              : c >= 0xc2 && c <= 0xdf ? 2
	              : c >= 0xe0 && c <= 0xef ? 3
	              : c >= 0xf0 && c <= 0xf4 ? 4
	                                       : 0;

	if (size == 0 || size > left)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < size; i++, low = 0x80, high = 0xbf)
		if (at[i] < low || at[i] > high)
			return 0;
	return size;
}

bool json_is_utf8(const char *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t step = utf8_size((const unsigned char *)data + at, size - at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

int json_add_string(const char *data, size_t size, struct buf *out)
{
	int r = buf_add_char(out, '"');

	for (size_t i = 0; i < size && r == 0; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '"' || c == '\\')
			r = buf_printf(out, "\\%c", c);
		else if (c < 0x20)
			r = buf_printf(out, "\\u%04x", c);
		else
			r = buf_add_char(out, (char)c);
	}
	return r < 0 ? r : buf_add_char(out, '"');
}

int json_add_base64(const char *data, size_t size, struct buf *out)
{
	int r = buf_add_char(out, '"');

	if (r == 0)
		r = base64_add(out, data, size);
	return r < 0 ? r : buf_add_char(out, '"');
}
