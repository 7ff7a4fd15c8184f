/*
 * Query strings: the normal form means to every Rack what the query means, is
 * its own normal form, and does not care for the order of names. Input: two
 * queries with a newline between; one is compared with its own permutation.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc -Itests/unit/redmine \
 *		tests/fuzz/fuzz_query.c tests/unit/redmine/rack_model.c \
 *		src/redmine/query.c src/redmine/percent.c src/base/buf.c
 */
#include "redmine/query.h"

#include "rack_model.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool buf_equal(const struct buf *a, const struct buf *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static void parse(struct query_parts *ret, const char *raw, size_t size, bool ordered)
{
	if (query_parse(ret, raw, size, ordered) != 0)
		abort();
}

static bool parts_equal(const struct query_parts *a, const struct query_parts *b)
{
	return buf_equal(&a->normal, &b->normal) && buf_equal(&a->credentials, &b->credentials) &&
	       a->api_format == b->api_format && a->nometa == b->nometa && a->jsonp == b->jsonp;
}

/* A query that says the same as a sorted form: its parameters, escaped throughout. */
static void print_form(const struct buf *form, struct buf *out)
{
	for (size_t at = 1; at < form->size;) {
		for (int part = 0; part < 2; part++) {
			uint32_t size;

			memcpy(&size, form->data + at, sizeof(size));
			at += sizeof(size);
			if (part == 1 && size != UINT32_MAX && buf_add_char(out, '=') < 0)
				abort();
			for (; size != UINT32_MAX && size > 0; size--)
				if (buf_printf(out, "%%%02x", (unsigned char)form->data[at++]) < 0)
					abort();
		}
		if (buf_add_char(out, '&') < 0)
			abort();
	}
}

static void check_idempotent(const struct query_parts *parts)
{
	CLEANUP(query_parts_release) struct query_parts again = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);

	if ((parts->normal.size && parts->normal.data[0] == 'r') ||
	        (parts->credentials.size && parts->credentials.data[0] == 'r'))
		return;
	print_form(&parts->credentials, &text);
	print_form(&parts->normal, &text);
	if (text.size > QUERY_READ_MAX)
		return;
	parse(&again, buf_text(&text), text.size, false);
	if (!parts_equal(parts, &again))
		abort();
}

/* Moves the first piece to the end; the same question when its root name is there only once. */
static void check_permutation(const char *raw, size_t size, const struct query_parts *parts)
{
	CLEANUP(query_parts_release) struct query_parts other = {0};
	CLEANUP(buf_release) struct buf turned = BUF_INIT(1 << 20);
	const char *end = memchr(raw, '&', size);
	size_t piece = end ? (size_t)(end - raw) : 0;

	if (piece == 0 || !parts->normal.size || parts->normal.data[0] == 'r')
		return;
	for (const char *at = end + 1; at < raw + size; at++) /* plain ASCII names only, so that roots are seen */
		if (at[-1] == '&' && (*at == raw[0] || *at == '%' || *at == '+'))
			return;
	if (raw[0] == '%' || raw[0] == '+' || raw[0] == '=')
		return;
	if (buf_add(&turned, end + 1, size - piece - 1) < 0 || buf_add_char(&turned, '&') < 0 ||
	        buf_add(&turned, raw, piece) < 0)
		abort();
	parse(&other, turned.data, turned.size, false);
	if (size + 1 <= QUERY_READ_MAX && !parts_equal(parts, &other))
		abort();
}

/* Equal forms: every Rack reads the same. Blank credentials, which Redmine does not count, are left out. */
static void check_pair(const char *left, const char *right, const struct query_parts *a, const struct query_parts *b)
{
	if (!parts_equal(a, b) || strstr(left, "ey") || strstr(right, "ey") || strstr(left, "oken") ||
	        strstr(right, "oken") || strchr(left, '%') || strchr(right, '%'))
		return;
	for (int version = 2; version <= 3; version++) {
		CLEANUP(buf_release) struct buf meant_left = BUF_INIT(1 << 20), meant_right = BUF_INIT(1 << 20);

		rack_model_print(version, left, &meant_left);
		rack_model_print(version, right, &meant_right);
		if (!buf_equal(&meant_left, &meant_right))
			abort();
		buf_release(&meant_left);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query_parts left, right, ordered;
	char *text;
	size_t cut;

	if (size > 200) /* the model's lists are short */
		return 0;
	text = strndup((const char *)data, size);
	if (!text)
		abort();
	size = strlen(text);
	cut = strcspn(text, "\n");
	parse(&left, text, cut, false);
	parse(&ordered, text, cut, true);
	parse(&right, cut < size ? text + cut + 1 : "", cut < size ? size - cut - 1 : 0, false);
	if (!buf_equal(&left.credentials, &ordered.credentials))
		abort();
	check_idempotent(&left);
	check_permutation(text, cut, &left);
	text[cut] = '\0';
	check_pair(text, cut < size ? text + cut + 1 : "", &left, &right);
	query_parts_release(&left);
	query_parts_release(&right);
	query_parts_release(&ordered);
	free(text);
	return 0;
}
