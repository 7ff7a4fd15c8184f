#include "link_model.h"

#include <string.h>

static const char *const names[] = {"content_url", "thumbnail_url", "url", "html_url", "avatar_url"};

struct model {
	const char *from, *to;
	const char *at, *end;
	struct buf *out;
};

static void put(struct model *m, size_t size)
{
	if (buf_add(m->out, m->at, size) < 0)
		abort();
	m->at += size;
}

static void put_spaces(struct model *m)
{
	while (m->at < m->end && strchr(" \t\r\n", *m->at) && *m->at)
		put(m, 1);
}

static bool is_name(const char *text, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == size && memcmp(text, names[i], size) == 0)
			return true;
	return false;
}

/* A value of so many bytes: its beginning is replaced when it is a link. */
static void put_value(struct model *m, size_t size)
{
	size_t from = strlen(m->from);

	if (size >= from && memcmp(m->at, m->from, from) == 0 && (size == from || strchr("/?#", m->at[from])) &&
	        (size == from || m->at[from])) {
		if (buf_add_text(m->out, m->to) < 0)
			abort();
		m->at += from;
		size -= from;
	}
	put(m, size);
}

/* Size of the string's content from its opening quote on; -1 when it does not end. */
static ptrdiff_t string_size(const struct model *m)
{
	for (const char *at = m->at + 1; at < m->end; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '"')
			return at - m->at - 1;
	}
	return -1;
}

static void rewrite_json(struct model *m)
{
	while (m->at < m->end) {
		bool name;
		ptrdiff_t size;

		if (*m->at != '"') {
			put(m, 1);
			continue;
		}
		size = string_size(m);
		if (size < 0) {
			put(m, (size_t)(m->end - m->at));
			return;
		}
		name = is_name(m->at + 1, (size_t)size);
		put(m, (size_t)size + 2);
		if (!name)
			continue;
		put_spaces(m);
		if (m->at == m->end || *m->at != ':')
			continue;
		put(m, 1);
		put_spaces(m);
		if (m->at == m->end || *m->at != '"')
			continue;
		size = string_size(m);
		if (size < 0)
			continue;
		put(m, 1);
		put_value(m, (size_t)size);
		put(m, 1);
	}
}

/* The attributes of a <link>, up to its ">". */
static void rewrite_attributes(struct model *m)
{
	while (m->at < m->end && *m->at != '>') {
		const char *name, *close;
		bool href;

		put_spaces(m);
		name = m->at;
		while (m->at < m->end && !strchr(" \t\r\n=>/\"'", *m->at))
			put(m, 1);
		href = m->at - name == 4 && memcmp(name, "href", 4) == 0;
		put_spaces(m);
		if (m->at < m->end && *m->at != '=') {
			if (m->at == name)
				put(m, 1);
			continue;
		}
		if (m->at < m->end)
			put(m, 1);
		put_spaces(m);
		if (m->at == m->end || (*m->at != '"' && *m->at != '\''))
			continue;
		close = memchr(m->at + 1, *m->at, (size_t)(m->end - m->at) - 1);
		if (!close)
			return;
		put(m, 1);
		if (href)
			put_value(m, (size_t)(close - m->at));
		put(m, (size_t)(close - m->at) + 1);
	}
}

static void rewrite_xml(struct model *m, bool atom)
{
	while (m->at < m->end) {
		const char *close = memchr(m->at, '>', (size_t)(m->end - m->at));
		const char *next;

		if (*m->at != '<' || !close) {
			put(m, 1);
		} else if (atom && m->end - m->at > 5 && memcmp(m->at, "<link", 5) == 0 &&
		           strchr(" \t\r\n", m->at[5])) {
			put(m, 5);
			rewrite_attributes(m);
		} else if (!atom && is_name(m->at + 1, (size_t)(close - m->at) - 1)) {
			put(m, (size_t)(close - m->at) + 1);
			next = memchr(m->at, '<', (size_t)(m->end - m->at));
			if (next)
				put_value(m, (size_t)(next - m->at));
		} else {
			put(m, (size_t)(close - m->at) + 1);
		}
	}
}

void link_model_rewrite(
        enum target_format format, const char *from, const char *to, const char *data, size_t size, struct buf *out)
{
	struct model m = {.from = from, .to = to, .at = data, .end = data + size, .out = out};

	if (format == TARGET_FORMAT_JSON)
		rewrite_json(&m);
	else
		rewrite_xml(&m, format == TARGET_FORMAT_ATOM);
	put(&m, (size_t)(m.end - m.at));
}
