#include "redmine/redact.h"

#include "redmine/percent.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define PIECE_MAX  2048 /* bytes of a piece that are read; a longer one with a "=" or "%" is cut */
#define ROUNDS_MAX 5    /* of decoding; what is escaped more often is cut */

static const char *const secret_endings[] = {"key", "token", "password", "passwd", "secret"};

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* One of the words that a name is made of: "api" and "key" of "user[api_key]". */
static bool word_is_secret(const char *word, size_t size)
{
	if (size == 0 || !strchr("yYnNdDtT", word[size - 1]))
		return false; /* no ending ends so */
	for (size_t i = 0; i < ARRAY_SIZE(secret_endings); i++) {
		size_t ending = strlen(secret_endings[i]);

		if (size >= ending && strncasecmp(word + size - ending, secret_endings[i], ending) == 0)
			return true;
	}
	return false;
}

/* The name that ends at `at`: all back to another "=", as Rack lets any byte stand between brackets. */
static bool name_is_secret(const char *text, size_t at)
{
	while (at > 0 && text[at - 1] != '=') {
		size_t end = at;

		while (at > 0 && is_letter_or_digit(text[at - 1]))
			at--;
		if (word_is_secret(text + at, end - at))
			return true;
		if (at == end)
			at--;
	}
	return false;
}

static bool text_tells(const char *text, size_t size)
{
	for (size_t at = 0; at < size; at++)
		if (text[at] == '=' && name_is_secret(text, at))
			return true;
	return false;
}

/* True when a piece between two separators holds a credential, or may: no reading of it is left out. */
static bool piece_tells(const char *raw, size_t size)
{
	char text[PIECE_MAX];

	if (!memchr(raw, '%', size) && !memchr(raw, '=', size))
		return false;
	if (size > sizeof(text))
		return true;
	memcpy(text, raw, size);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		size_t before = size;

		if (text_tells(text, size))
			return true;
		if (!memchr(text, '%', size))
			return false;
		size = percent_decode(text, text, size, NULL);
		if (size == before)
			return false; /* nothing but a "%" without digits */
	}
	return true;
}

/* Shown bytes up to the limit; says when it was reached. */
struct shown {
	struct buf *out;
	size_t left;
	bool cut;
};

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

static int show_escaped(struct shown *shown, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;
	char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};

	shown->cut = shown->left < sizeof(escaped);
	if (shown->cut)
		return buf_add_text(shown->out, "...");
	shown->left -= sizeof(escaped);
	return buf_add(shown->out, escaped, sizeof(escaped));
}

static int show(struct shown *shown, const char *text, size_t size)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < size && !shown->cut;) {
		size_t plain = 0;

		while (at + plain < size && plain < shown->left && is_plain(text[at + plain]))
			plain++;
		r = buf_add(shown->out, text + at, plain);
		shown->left -= plain;
		at += plain;
		if (r == 0 && at < size)
			r = show_escaped(shown, text[at++]);
	}
	return r;
}

/* A piece that tells without its secret: its name up to the first "=", if that is where the secret begins, and "-". */
static int show_piece(struct shown *shown, const char *raw, size_t size)
{
	const char *equals = memchr(raw, '=', size);
	int r;

	if (!equals || piece_tells(raw, (size_t)(equals - raw)))
		return show(shown, "-", 1);
	r = show(shown, raw, (size_t)(equals + 1 - raw));
	return r < 0 ? r : show(shown, "-", 1);
}

static bool is_readable(const char *raw, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		if (raw[at] != '%')
			continue;
		if (size - at < 3 || percent_digit(raw[at + 1]) < 0 || percent_digit(raw[at + 2]) < 0)
			return false;
	}
	return true;
}

/* The pieces of a query. A ";" separates none here: Rack 2 and 3 disagree, so what it joins is judged as one. */
static int show_query(struct shown *shown, const char *raw, size_t size)
{
	size_t done = 0;
	int r = 0;

	for (size_t at = 0; r == 0 && at < size; at++) {
		const char *end = memchr(raw + at, '&', size - at);
		size_t piece = (end ? (size_t)(end - raw) : size) - at;

		if (piece_tells(raw + at, piece)) {
			r = show(shown, raw + done, at - done);
			if (r == 0)
				r = show_piece(shown, raw + at, piece);
			done = at + piece;
		}
		at += piece;
	}
	return r < 0 ? r : show(shown, raw + done, size - done);
}

/* The path, up to a segment that tells; no path of Redmine does. */
static int show_path(struct shown *shown, const char *raw, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		const char *end = memchr(raw + at, '/', size - at);
		size_t piece = (end ? (size_t)(end - raw) : size) - at;

		if (piece_tells(raw + at, piece)) {
			int r = show(shown, raw, at);

			return r < 0 ? r : show(shown, "-", 1);
		}
		at += piece;
	}
	return show(shown, raw, size);
}

/* Scheme and host of an absolute-form without user information (RFC 9112 3.2.2). *raw is moved to its path. */
static int show_authority(struct shown *shown, const char **raw)
{
	const char *start = *raw;
	const char *host = strstr(start, "://");
	const char *path, *at;
	int r;

	if (!host || (size_t)(host - start) > 16 || memchr(start, '?', (size_t)(host - start)))
		return -EINVAL;
	host += 3;
	path = host + strcspn(host, "/?#");
	if (memchr(path, '@', strcspn(path, "?")))
		return -EINVAL; /* a password with a "/" in it */
	for (at = path; at > host && at[-1] != '@'; at--)
		continue;
	r = show(shown, start, (size_t)(host - start));
	if (r == 0)
		r = show(shown, at, (size_t)(path - at));
	*raw = path;
	return r;
}

int redact_target(const char *raw, size_t limit, struct buf *out)
{
	struct shown shown = {.out = out, .left = limit};
	size_t path, query;
	int r = 0;

	if (strcmp(raw, "*") == 0)
		return show(&shown, raw, 1);
	if (raw[0] != '/')
		r = show_authority(&shown, &raw);
	if (r == -EINVAL)
		return show(&shown, "-", 1);
	path = strcspn(raw, "?");
	query = strlen(raw + path);
	if (r == 0 && is_readable(raw, path))
		r = show_path(&shown, raw, path);
	else if (r == 0)
		r = show(&shown, "/-", 2);
	if (r < 0 || query == 0)
		return r;
	r = show(&shown, "?", 1);
	if (r == 0 && is_readable(raw + path, query))
		return show_query(&shown, raw + path + 1, query - 1);
	return r < 0 ? r : show(&shown, "-", 1);
}
