#include "redmine/query.h"

#include "redmine/percent.h"

#include <errno.h>
#include <string.h>

/* The first byte of a form says how it was made, so that two makings never look alike. */
#define FORM_SORTED  's'
#define FORM_ORDERED 'o'
#define FORM_RAW     'r'
#define FORM_CEILING (QUERY_MAX + 16)

struct parameter {
	const char *name; /* decoded */
	size_t name_size;
	size_t root_size;  /* equal to name_size for a plain scalar */
	const char *value; /* decoded; NULL without a "=" (nil to Rails, not "") */
	size_t value_size;
};

/* Up to QUERY_PARAMETERS_MAX parameters, their decoded bytes beside them; lives on the stack. */
struct reading {
	size_t count;
	size_t bytes_size;
	struct parameter items[QUERY_PARAMETERS_MAX];
	char bytes[QUERY_READ_MAX];
};

static bool bytes_are(const char *bytes, size_t size, const char *text)
{
	return strlen(text) == size && memcmp(bytes, text, size) == 0;
}

size_t query_name_root(const char *name, size_t size, const char **ret_root)
{
	size_t start = 0, end;

	while (start < size && (name[start] == '[' || name[start] == ']'))
		start++;
	end = start;
	while (end < size && name[end] != '[' && name[end] != ']')
		end++;
	*ret_root = name + start;
	return end - start;
}

bool query_name_is_credential(const char *name, size_t size)
{
	const char *root;
	size_t root_size = query_name_root(name, size, &root);

	return bytes_are(root, root_size, "key") || bytes_are(root, root_size, "access_token") ||
	       bytes_are(root, root_size, "bearer_token");
}

void query_parts_release(struct query_parts *parts)
{
	buf_release(&parts->normal);
	buf_release(&parts->credentials);
}

/* Ruby's String#valid_encoding? for UTF-8 (RFC 3629 4), and no NUL. */
static bool text_is_sound(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + size;

	while (at < end) {
		unsigned char lowest = 0x80, highest = 0xbf;
		size_t more;

		if (*at == 0)
			return false;
		if (*at < 0x80) {
			at++;
			continue;
		}
		if (*at < 0xc2 || *at > 0xf4)
			return false;
		more = *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
		if (*at == 0xe0)
			lowest = 0xa0;
		else if (*at == 0xed)
			highest = 0x9f;
		else if (*at == 0xf0)
			lowest = 0x90;
		else if (*at == 0xf4)
			highest = 0x8f;
		if ((size_t)(end - at) <= more || at[1] < lowest || at[1] > highest)
			return false;
		for (size_t i = 2; i <= more; i++)
			if ((at[i] & 0xc0) != 0x80)
				return false;
		at += more + 1;
	}
	return true;
}

/* Size of the root of a name that Rack 2 and 3 take apart alike ("a", "a[]", "a[b][]"), or -1. */
static ptrdiff_t regular_root(const char *name, size_t size)
{
	const char *bracket = memchr(name, '[', size);
	size_t root = bracket ? (size_t)(bracket - name) : size;

	if (memchr(name, ']', root) || (root == 0 && size > 0))
		return -1;
	for (size_t at = root; at < size; at++) {
		const char *close = memchr(name + at, ']', size - at);

		if (name[at] != '[' || !close || memchr(name + at + 1, '[', (size_t)(close - name) - at - 1))
			return -1;
		at = (size_t)(close - name);
	}
	return (ptrdiff_t)root;
}

/* Letters, digits and the like, which stand for themselves. */
static bool is_literal(const char *raw, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((signed char)raw[i] <= 0 || raw[i] == '%' || raw[i] == '+')
			return false;
	return true;
}

/* Decodes one piece; as a rule it is its own text. False: not certain. */
static bool reading_decode(
        struct reading *reading, const char *raw, size_t size, const char **ret_text, size_t *ret_size)
{
	char *text = reading->bytes + reading->bytes_size;
	bool malformed = false;

	*ret_text = raw;
	*ret_size = size;
	if (is_literal(raw, size))
		return true;
	*ret_text = text;
	*ret_size = percent_decode(text, raw, size, &malformed);
	reading->bytes_size += *ret_size;
	return !malformed && text_is_sound(text, *ret_size);
}

static bool reading_add(struct reading *reading, const char *raw, size_t size)
{
	const char *equals = memchr(raw, '=', size);
	struct parameter *p = &reading->items[reading->count];
	size_t name_size = equals ? (size_t)(equals - raw) : size;
	ptrdiff_t root;

	*p = (struct parameter){0};
	if (!reading_decode(reading, raw, name_size, &p->name, &p->name_size))
		return false;
	if (equals && !reading_decode(reading, equals + 1, size - name_size - 1, &p->value, &p->value_size))
		return false;
	root = regular_root(p->name, p->name_size);
	if (root < 0)
		return false;
	p->root_size = (size_t)root;
	reading->count++;
	return true;
}

/* Takes the query apart. False: something in it is not certain. */
static bool reading_take(struct reading *reading, const char *raw, size_t size)
{
	reading->count = 0;
	reading->bytes_size = 0;
	if (size > QUERY_READ_MAX || memchr(raw, ';', size))
		return false;
	for (size_t at = 0; at < size; at++) {
		const char *end = memchr(raw + at, '&', size - at);
		size_t piece = (end ? (size_t)(end - raw) : size) - at;

		if (piece > 0 && reading->count == QUERY_PARAMETERS_MAX)
			return false;
		if (piece > 0 && !reading_add(reading, raw + at, piece))
			return false;
		at += piece;
	}
	return true;
}

static int compare_roots(const struct parameter *a, const struct parameter *b)
{
	size_t common = a->root_size < b->root_size ? a->root_size : b->root_size;
	int order = memcmp(a->name, b->name, common);

	if (order != 0)
		return order;
	return a->root_size < b->root_size ? -1 : a->root_size > b->root_size;
}

/* By root, those of one root in the order they came. By insertion, as there are few. */
static void reading_sort(struct reading *reading)
{
	for (size_t i = 1; i < reading->count; i++) {
		struct parameter p = reading->items[i];
		size_t at = i;

		for (; at > 0 && compare_roots(&reading->items[at - 1], &p) > 0; at--)
			reading->items[at] = reading->items[at - 1];
		reading->items[at] = p;
	}
}

/* Lengths stand in front, so that no two lists of parameters have the same bytes. */
static int form_add(struct buf *form, char how, const struct parameter *p)
{
	uint32_t name_size = (uint32_t)p->name_size;
	uint32_t value_size = p->value ? (uint32_t)p->value_size : UINT32_MAX;
	int r = buf_reserve(form, 1 + sizeof(name_size) + sizeof(value_size) + p->name_size + p->value_size);

	if (r == 0 && form->size == 0)
		r = buf_add_char(form, how);
	if (r == 0)
		r = buf_add(form, &name_size, sizeof(name_size));
	if (r == 0)
		r = buf_add(form, p->name, p->name_size);
	if (r == 0)
		r = buf_add(form, &value_size, sizeof(value_size));
	if (r == 0)
		r = buf_add(form, p->value, p->value_size);
	return r;
}

static bool is_blank(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] != ' ' && (text[i] < '\t' || text[i] > '\r'))
			return false;
	return true;
}

/* What Redmine itself looks at, of a group of parameters with one root; last: the one that wins when all are plain. */
static void parts_note(struct query_parts *parts, const struct parameter *last, bool plain)
{
	if (bytes_are(last->name, last->root_size, "format"))
		parts->api_format = plain && last->value &&
		                    (bytes_are(last->value, last->value_size, "json") ||
		                            bytes_are(last->value, last->value_size, "xml"));
	else if (bytes_are(last->name, last->root_size, "nometa"))
		parts->nometa = !plain || !is_blank(last->value, last->value_size);
	else if (bytes_are(last->name, last->root_size, "callback") || bytes_are(last->name, last->root_size, "jsonp"))
		parts->jsonp = true;
}

/* Adds a group of parameters with one root, in the order they came. */
static int parts_add_group(struct query_parts *parts, const struct parameter *group, size_t count, bool ordered)
{
	const struct parameter *last = &group[count - 1];
	bool credential = query_name_is_credential(group->name, group->root_size);
	struct buf *form = credential ? &parts->credentials : &parts->normal;
	bool plain = true;

	for (size_t i = 0; i < count; i++)
		plain = plain && group[i].name_size == group[i].root_size;
	parts_note(parts, last, plain);
	if (credential && plain && last->value_size == 0)
		return 0; /* params[:key].present? */
	if (ordered && !credential)
		return 0; /* added in place */
	for (size_t i = plain ? count - 1 : 0; i < count; i++) {
		int r = form_add(form, FORM_SORTED, &group[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int parts_add_in_place(struct query_parts *parts, const struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		int r = 0;

		if (!query_name_is_credential(reading->items[i].name, reading->items[i].root_size))
			r = form_add(&parts->normal, FORM_ORDERED, &reading->items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parts_read(struct query_parts *parts, struct reading *reading, size_t size, bool ordered)
{
	size_t end;
	int r = buf_reserve(&parts->normal, size + 1 + reading->count * 2 * sizeof(uint32_t));

	if (r == 0 && ordered)
		r = parts_add_in_place(parts, reading);
	reading_sort(reading);
	for (size_t start = 0; r == 0 && start < reading->count; start = end) {
		for (end = start + 1; end < reading->count; end++)
			if (compare_roots(&reading->items[start], &reading->items[end]) != 0)
				break;
		r = parts_add_group(parts, &reading->items[start], end - start, ordered);
	}
	return r;
}

/* True when a piece of a query that is kept as it came may name the parameter; lenient, so that none is missed. */
static bool piece_names(const char *raw, size_t size, bool (*names)(const char *, size_t))
{
	const char *equals = memchr(raw, '=', size);
	size_t name_size = equals ? (size_t)(equals - raw) : size;
	char name[256];

	if (name_size > sizeof(name))
		return true; /* brackets without end in front of any name: suppose the worst */
	return names(name, percent_decode(name, raw, name_size, NULL));
}

static bool name_is_jsonp(const char *name, size_t size)
{
	const char *root;
	size_t root_size = query_name_root(name, size, &root);

	return bytes_are(root, root_size, "callback") || bytes_are(root, root_size, "jsonp");
}

static bool name_is_nometa(const char *name, size_t size)
{
	const char *root;
	size_t root_size = query_name_root(name, size, &root);

	return bytes_are(root, root_size, "nometa");
}

/*
 * The query as it came. With anything in it that may be a credential the whole
 * of it becomes the credential: its owner then shares with nobody.
 */
static int parts_keep(struct query_parts *parts, const char *raw, size_t size)
{
	bool credential = false;
	int r;

	for (size_t at = 0; at < size; at++) {
		size_t piece = 0;

		while (at + piece < size && raw[at + piece] != '&' && raw[at + piece] != ';')
			piece++;
		credential = credential || piece_names(raw + at, piece, query_name_is_credential);
		parts->jsonp = parts->jsonp || piece_names(raw + at, piece, name_is_jsonp);
		parts->nometa = parts->nometa || piece_names(raw + at, piece, name_is_nometa);
		at += piece;
	}
	r = buf_add_char(&parts->normal, FORM_RAW);
	if (r == 0)
		r = buf_add(&parts->normal, raw, size);
	if (r == 0 && credential)
		r = buf_add(&parts->credentials, parts->normal.data, parts->normal.size);
	return r;
}

int query_parse(struct query_parts *ret, const char *raw, size_t size, bool ordered)
{
	struct reading reading;
	int r;

	*ret = (struct query_parts){.normal = BUF_INIT(FORM_CEILING), .credentials = BUF_INIT(FORM_CEILING)};
	if (size > QUERY_MAX)
		return -ENOBUFS;
	if (size == 0)
		return 0;
	if (reading_take(&reading, raw, size))
		r = parts_read(ret, &reading, size, ordered);
	else
		r = parts_keep(ret, raw, size);
	if (r < 0)
		query_parts_release(ret);
	return r;
}
