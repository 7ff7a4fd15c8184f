#include "redmine/splice.h"

#include <errno.h>
#include <string.h>

enum tag_kind { TAG_OPEN, TAG_CLOSE, TAG_EMPTY, TAG_OTHER /* <?...?>, <!...> */ };

struct tag {
	enum tag_kind kind;
	size_t at, end; /* of "<", and behind ">" */
};

/* Behind the first `what` from `from` on, or 0. */
static size_t behind(const struct splice *splice, size_t from, const char *what)
{
	const char *found = memmem(splice->data + from, splice->size - from, what, strlen(what));

	return found ? (size_t)(found - splice->data) + strlen(what) : 0;
}

static bool begins(const struct splice *splice, size_t at, const char *what)
{
	return splice->size - at >= strlen(what) && memcmp(splice->data + at, what, strlen(what)) == 0;
}

/* The ">" that ends a tag stands outside of its attributes' quotes. */
static size_t end_of_tag(const struct splice *splice, size_t at)
{
	for (; at < splice->size; at++) {
		char c = splice->data[at];

		if (c == '>')
			return at + 1;
		if (c == '"' || c == '\'') {
			const char *quote = memchr(splice->data + at + 1, c, splice->size - at - 1);

			if (!quote)
				return 0;
			at = (size_t)(quote - splice->data);
		}
	}
	return 0;
}

/* The next tag from `from` on. 0; 1: there is none; -EINVAL: it does not end. */
static int next_tag(const struct splice *splice, size_t from, struct tag *ret)
{
	const char *found = from < splice->size ? memchr(splice->data + from, '<', splice->size - from) : NULL;
	struct tag tag = {.kind = TAG_OPEN};

	if (!found)
		return 1;
	tag.at = (size_t)(found - splice->data);
	if (begins(splice, tag.at, "<!--")) {
		tag.kind = TAG_OTHER;
		tag.end = behind(splice, tag.at + 4, "-->");
	} else if (begins(splice, tag.at, "<![CDATA[")) {
		tag.kind = TAG_OTHER;
		tag.end = behind(splice, tag.at, "]]>");
	} else if (begins(splice, tag.at, "<?")) {
		tag.kind = TAG_OTHER;
		tag.end = behind(splice, tag.at, "?>");
	} else if (begins(splice, tag.at, "<!")) {
		return -EINVAL; /* a document type: nothing that Redmine writes */
	} else {
		tag.end = end_of_tag(splice, tag.at + 1);
		if (begins(splice, tag.at, "</"))
			tag.kind = TAG_CLOSE;
		else if (tag.end > 0 && splice->data[tag.end - 2] == '/')
			tag.kind = TAG_EMPTY;
	}
	if (tag.end == 0)
		return -EINVAL;
	*ret = tag;
	return 0;
}

static bool is_blank(const struct splice *splice, size_t from, size_t to)
{
	for (; from < to; from++)
		if (!strchr(" \t\r\n", splice->data[from]) || !splice->data[from])
			return false;
	return true;
}

/* <issue><id>1</id>, as Redmine's views write it first; of a search <type> too. */
static uint64_t name_of(const struct splice *splice, size_t content, size_t end, bool typed)
{
	const char *row = splice->data + content, *stop = splice->data + end, *type, *closing;
	int64_t number;

	while (row < stop && strchr(" \t\r\n", *row) && *row)
		row++;
	if (stop - row < 5 || memcmp(row, "<id>", 4) != 0 || splice_digits(row + 4, stop, &number) == 0)
		return 0;
	if (!typed)
		return splice_name((uint64_t)number, NULL, 0);
	type = memmem(row, (size_t)(stop - row), "<type>", 6);
	closing = type ? memchr(type + 6, '<', (size_t)(stop - type) - 6) : NULL;
	return closing ? splice_name((uint64_t)number, type, (size_t)(closing - type)) : 0;
}

/* One row whose first tag is given; its end in *ret. */
static int read_row(struct splice *splice, const struct tag *first, bool typed, size_t *ret)
{
	struct tag tag = *first;
	size_t depth = first->kind == TAG_OPEN;

	while (depth > 0) {
		int r = next_tag(splice, tag.end, &tag);

		if (r != 0)
			return -EINVAL;
		if (tag.kind == TAG_OPEN)
			depth++;
		else if (tag.kind == TAG_CLOSE)
			depth--;
	}
	*ret = tag.end;
	return splice_add(
	        splice, splice->data + first->at, tag.end - first->at, name_of(splice, first->end, tag.end, typed));
}

static int read_rows(struct splice *splice, size_t from, bool typed)
{
	for (;;) {
		struct tag tag;
		int r = next_tag(splice, from, &tag);

		if (r != 0 || !is_blank(splice, from, tag.at))
			return -EINVAL;
		if (tag.kind == TAG_CLOSE) {
			if (splice->count == 0)
				splice->tail = tag.at;
			return next_tag(splice, tag.end, &tag) == 1 && is_blank(splice, tag.end, splice->size)
			               ? 0
			               : -EINVAL;
		}
		if (tag.kind == TAG_OTHER)
			return -EINVAL;
		r = read_row(splice, &tag, typed, &from);
		if (r < 0)
			return r;
		splice->tail = from;
	}
}

/* The root's attributes. */
static void read_metas(struct splice *splice, const struct tag *root)
{
	static const char *const names[SPLICE_METAS] = {
	        [SPLICE_TOTAL] = " total_count=\"", [SPLICE_OFFSET] = " offset=\"", [SPLICE_LIMIT] = " limit=\""};
	const char *text = splice->data + root->at, *end = splice->data + root->end;

	for (size_t i = 0; i < SPLICE_METAS; i++) {
		const char *at = memmem(text, (size_t)(end - text), names[i], strlen(names[i]));
		struct splice_number *number = &splice->metas[i];

		if (!at)
			continue;
		at += strlen(names[i]);
		number->at = (size_t)(at - splice->data);
		number->size = splice_digits(at, end, &number->value);
	}
}

int splice_read_xml(struct splice *ret, bool typed)
{
	struct tag root = {.kind = TAG_OTHER};

	while (root.kind == TAG_OTHER) {
		size_t from = root.end;
		int r = next_tag(ret, from, &root);

		if (r != 0 || !is_blank(ret, from, root.at))
			return -EINVAL;
	}
	if (root.kind == TAG_CLOSE)
		return -EINVAL;
	read_metas(ret, &root);
	ret->head = ret->tail = root.end;
	if (!memmem(ret->data + root.at, root.end - root.at, " type=\"array\"", 13))
		return -EINVAL; /* one thing, no list */
	if (root.kind == TAG_EMPTY)
		return is_blank(ret, root.end, ret->size) ? 0 : -EINVAL;
	return read_rows(ret, root.end, typed);
}
