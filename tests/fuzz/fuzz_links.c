/*
 * Link rewriting: however a body is cut into pieces the same bytes come out;
 * leading nowhere else changes nothing; and where the body is JSON, a
 * tokeniser that is written naively finds the same links. Input: a byte for
 * the format, one that seeds the cuts, the body.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc -Itests/unit/redmine \
 *		tests/fuzz/fuzz_links.c tests/unit/redmine/link_model.c \
 *		src/redmine/links.c src/base/buf.c $(pkg-config --cflags --libs json-c)
 */
#include "redmine/links.h"

#include "chance.h"
#include "link_model.h"

#include <json.h>
#include <string.h>

#define FROM "http://h/r"
#define TO   "http://127.0.0.1:7336"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rewrites in pieces of up to so many bytes; 0: whole. */
static void rewrite(enum target_format format, const char *to, const char *data, size_t size, size_t most,
        struct chance *chance, struct buf *out)
{
	struct links *links = links_new(format, FROM, to);
	size_t at = 0, piece;

	ASSERT(links);
	for (; at < size; at += piece) {
		piece = most ? chance_below(chance, most + 1) : size;
		if (piece > size - at)
			piece = size - at;
		ASSERT(links_feed(links, data + at, piece, out) == 0);
	}
	ASSERT(links_finish(links, out) == 0);
	links_free(links);
}

static bool is_json(const char *data, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	bool good;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, data, (int)size);
	good = json_tokener_get_error(tokener) == json_tokener_success && json_tokener_get_parse_end(tokener) == size;
	json_object_put(object);
	json_tokener_free(tokener);
	return good;
}

static bool equal(const struct buf *out, const char *data, size_t size)
{
	return out->size == size && (size == 0 || memcmp(out->data, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum target_format formats[] = {TARGET_FORMAT_JSON, TARGET_FORMAT_XML, TARGET_FORMAT_ATOM};
	static const size_t most[] = {1, 4, 30};
	struct buf whole = BUF_INIT(1 << 26), out = BUF_INIT(1 << 26);
	enum target_format format;
	struct chance chance;
	const char *body;

	if (size < 2 || size > 1 << 16)
		return 0;
	format = formats[data[0] % ARRAY_SIZE(formats)];
	chance = (struct chance){.state = data[1]};
	body = (const char *)data + 2;
	size -= 2;
	rewrite(format, TO, body, size, 0, &chance, &whole);
	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		buf_clear(&out);
		rewrite(format, TO, body, size, most[i], &chance, &out);
		ASSERT(equal(&out, buf_text(&whole), whole.size));
	}
	ASSERT(links_present(format, FROM, body, size) == !equal(&whole, body, size));
	buf_clear(&out);
	rewrite(format, FROM, body, size, 7, &chance, &out);
	ASSERT(equal(&out, body, size));
	if (format == TARGET_FORMAT_JSON && is_json(body, size)) {
		buf_clear(&out);
		link_model_rewrite(format, FROM, TO, body, size, &out);
		ASSERT(equal(&out, buf_text(&whole), whole.size));
	}
	buf_release(&whole);
	buf_release(&out);
	return 0;
}
