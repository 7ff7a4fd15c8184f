#include "flow/variant.h"

#include <ctype.h>
#include <strings.h>

/* The next name of a Vary value; false at its end. */
static bool next_name(const char **at, const char **ret, size_t *ret_size)
{
	*at += strspn(*at, " \t,");
	*ret = *at;
	*ret_size = strcspn(*at, " \t,");
	*at += *ret_size;
	return *ret_size > 0;
}

static bool is_own(const char *name, size_t size)
{
	return size == strlen("Accept-Encoding") && strncasecmp(name, "Accept-Encoding", size) == 0;
}

bool variant_varies(const struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const char *at = fields->items[i].value, *name;
		size_t size;

		if (!field_name_is(fields->items[i].name, "Vary"))
			continue;
		while (next_name(&at, &name, &size))
			if (!is_own(name, size))
				return true;
	}
	return false;
}

static void add_bytes(struct digest *d, const char *text, size_t size)
{
	digest_add(d, text, size);
}

static void add_lowercase(struct digest *d, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = (char)tolower((unsigned char)text[i]);

		digest_add(d, &c, 1);
	}
}

/* The value without the white space around its commas; not within quotes. folds: its case means nothing. */
static void add_value(struct digest *d, const char *value, bool folds)
{
	void (*add)(struct digest *, const char *, size_t) = folds ? add_lowercase : add_bytes;
	bool quoted = false;
	const char *start = value;

	for (; *value; value++) {
		const char *end = value, *next = value + 1;

		if (*value == '"')
			quoted = !quoted;
		if (*value != ',' || quoted)
			continue;
		while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		add(d, start, (size_t)(end - start));
		digest_add_text(d, ",");
		start = next + strspn(next, " \t");
		value = start - 1;
	}
	add(d, start, strlen(start));
}

static bool is_named(const char *field, const char *name, size_t size)
{
	return strlen(field) == size && strncasecmp(field, name, size) == 0;
}

/* One line after the other, as if there were commas between them. */
static void add_field(struct digest *d, const char *name, size_t size, const struct fields *request)
{
	bool folds = is_named("Accept-Language", name, size); /* RFC 4647 section 2 */
	uint64_t count = 0;

	add_lowercase(d, name, size);
	for (size_t i = 0; i < request->count; i++) {
		if (!is_named(request->items[i].name, name, size))
			continue;
		if (count++ > 0)
			digest_add_text(d, ",");
		add_value(d, request->items[i].value, folds);
	}
	digest_add_text(d, count > 0 ? "given" : "absent");
}

void variant_key(struct cache_key *ret, const struct cache_key *primary, const struct fields *fields,
        const struct fields *request, const struct digest_secret *secret)
{
	struct digest d;

	digest_start(&d, secret);
	digest_add_text(&d, "variant");
	digest_add(&d, primary->bytes, sizeof(primary->bytes));
	for (size_t i = 0; i < fields->count; i++) {
		const char *at = fields->items[i].value, *name;
		size_t size;

		if (!field_name_is(fields->items[i].name, "Vary"))
			continue;
		while (next_name(&at, &name, &size))
			if (!is_own(name, size))
				add_field(&d, name, size, request);
	}
	digest_end(&d, ret->bytes);
}

struct entry *variant_marker(const struct entry *answer, const struct cache_key *primary)
{
	CLEANUP(entry_unrefp) struct entry *marker = entry_new();

	if (!marker)
		return NULL;
	marker->key = *primary;
	marker->flags = ENTRY_VARIES;
	marker->born_ms = answer->born_ms;
	marker->fresh_until_ms = answer->born_ms;
	marker->stale_until_ms = answer->stale_until_ms;
	marker->tags = answer->tags;
	marker->body = blob_new(NULL, 0);
	marker->reason = strdup("");
	marker->resource = strdup("");
	marker->target = strdup(answer->target);
	if (!marker->body || !marker->reason || !marker->resource || !marker->target)
		return NULL;
	for (size_t i = 0; i < answer->fields.count; i++)
		if (field_name_is(answer->fields.items[i].name, "Vary") &&
		        fields_add(&marker->fields, "Vary", answer->fields.items[i].value) < 0)
			return NULL;
	return TAKE(marker);
}
