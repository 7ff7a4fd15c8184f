#include "redmine/splice.h"

#include "base/hash.h"

#include <errno.h>
#include <string.h>

#define ROWS_AT_FIRST 104
#define META_WITHIN   256 /* bytes of a page's end (JSON) or beginning (XML) in which its counts stand */

void splice_release(struct splice *splice)
{
	free(splice->rows);
	splice->rows = NULL;
	splice->count = splice->room = 0;
}

int splice_add(struct splice *splice, const char *text, size_t size, uint64_t name)
{
	if (splice->count == splice->room) {
		size_t room = splice->room ? splice->room * 2 : ROWS_AT_FIRST;
		struct splice_row *rows = realloc(splice->rows, room * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		splice->rows = rows;
		splice->room = room;
	}
	splice->rows[splice->count++] = (struct splice_row){.text = text, .size = size, .name = name};
	return 0;
}

uint64_t splice_name(uint64_t id, const char *type, size_t size)
{
	uint64_t name = id;

	if (size > 0) {
		name = hash_add(HASH_START, type, size);
		name ^= id * UINT64_C(0x9e3779b97f4a7c15);
	}
	return name ? name : 1;
}

size_t splice_digits(const char *text, const char *end, int64_t *ret)
{
	int64_t value = 0;
	size_t size = 0;

	for (; text + size < end && text[size] >= '0' && text[size] <= '9'; size++) {
		if (size == 18)
			return 0;
		value = value * 10 + (text[size] - '0');
	}
	if (size > 0)
		*ret = value;
	return size;
}

int splice_read(struct splice *ret, enum target_format format, const char *data, size_t size, bool typed)
{
	struct splice splice = {.format = format, .data = data, .size = size};
	int r;

	for (size_t i = 0; i < SPLICE_METAS; i++)
		splice.metas[i].value = -1;
	if (format != TARGET_FORMAT_JSON && format != TARGET_FORMAT_XML)
		return -EINVAL;
	r = format == TARGET_FORMAT_JSON ? splice_read_json(&splice, typed) : splice_read_xml(&splice, typed);
	if (r < 0) {
		splice_release(&splice);
		return r;
	}
	*ret = splice;
	return 0;
}

int64_t splice_total(enum target_format format, const char *data, size_t size)
{
	bool json = format == TARGET_FORMAT_JSON;
	const char *name = json ? "],\"total_count\":" : " total_count=\"";
	size_t looked_at = size < META_WITHIN ? size : META_WITHIN;
	const char *from = json ? data + size - looked_at : data;
	const char *at = looked_at > 0 ? memmem(from, looked_at, name, strlen(name)) : NULL;
	int64_t total = -1;

	if (at)
		splice_digits(at + strlen(name), from + looked_at, &total);
	return total;
}

/* The bytes from `from` to `to`, the numbers among them replaced. They stand in any order. */
static int add_patched(
        const struct splice *splice, size_t from, size_t to, const int64_t metas[SPLICE_METAS], struct buf *out)
{
	while (from < to) {
		const struct splice_number *next = NULL;
		int64_t value = 0;

		for (size_t i = 0; i < SPLICE_METAS; i++) {
			const struct splice_number *number = &splice->metas[i];

			if (number->size > 0 && metas[i] >= 0 && number->at >= from && number->at < to &&
			        (!next || number->at < next->at)) {
				next = number;
				value = metas[i];
			}
		}
		if (buf_add(out, splice->data + from, (next ? next->at : to) - from) < 0)
			return -ENOMEM;
		if (!next)
			return 0;
		if (buf_add_unsigned(out, (uint64_t)value) < 0)
			return -ENOMEM;
		from = next->at + next->size;
	}
	return 0;
}

int splice_head(const struct splice *splice, const int64_t metas[SPLICE_METAS], struct buf *out)
{
	return add_patched(splice, 0, splice->head, metas, out);
}

int splice_tail(const struct splice *splice, const int64_t metas[SPLICE_METAS], struct buf *out)
{
	return add_patched(splice, splice->tail, splice->size, metas, out);
}
