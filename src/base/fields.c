#include "base/fields.h"

#include <errno.h>

static const char *const hop_by_hop[] = {
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        "Transfer-Encoding",
        "Upgrade",
        "Trailer",
};

/* Of most messages all fields fit into one. */
#define TEXT_BLOCK 1000
#define ITEMS      16

struct fields_text {
	struct fields_text *previous;
	size_t used, room;
	char bytes[];
};

void fields_release(struct fields *f)
{
	while (f->text) {
		struct fields_text *previous = f->text->previous;

		free(f->text);
		f->text = previous;
	}
	free(f->items);
	*f = FIELDS_INIT;
}

static int more_items(struct fields *f, size_t items)
{
	struct field *grown = realloc(f->items, (f->room + items) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	f->items = grown;
	f->room += items;
	return 0;
}

static int more_text(struct fields *f, size_t bytes)
{
	struct fields_text *text = malloc(sizeof(*text) + bytes);

	if (!text)
		return -ENOMEM;
	*text = (struct fields_text){.previous = f->text, .room = bytes};
	f->text = text;
	return 0;
}

static bool has_room(const struct fields *f, size_t bytes)
{
	return f->text && f->text->room - f->text->used >= bytes;
}

int fields_add_slice(struct fields *f, const char *name, size_t name_size, const char *value, size_t value_size)
{
	size_t bytes = name_size + value_size + 2;
	char *at;

	if (f->count == f->room && more_items(f, f->room ? f->room : ITEMS) < 0)
		return -ENOMEM;
	if (!has_room(f, bytes) && more_text(f, bytes > TEXT_BLOCK ? bytes : TEXT_BLOCK) < 0)
		return -ENOMEM;
	at = f->text->bytes + f->text->used;
	f->text->used += bytes;
	memcpy(at, name, name_size);
	at[name_size] = '\0';
	memcpy(at + name_size + 1, value, value_size);
	at[name_size + 1 + value_size] = '\0';
	f->items[f->count++] = (struct field){.name = at, .value = at + name_size + 1};
	return 0;
}

int fields_add(struct fields *f, const char *name, const char *value)
{
	return fields_add_slice(f, name, strlen(name), value, strlen(value));
}

int fields_copy(struct fields *f, const struct fields *from)
{
	size_t bytes = 0;

	for (size_t i = 0; i < from->count; i++)
		bytes += strlen(from->items[i].name) + strlen(from->items[i].value) + 2;
	if (from->count > f->room - f->count && more_items(f, from->count - (f->room - f->count)) < 0)
		return -ENOMEM;
	if (bytes > 0 && !has_room(f, bytes) && more_text(f, bytes) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < from->count; i++) {
		int r = fields_add(f, from->items[i].name, from->items[i].value);

		if (r < 0)
			return r;
	}
	return 0;
}

const char *fields_get(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (field_name_is(f->items[i].name, name))
			return f->items[i].value;
	return NULL;
}

size_t fields_count(const struct fields *f, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += field_name_is(f->items[i].name, name);
	return count;
}

/* size: at least 1 */
static bool member_is(const char *member, size_t size, void *token)
{
	const char *text = token;

	/* most differ in their first letter, also without regard to its case */
	return (*member | 0x20) == (*text | 0x20) && strncasecmp(member, text, size) == 0 && text[size] == '\0';
}

static size_t remove_slice(struct fields *f, const char *name, size_t size)
{
	size_t kept = 0, removed;

	for (size_t i = 0; i < f->count; i++) {
		if (member_is(name, size, (char *)f->items[i].name))
			continue;
		if (kept < i)
			f->items[kept] = f->items[i];
		kept++;
	}
	removed = f->count - kept;
	f->count = kept;
	return removed;
}

size_t fields_size(const struct fields *f)
{
	size_t size = 0;

	for (size_t i = 0; i < f->count; i++)
		size += strlen(f->items[i].name) + strlen(f->items[i].value) + strlen(": \r\n");
	return size;
}

size_t fields_memory(const struct fields *f)
{
	size_t size = f->room * sizeof(f->items[0]);

	for (const struct fields_text *text = f->text; text; text = text->previous)
		size += sizeof(*text) + text->room;
	return size;
}

size_t fields_remove(struct fields *f, const char *name)
{
	return remove_slice(f, name, strlen(name));
}

int fields_set(struct fields *f, const char *name, const char *value)
{
	fields_remove(f, name);
	return fields_add(f, name, value);
}

/* Calls each(member, size, arg) for the members of a comma-separated list, white space trimmed; stops when it says true. */
static bool each_member(const char *value, bool (*each)(const char *, size_t, void *), void *arg)
{
	while (*value) {
		size_t size;

		value += strspn(value, " \t,");
		size = strcspn(value, ",");
		while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
			size--;
		if (size > 0 && each(value, size, arg))
			return true;
		value += strcspn(value, ",");
	}
	return false;
}

bool fields_has_token(const struct fields *f, const char *name, const char *token)
{
	for (size_t i = 0; i < f->count; i++)
		if (field_name_is(f->items[i].name, name) && each_member(f->items[i].value, member_is, (char *)token))
			return true;
	return false;
}

/* A field that the Connection field names goes too, but for those that a sender must not name there. */
static bool remove_named(const char *member, size_t size, void *fields)
{
	static const char *const kept[] = {"Connection", "Cache-Control", "Host", "Content-Length"};
	struct fields *f = fields;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (member_is(member, size, (char *)kept[i]))
			return false;
	remove_slice(f, member, size);
	return false;
}

static bool is_hop_by_hop(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(hop_by_hop); i++)
		if (field_name_is(name, hop_by_hop[i]))
			return true;
	return false;
}

void fields_remove_hop_by_hop(struct fields *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count;) {
		size_t before = f->count;

		if (field_name_is(f->items[i].name, "Connection"))
			each_member(f->items[i].value, remove_named, f);
		i = f->count == before ? i + 1 : 0; /* the list moved: look again from its start */
	}
	for (size_t i = 0; i < f->count; i++) {
		if (is_hop_by_hop(f->items[i].name))
			continue;
		if (kept < i)
			f->items[kept] = f->items[i];
		kept++;
	}
	f->count = kept;
}

int fields_print(const struct fields *f, struct buf *out)
{
	int r = f->count > 0 ? buf_reserve(out, fields_size(f)) : 0;
	char *at;

	if (r < 0 || f->count == 0)
		return r;
	at = out->data + out->size;
	for (size_t i = 0; i < f->count; i++) {
		at = stpcpy(stpcpy(at, f->items[i].name), ": ");
		at = stpcpy(stpcpy(at, f->items[i].value), "\r\n");
	}
	out->size = (size_t)(at - out->data);
	return 0;
}

int fields_parse(struct fields *f, const char *block, size_t size)
{
	if (size > 0 && !has_room(f, size) && more_text(f, size) < 0)
		return -ENOMEM;
	while (size > 0) {
		const char *end = memchr(block, '\n', size);
		const char *colon, *value;
		size_t line, value_size;
		int r;

		if (!end)
			return -EINVAL;
		line = (size_t)(end - block);
		colon = memchr(block, ':', line);
		if (!colon || colon == block || line == 0 || end[-1] != '\r')
			return -EINVAL;
		value = colon + 1;
		value_size = (size_t)(end - 1 - value);
		while (value_size > 0 && (*value == ' ' || *value == '\t')) {
			value++;
			value_size--;
		}
		while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
			value_size--;
		r = fields_add_slice(f, block, (size_t)(colon - block), value, value_size);
		if (r < 0)
			return r;
		size -= line + 1;
		block = end + 1;
	}
	return 0;
}
