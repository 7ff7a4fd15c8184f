#include "redmine/links.h"

#include <errno.h>
#include <string.h>

static const char *const feed_names[] = {"icon", "logo", "uri"};
static const char *const names[] = {"content_url", "thumbnail_url", "url", "html_url", "avatar_url"};

/* What is looked for. */
struct needle {
	enum target_format format;
	const char *base; /* as it stands in a body */
	size_t size;
};

/* Bytes that are looked through, and those that came before them. */
struct window {
	const char *data;
	size_t size;
	const char *history;
	size_t history_size;
};

struct links {
	unsigned magic;
#define LINKS_MAGIC 0x11c5a90e
	struct needle needle;
	char *base, *to;
	size_t to_size;
	size_t history; /* bytes of kept that are out already */
	size_t held;    /* bytes of kept behind these that are not: the beginning of a base URL */
	char kept[];    /* LINKS_LOOK_BACK, and twice the base URL */
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t before_spaces(const char *text, size_t at)
{
	while (at > 0 && is_space(text[at - 1]))
		at--;
	return at;
}

/* The name that ends at `at` and stands right behind the byte `lead`: where that byte is, or -1. */
static ptrdiff_t before_name(const char *text, size_t at, char lead, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(list[i]);

		if (at > size && memcmp(text + at - size, list[i], size) == 0 && text[at - size - 1] == lead)
			return (ptrdiff_t)(at - size - 1);
	}
	return -1;
}

/* text ends in: "content_url" : " */
static bool json_precedes(const char *text, size_t size)
{
	ptrdiff_t quote;
	size_t at;

	if (text[size - 1] != '"')
		return false;
	at = before_spaces(text, size - 1);
	if (at == 0 || text[at - 1] != ':')
		return false;
	at = before_spaces(text, at - 1);
	if (at == 0 || text[at - 1] != '"')
		return false;
	quote = before_name(text, at - 1, '"', names, ARRAY_SIZE(names));
	return quote >= 0 && (quote == 0 || text[quote - 1] != '\\');
}

/* text ends in: <content_url> */
static bool xml_precedes(const char *text, size_t size)
{
	return text[size - 1] == '>' && before_name(text, size - 1, '<', names, ARRAY_SIZE(names)) >= 0;
}

/* text ends in <icon> or another of Atom's elements that hold an address (RFC 4287 4.2.5, 4.2.8, 3.2.2), or in the quote that opens the value of a <link>'s href (XML 1.0 3.1, production 40 and following). */
static bool atom_precedes(const char *text, size_t size)
{
	const char *tag = memrchr(text, '<', size);
	size_t at;

	if (text[size - 1] == '>')
		return before_name(text, size - 1, '<', feed_names, ARRAY_SIZE(feed_names)) >= 0;
	if (!tag || text + size - tag < 6 || memcmp(tag, "<link", 5) != 0)
		return false;
	at = (size_t)(tag - text) + 5;
	for (;;) {
		const char *close;
		size_t name, name_end;

		name = at;
		while (name < size && is_space(text[name]))
			name++;
		if (name == at)
			return false;
		name_end = name;
		while (name_end < size && !is_space(text[name_end]) && !strchr("=\"'>/", text[name_end]))
			name_end++;
		at = name_end;
		while (at < size && is_space(text[at]))
			at++;
		if (at == size || text[at++] != '=')
			return false;
		while (at < size && is_space(text[at]))
			at++;
		if (at == size || (text[at] != '"' && text[at] != '\''))
			return false;
		if (at == size - 1)
			return name_end - name == 4 && memcmp(text + name, "href", 4) == 0;
		close = memchr(text + at + 1, text[at], size - at - 1);
		if (!close)
			return false;
		at = (size_t)(close - text) + 1;
	}
}

/* The base URL at `at` ends here: its path, query or fragment follows, or the end of the value. */
static bool base_ends(const struct needle *needle, char quote, char next)
{
	if (next == '/' || next == '?' || next == '#')
		return true;
	return next == (quote == '>' ? '<' : quote);
}

static bool window_precedes(const struct needle *needle, const struct window *w, size_t at, char next)
{
	size_t own = smaller(at, LINKS_LOOK_BACK);
	size_t older = smaller(w->history_size, LINKS_LOOK_BACK - own);
	const char *text = w->data + at - own;
	char joint[LINKS_LOOK_BACK];
	char last;

	if (own + older == 0)
		return false;
	last = own > 0 ? w->data[at - 1] : w->history[w->history_size - 1];
	if ((last != '"' && last != '\'' && last != '>') || !base_ends(needle, last, next))
		return false;
	if (older > 0) {
		memcpy(joint, w->history + w->history_size - older, older);
		memcpy(joint + older, text, own);
		text = joint;
	}
	if (needle->format == TARGET_FORMAT_JSON)
		return json_precedes(text, own + older);
	return needle->format == TARGET_FORMAT_XML ? xml_precedes(text, own + older) : atom_precedes(text, own + older);
}

/* Where the next link's base URL begins, from `at` on; the window's size when none is certain yet. */
static size_t window_find(const struct needle *needle, const struct window *w, size_t at)
{
	for (;;) {
		const char *found = memmem(w->data + at, w->size - at, needle->base, needle->size);

		if (!found)
			return w->size;
		at = (size_t)(found - w->data);
		if (at + needle->size == w->size)
			return w->size;
		if (window_precedes(needle, w, at, found[needle->size]))
			return at;
		at++;
	}
}

/* Where the end of the data begins that may be the beginning of a base URL, from `at` on; size: nowhere. */
static size_t undecided(const struct needle *needle, const char *data, size_t size, size_t at)
{
	if (size - at > needle->size)
		at = size - needle->size;
	for (; at < size; at++) {
		const char *first = memchr(data + at, needle->base[0], size - at);

		if (!first)
			return size;
		at = (size_t)(first - data);
		if (memcmp(first, needle->base, size - at) == 0)
			return at;
	}
	return size;
}

static bool byte_is_fit(unsigned char c)
{
	return c > ' ' && c != 0x7f && !strchr("\"'\\<>", c);
}

/* Writes a base URL as it stands in a body. Returns its size, 0 for one that cannot be. */
static size_t base_print(char *to, enum target_format format, const char *base)
{
	const char *ampersand = format == TARGET_FORMAT_JSON ? "\\u0026" : "&amp;"; /* ERB::Util.json_escape, Builder */
	size_t used = 0;

	for (; *base != '\0'; base++) {
		if (!byte_is_fit((unsigned char)*base) || used + strlen(ampersand) > LINKS_BASE_MAX)
			return 0;
		if (*base != '&') {
			to[used++] = *base;
			continue;
		}
		memcpy(to + used, ampersand, strlen(ampersand));
		used += strlen(ampersand);
	}
	return format == TARGET_FORMAT_NONE ? 0 : used;
}

struct links *links_new(enum target_format format, const char *from, const char *to)
{
	char from_bytes[LINKS_BASE_MAX], to_bytes[LINKS_BASE_MAX];
	size_t from_size = base_print(from_bytes, format, from);
	size_t to_size = base_print(to_bytes, format, to);
	size_t room = LINKS_LOOK_BACK + 2 * from_size;
	struct links *links;

	if (from_size == 0 || to_size == 0)
		return NULL;
	links = malloc(sizeof(*links) + room + from_size + to_size);
	if (!links)
		return NULL;
	*links = (struct links){.magic = LINKS_MAGIC, .to_size = to_size};
	links->base = links->kept + room;
	links->to = links->base + from_size;
	memcpy(links->base, from_bytes, from_size);
	memcpy(links->to, to_bytes, to_size);
	links->needle = (struct needle){.format = format, .base = links->base, .size = from_size};
	return links;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	CHECK(links, LINKS_MAGIC);
	links->magic = 0;
	free(links);
}

/* Adds so many bytes to the history. */
static void links_remember(struct links *links, const char *data, size_t size)
{
	size_t fresh = smaller(size, LINKS_LOOK_BACK);
	size_t older = smaller(links->history, LINKS_LOOK_BACK - fresh);

	memmove(links->kept, links->kept + links->history - older, older);
	memcpy(links->kept + older, data + size - fresh, fresh);
	links->history = older + fresh;
}

/*
 * Decides about the held bytes with what follows them. *ret_at: how much of
 * the data went with them; all of it when something is held still.
 */
static int links_decide(struct links *links, const char *data, size_t size, struct buf *out, size_t *ret_at)
{
	const struct needle *needle = &links->needle;
	size_t start = links->history, end = start + links->held;
	size_t taken = smaller(size, needle->size); /* enough for a base URL that begins with the last held byte */
	struct window w = {.data = links->kept, .size = end + taken};
	size_t at;
	int r;

	memcpy(links->kept + end, data, taken);
	*ret_at = 0;
	at = window_find(needle, &w, start);
	if (at < end) {
		r = buf_add(out, links->kept + start, at - start);
		if (r == 0)
			r = buf_add(out, links->to, links->to_size);
		*ret_at = at + needle->size - end;
		links->history = end;
		links->held = 0;
		return r;
	}
	at = smaller(undecided(needle, w.data, w.size, start), end);
	r = buf_add(out, links->kept + start, at - start);
	links->history = at;
	links->held = at < end ? w.size - at : 0;
	if (links->held > 0) {
		size_t older = smaller(at, LINKS_LOOK_BACK);

		memmove(links->kept, links->kept + at - older, older + links->held);
		links->history = older;
		*ret_at = size;
	}
	return r;
}

int links_feed(struct links *links, const char *data, size_t size, struct buf *out)
{
	struct window w = {.data = data, .size = size};
	size_t at = 0, next;
	int r = 0;

	CHECK(links, LINKS_MAGIC);
	if (size == 0)
		return 0;
	if (links->held > 0)
		r = links_decide(links, data, size, out, &at);
	if (r < 0 || links->held > 0)
		return r;
	w.history = links->kept;
	w.history_size = links->history;
	while ((next = window_find(&links->needle, &w, at)) < size) {
		r = buf_add(out, data + at, next - at);
		if (r == 0)
			r = buf_add(out, links->to, links->to_size);
		if (r < 0)
			return r;
		at = next + links->needle.size;
	}
	next = undecided(&links->needle, data, size, at);
	r = buf_add(out, data + at, next - at);
	links_remember(links, data, next);
	links->held = size - next;
	memcpy(links->kept + links->history, data + next, links->held);
	return r;
}

int links_finish(struct links *links, struct buf *out)
{
	int r;

	CHECK(links, LINKS_MAGIC);
	r = buf_add(out, links->kept + links->history, links->held);
	links->history = 0;
	links->held = 0;
	return r;
}

bool links_present(enum target_format format, const char *from, const char *data, size_t size)
{
	char base[LINKS_BASE_MAX];
	struct needle needle = {.format = format, .base = base, .size = base_print(base, format, from)};
	struct window w = {.data = data, .size = size};

	return needle.size > 0 && window_find(&needle, &w, 0) < size;
}

/* value is `base` with a path, query or fragment behind it, or nothing. */
static bool lies_below(const char *value, const char *base)
{
	size_t size = strlen(base);

	return strncmp(value, base, size) == 0 && strchr("/?#", value[size]); /* strchr finds the NUL, too */
}

int links_location(const char *value, const char *from, const char *from_path, const char *to, const char *to_path,
        struct buf *out)
{
	int r = 0;

	if (lies_below(value, from)) {
		value += strlen(from);
		r = buf_add_text(out, to);
	} else if (value[0] == '/' && value[1] != '/' && lies_below(value, from_path)) {
		value += strlen(from_path);
		r = buf_add_text(out, to_path);
	}
	return r < 0 ? r : buf_add_text(out, value);
}
