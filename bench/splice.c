/*
 * splice - how fast the rows of a page are found and put into a list, in MB/s of CPU time.
 *
 * Pages of 100 rows as Redmine writes them: with short texts, with long descriptions, with texts full of
 * quotes, backslashes and brackets, and with deeply nested custom fields. Each is read and its rows copied, as
 * limit=all does it, over and over for a while. Prints one JSON object: {"short": MB/s, ...}.
 */
#include "redmine/splice.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROWS        100
#define SECONDS     0.3
#define PAGE_LIMIT  (64u << 20)
#define ROUND_BYTES (8u << 20)

struct kind {
	const char *name, *text; /* of a description */
	unsigned times;
	const char *fields;
};

static const struct kind kinds[] = {
        {"short", "Some words of a description. ", 3, "[{\"id\":1,\"name\":\"Severity\",\"value\":\"minor\"}]"},
        {"long", "Some words of a long description, with nothing in them that matters to anyone. ", 60, "[]"},
        {"hostile", "\\\"]}\\\\ [{ \\\\\\\" \\n}", 60, "[]"},
        {"nested", "x", 1,
                "[{\"id\":1,\"value\":[[[{\"a\":[1,2,{\"b\":[]}]}]]]},{\"id\":2,\"value\":[{},{},[],[{}]]},"
                "{\"id\":3,\"value\":[[],[],[[]]]}]"},
};

static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "splice: error %d\n", r);
		exit(1);
	}
}

static void make_page(const struct kind *kind, struct buf *page)
{
	must(buf_add_text(page, "{\"issues\":["));
	for (unsigned i = 0; i < ROWS; i++) {
		must(buf_printf(page,
		        "%s{\"id\":%u,\"project\":{\"id\":1,\"name\":\"eCookbook\"},\"tracker\":{\"id\":1,\"name\":\"Bug\"},"
		        "\"status\":{\"id\":1,\"name\":\"New\",\"is_closed\":false},\"priority\":{\"id\":2,\"name\":\"Normal\"},"
		        "\"author\":{\"id\":3,\"name\":\"Some Body\"},\"subject\":\"Issue %u\",\"description\":\"",
		        i ? "," : "", 10000 - i, i));
		for (unsigned j = 0; j < kind->times; j++)
			must(buf_add_text(page, kind->text));
		must(buf_printf(page,
		        "\",\"start_date\":\"2026-01-02\",\"due_date\":null,\"done_ratio\":0,\"is_private\":false,"
		        "\"estimated_hours\":null,\"custom_fields\":%s,\"created_on\":\"2026-01-02T03:04:05Z\","
		        "\"updated_on\":\"2026-01-02T03:04:05Z\",\"closed_on\":null}",
		        kind->fields));
	}
	must(buf_add_text(page, "],\"total_count\":10000,\"offset\":0,\"limit\":100}"));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The rows go out in one piece, as they do when none of them is left out. */
static void join_once(const struct buf *page, struct buf *out)
{
	struct splice splice;
	const struct splice_row *last;

	must(splice_read(&splice, TARGET_FORMAT_JSON, page->data, page->size, false));
	if (splice.count != ROWS)
		must(-1);
	last = &splice.rows[splice.count - 1];
	if (out->size > ROUND_BYTES)
		buf_clear(out);
	must(buf_add(out, splice.rows[0].text, (size_t)(last->text + last->size - splice.rows[0].text)));
	splice_release(&splice);
}

static double measure(const struct buf *page)
{
	struct buf out = BUF_INIT(PAGE_LIMIT);
	double begun, passed = 0, bytes = 0;

	for (unsigned i = 0; i < 20; i++)
		join_once(page, &out);
	begun = now();
	while (passed < SECONDS) {
		for (unsigned i = 0; i < 20; i++)
			join_once(page, &out);
		bytes += 20.0 * (double)page->size;
		passed = now() - begun;
	}
	buf_release(&out);
	return bytes / passed / 1e6;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct buf page = BUF_INIT(PAGE_LIMIT);

		make_page(&kinds[i], &page);
		printf("%s\"%s\":%.0f", i ? "," : "{", kinds[i].name, measure(&page));
		buf_release(&page);
	}
	puts("}");
	return 0;
}
