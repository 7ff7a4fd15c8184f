/*
 * Joining pages: whatever the bytes, a list that is read is one that a slow
 * reader finds the same rows in, and head, rows and tail are all of its bytes.
 * Input: a byte for the format, the page.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc -Itests/unit/redmine \
 *		tests/fuzz/fuzz_splice.c tests/unit/redmine/splice_model.c \
 *		src/redmine/splice.c src/redmine/splice_json.c src/redmine/splice_xml.c src/base/buf.c
 */
#include "redmine/splice.h"

#include "splice_model.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct splice *splice)
{
	size_t at, row;

	for (size_t i = 0; i < splice->count; i++) {
		ASSERT(model_row(splice->data, splice->size, i, &at, &row));
		ASSERT(splice->rows[i].text == splice->data + at && splice->rows[i].size == row);
	}
	ASSERT(!model_row(splice->data, splice->size, splice->count, &at, &row));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t own[SPLICE_METAS] = {-1, -1, -1};
	CLEANUP(buf_release) struct buf out = BUF_INIT(1 << 24);
	enum target_format format;
	struct splice splice;
	const char *text;

	if (size < 1)
		return 0;
	format = data[0] & 1 ? TARGET_FORMAT_XML : TARGET_FORMAT_JSON;
	text = (const char *)data + 1;
	size--;
	if (splice_read(&splice, format, text, size, data[0] & 2) < 0)
		return 0;
	if (format == TARGET_FORMAT_JSON)
		compare(&splice);
	ASSERT(splice_head(&splice, own, &out) == 0);
	ASSERT(out.size == splice.head && memcmp(buf_text(&out), text, splice.head) == 0);
	for (size_t i = 0; i < splice.count; i++)
		ASSERT(splice.rows[i].text >= text + splice.head &&
		        splice.rows[i].text + splice.rows[i].size <= text + splice.tail);
	buf_clear(&out);
	ASSERT(splice_tail(&splice, own, &out) == 0);
	ASSERT(out.size == size - splice.tail);
	splice_release(&splice);
	return 0;
}
