#include "redmine/links.h"

#include "chance.h"
#include "link_model.h"
#include "../unit.h"

#include <errno.h>
#include <string.h>

#define FROM      "http://redmine.example.org/redmine"
#define TO        "http://127.0.0.1:7336"
#define HISTORIES 2000

/* For what is done by the million: Check's own assertions each send a message. */
static void must(int r)
{
	if (r != 0)
		ck_abort_msg("%d", r);
}

/* Feeds the body in pieces of random sizes up to `most`; 0: whole. */
static void rewrite(enum target_format format, const char *from, const char *to, const struct buf *body, size_t most,
        struct chance *chance, struct buf *out)
{
	struct links *links = links_new(format, from, to);
	size_t at = 0;

	ck_assert_ptr_nonnull(links);
	while (at < body->size) {
		size_t piece = most ? chance_below(chance, most + 1) : body->size;

		if (piece > body->size - at)
			piece = body->size - at;
		must(links_feed(links, body->data + at, piece, out));
		at += piece;
	}
	ck_assert_int_eq(links_finish(links, out), 0);
	links_free(links);
}

/* Whole, byte by byte, and split anyhow: always the expected bytes. */
static void expect(enum target_format format, const char *from, const char *to, const char *body, const char *expected)
{
	static const size_t most[] = {0, 1, 2, 7, 50};
	struct buf text = {.data = (char *)body, .size = strlen(body)};
	struct chance chance = {.state = 1};

	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(65536);

		rewrite(format, from, to, &text, most[i], &chance, &out);
		ck_assert_str_eq(buf_text(&out), expected);
	}
	ck_assert(links_present(format, from, body, strlen(body)) == (strcmp(body, expected) != 0));
}

#define SAME NULL

static const struct {
	enum target_format format;
	const char *body, *expected;
} rows[] = {
        {TARGET_FORMAT_JSON, "", SAME},
        {TARGET_FORMAT_JSON, "{\"content_url\":\"" FROM "/attachments/download/1/a.txt\"}",
                "{\"content_url\":\"" TO "/attachments/download/1/a.txt\"}"},
        {TARGET_FORMAT_JSON,
                "{\"thumbnail_url\":\"" FROM "/x\",\"url\":\"" FROM "?a\",\"html_url\":\"" FROM
                "#a\",\"avatar_url\":\"" FROM "\"}",
                "{\"thumbnail_url\":\"" TO "/x\",\"url\":\"" TO "?a\",\"html_url\":\"" TO "#a\",\"avatar_url\":\"" TO
                "\"}"},
        {TARGET_FORMAT_JSON, "{ \"url\" \n:\t \"" FROM "/\" }", "{ \"url\" \n:\t \"" TO "/\" }"},
        {TARGET_FORMAT_JSON, "cb({\"url\":\"" FROM "/\"})", "cb({\"url\":\"" TO "/\"})"},
        {TARGET_FORMAT_JSON, "{\"content_url\":\"" FROM "s/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"content_url\":\"" FROM ":80/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"content_url\":\"x" FROM "/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"content_url\":[\"" FROM "/x\"]}", SAME},
        {TARGET_FORMAT_JSON, "{\"content_urls\":\"" FROM "/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"my_url\":\"" FROM "/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"homepage\":\"" FROM "/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"url\":\"http://elsewhere.example/\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"url\":\"" FROM "\\/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"url\":\"" FROM, SAME},
        /* text of users */
        {TARGET_FORMAT_JSON, "{\"description\":\"\\\"content_url\\\":\\\"" FROM "/x\\\"\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"description\":\"\\\\\\\"content_url\\\\\\\":\\\\\\\"" FROM "/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"a\\\"url\":\"" FROM "/x\"}", SAME},
        {TARGET_FORMAT_JSON, "{\"a\\\\\":1,\"url\":\"" FROM "/x\"}", "{\"a\\\\\":1,\"url\":\"" TO "/x\"}"},
        {TARGET_FORMAT_JSON, "[\"url\",\":\",\"" FROM "/x\"]", SAME},
        {TARGET_FORMAT_JSON, "{\"d\":\"<content_url>" FROM "/x</content_url>\"}", SAME},

        {TARGET_FORMAT_XML, "<content_url>" FROM "/x</content_url>", "<content_url>" TO "/x</content_url>"},
        {TARGET_FORMAT_XML, "<a><url>" FROM "</url><url>" FROM "?b=c</url></a>",
                "<a><url>" TO "</url><url>" TO "?b=c</url></a>"},
        {TARGET_FORMAT_XML, "<description>" FROM "/x</description>", SAME},
        {TARGET_FORMAT_XML, "<description>&lt;content_url&gt;" FROM "/x</description>", SAME},
        {TARGET_FORMAT_XML, "<my_url>" FROM "/x</my_url>", SAME},
        {TARGET_FORMAT_XML, "<url>" FROM "s/x</url>", SAME},
        {TARGET_FORMAT_XML, "<url> " FROM "/x</url>", SAME},
        {TARGET_FORMAT_XML, "<link href=\"" FROM "/x\"/>", SAME},
        {TARGET_FORMAT_XML, "{\"url\":\"" FROM "/x\"}", SAME},

        {TARGET_FORMAT_ATOM, "<icon>" FROM "/favicon.ico?1\"</icon><uri>" FROM "</uri><id>" FROM "/</id>",
                "<icon>" TO "/favicon.ico?1\"</icon><uri>" TO "</uri><id>" FROM "/</id>"},
        {TARGET_FORMAT_ATOM, "<link rel=\"self\" href=\"" FROM "/issues.atom?key=1&amp;a=2\"/>",
                "<link rel=\"self\" href=\"" TO "/issues.atom?key=1&amp;a=2\"/>"},
        {TARGET_FORMAT_ATOM, "<link href='" FROM "' rel='x'/>", "<link href='" TO "' rel='x'/>"},
        {TARGET_FORMAT_ATOM, "<link\n\thref = \"" FROM "/\" />", "<link\n\thref = \"" TO "/\" />"},
        {TARGET_FORMAT_ATOM, "<link a=\">\" href=\"" FROM "/\"/>", "<link a=\">\" href=\"" TO "/\"/>"},
        {TARGET_FORMAT_ATOM, "<link a=' href=\"" FROM "/\"'/>", SAME},
        {TARGET_FORMAT_ATOM, "<link hreflang=\"" FROM "/\"/>", SAME},
        {TARGET_FORMAT_ATOM, "<link rel=\"x\"href=\"" FROM "/\"/>", SAME}, /* not well-formed */
        {TARGET_FORMAT_ATOM, "<link xhref=\"" FROM "/\"/>", SAME},
        {TARGET_FORMAT_ATOM, "<link href=\"" FROM "'/\"/>", SAME},
        {TARGET_FORMAT_ATOM, "<links href=\"" FROM "/\"/>", SAME},
        {TARGET_FORMAT_ATOM, "<a href=\"" FROM "/\"/>", SAME},
        {TARGET_FORMAT_ATOM, "<id>" FROM "/issues/1</id>", SAME},
        {TARGET_FORMAT_ATOM, "<link rel=\"x\"/> href=\"" FROM "/\"", SAME},
        {TARGET_FORMAT_ATOM, "<content type=\"html\">&lt;link href=\"" FROM "/\"/&gt;</content>", SAME},
};

static void row(size_t at)
{
	expect(rows[at].format, FROM, TO, rows[at].body, rows[at].expected ? rows[at].expected : rows[at].body);
}

START_TEST(every_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row(i);
}
END_TEST

START_TEST(base_is_escaped_as_the_format_asks)
{
	expect(TARGET_FORMAT_JSON, "http://h/a&b", "http://i/c&d", "{\"url\":\"http://h/a\\u0026b/x\"}",
	        "{\"url\":\"http://i/c\\u0026d/x\"}");
	expect(TARGET_FORMAT_XML, "http://h/a&b", "http://i/c&d", "<url>http://h/a&amp;b/x</url>",
	        "<url>http://i/c&amp;d/x</url>");
}
END_TEST

START_TEST(unfit_bases_are_refused)
{
	static const char *const unfit[] = {"", "http://h/\"", "http://h/'", "http://h/<", "http://h/>", "http://h/ ",
	        "http://h/\\", "http://h/\n", "http://h/\x7f"};
	char long_base[LINKS_BASE_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
		ck_assert_ptr_null(links_new(TARGET_FORMAT_JSON, FROM, unfit[i]));
		ck_assert_ptr_null(links_new(TARGET_FORMAT_XML, unfit[i], TO));
		ck_assert(!links_present(TARGET_FORMAT_JSON, unfit[i], "\"url\":\"\"", 8));
	}
	memset(long_base, 'a', sizeof(long_base));
	long_base[sizeof(long_base) - 1] = '\0';
	ck_assert_ptr_null(links_new(TARGET_FORMAT_JSON, FROM, long_base));
	ck_assert_ptr_null(links_new(TARGET_FORMAT_NONE, FROM, TO));
	links_free(NULL);
}
END_TEST

/* A body that ends inside of what may be a base comes out whole, and the next body knows nothing of it. */
START_TEST(cut_bodies_and_the_next_one)
{
	struct links *links = links_new(TARGET_FORMAT_JSON, FROM, TO);
	struct buf out = BUF_INIT(4096);

	ck_assert_int_eq(links_feed(links, "{\"url\":\"http://redmine.exam", 27, &out), 0);
	ck_assert_str_eq(out.data, "{\"url\":\"");
	ck_assert_int_eq(links_finish(links, &out), 0);
	ck_assert_str_eq(out.data, "{\"url\":\"http://redmine.exam");
	buf_clear(&out);
	ck_assert_int_eq(links_feed(links, FROM "/x\"", strlen(FROM) + 3, &out), 0);
	ck_assert_int_eq(links_finish(links, &out), 0);
	ck_assert_str_eq(out.data, FROM "/x\"");
	buf_clear(&out);
	ck_assert_int_eq(links_finish(links, &out), 0);
	ck_assert_uint_eq(out.size, 0);
	links_free(links);
	buf_release(&out);
}
END_TEST

START_TEST(ceiling_is_told)
{
	struct links *links = links_new(TARGET_FORMAT_JSON, FROM, TO);
	struct buf out = BUF_INIT(10);

	ck_assert_int_eq(links_feed(links, "{\"a\":\"0123456789\"}", 18, &out), -ENOBUFS);
	links_free(links);
	buf_release(&out);
}
END_TEST

/* More white space than is looked back over: left alone, in whatever pieces it comes. */
START_TEST(look_back_is_bounded)
{
	char body[LINKS_LOOK_BACK + 200], spaces[LINKS_LOOK_BACK + 1];

	memset(spaces, ' ', LINKS_LOOK_BACK);
	spaces[LINKS_LOOK_BACK] = '\0';
	snprintf(body, sizeof(body), "{\"url\":%s\"" FROM "/x\"}", spaces);
	expect(TARGET_FORMAT_JSON, FROM, TO, body, body);
}
END_TEST

static void add(struct buf *out, const char *text)
{
	must(buf_add_text(out, text));
}

static void random_spaces(struct chance *chance, struct buf *out)
{
	static const char *const spaces[] = {"", "", "", " ", "\n\t"};

	add(out, chance_of(chance, spaces));
}

#define JSON_FROM "http://h/r"

static void random_json_string(struct chance *chance, struct buf *out)
{
	static const char *const atoms[] = {"\\\"", "\\\\", "\\\\\\\"", "url", "content_url", "\\\"url\\\":\\\"", ":",
	        JSON_FROM, JSON_FROM "/x", "http://h/", "/", "\\u0026", " ", ",", "<url>", "ht", "}{[]"};

	add(out, "\"");
	for (size_t n = chance_below(chance, 5); n > 0; n--)
		add(out, chance_of(chance, atoms));
	add(out, "\"");
}

static void random_json(struct chance *chance, int depth, struct buf *out)
{
	static const char *const scalars[] = {"null", "1", "\"" JSON_FROM "/a\"", "\"" JSON_FROM "\"", "\"url\""};
	static const char *const keys[] = {"\"url\"", "\"content_url\"", "\"thumbnail_url\"", "\"avatar_url\""};
	size_t kind = chance_below(chance, depth > 3 ? 4 : 8);
	size_t count = chance_below(chance, 4);

	random_spaces(chance, out);
	if (kind < 2) {
		add(out, chance_of(chance, scalars));
	} else if (kind < 4) {
		random_json_string(chance, out);
	} else {
		bool object = kind < 7;

		add(out, object ? "{" : "[");
		for (size_t i = 0; i < count; i++) {
			if (i > 0)
				add(out, ",");
			random_spaces(chance, out);
			if (object && chance_below(chance, 2))
				add(out, chance_of(chance, keys));
			else if (object)
				random_json_string(chance, out);
			random_spaces(chance, out);
			if (object)
				add(out, ":");
			if (object && chance_below(chance, 2))
				add(out, chance_of(chance, scalars));
			else
				random_json(chance, depth + 1, out);
		}
		add(out, object ? "}" : "]");
	}
	random_spaces(chance, out);
}

static void random_xml(struct chance *chance, int depth, struct buf *out)
{
	static const char *const texts[] = {JSON_FROM, JSON_FROM "/x", "&lt;url&gt;", "\"", "'", " href=\"",
	        "&lt;link ", "/", "http://h", "=", ">", " "};
	static const char *const elements[] = {"url", "url", "content_url", "link", "link", "links"};
	static const char *const attributes[] = {"href", "href", "rel", "hreflang"};
	const char *element = chance_of(chance, elements), *quote;

	for (size_t n = chance_below(chance, 3); n > 0; n--)
		add(out, chance_of(chance, texts));
	if (depth > 3)
		return;
	add(out, "<");
	add(out, element);
	for (size_t n = chance_below(chance, 4); n > 0; n--) {
		quote = chance_below(chance, 2) ? "\"" : "'";
		add(out, chance_below(chance, 2) ? " " : "\n\t");
		add(out, chance_of(chance, attributes));
		random_spaces(chance, out);
		add(out, "=");
		random_spaces(chance, out);
		add(out, quote);
		if (chance_below(chance, 2))
			add(out, JSON_FROM "/z");
		for (size_t m = chance_below(chance, 3); m > 0; m--) {
			const char *text = chance_of(chance, texts);

			add(out, strpbrk(text, quote) ? "&apos;" : text);
		}
		add(out, quote);
	}
	if (chance_below(chance, 8) == 0) {
		add(out, "/>");
		return;
	}
	add(out, ">");
	if (chance_below(chance, 2))
		add(out, chance_below(chance, 2) ? JSON_FROM "/y" : JSON_FROM);
	for (size_t n = chance_below(chance, 3); n > 0; n--)
		random_xml(chance, depth + 1, out);
	add(out, "</");
	add(out, element);
	add(out, ">");
}

static void try_format(size_t seed)
{
	static const enum target_format formats[] = {TARGET_FORMAT_JSON, TARGET_FORMAT_XML, TARGET_FORMAT_ATOM};
	static const size_t most[] = {0, 1, 3, 12, 40};
	struct chance chance = {.state = seed};
	enum target_format format = formats[seed];
	size_t changed = 0;

	for (int i = 0; i < HISTORIES; i++) {
		struct buf body = BUF_INIT(1 << 20), expected = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);

		if (format == TARGET_FORMAT_JSON)
			random_json(&chance, 0, &body);
		else
			random_xml(&chance, 0, &body);
		link_model_rewrite(format, JSON_FROM, "http://127.0.0.1:9", buf_text(&body), body.size, &expected);
		changed += strcmp(buf_text(&expected), buf_text(&body)) != 0;
		for (size_t m = 0; m < ARRAY_SIZE(most); m++) {
			buf_clear(&out);
			rewrite(format, JSON_FROM, "http://127.0.0.1:9", &body, most[m], &chance, &out);
			ck_assert_str_eq(buf_text(&out), buf_text(&expected));
		}
		ck_assert(links_present(format, JSON_FROM, buf_text(&body), body.size) ==
		          (strcmp(buf_text(&expected), buf_text(&body)) != 0));
		buf_release(&body);
		buf_release(&expected);
		buf_release(&out);
	}
	ck_assert_uint_gt(changed, HISTORIES / 10);
}

START_TEST(agrees_with_a_tokeniser)
{
	for (size_t i = 0; i < 3; i++)
		try_format(i);
}
END_TEST

static const struct {
	const char *value, *from, *from_path, *expected;
} locations[] = {
        {"http://h/r/issues/1", "http://h/r", "/r", "http://c/issues/1"},
        {"http://h/r", "http://h/r", "/r", "http://c"},
        {"http://h/r?a=b", "http://h/r", "/r", "http://c?a=b"},
        {"http://h/rr/issues/1", "http://h/r", "/r", "http://h/rr/issues/1"},
        {"http://h:80/r/issues/1", "http://h/r", "/r", "http://h:80/r/issues/1"},
        {"http://hh/issues/1", "http://h", "", "http://hh/issues/1"},
        {"https://h/r/x", "http://h/r", "/r", "https://h/r/x"},
        {"/r/projects/1/wiki/X", "http://h/r", "/r", "/p/projects/1/wiki/X"},
        {"/r", "http://h/r", "/r", "/p"},
        {"/rr", "http://h/r", "/r", "/rr"},
        {"/x", "http://h/r", "/r", "/x"},
        {"/x", "http://h", "", "/p/x"},
        {"//evil.example/x", "http://h", "", "//evil.example/x"},
        {"x/y", "http://h", "", "x/y"},
        {"", "http://h", "", ""},
};

static void location(size_t at)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	ck_assert_int_eq(links_location(locations[at].value, locations[at].from, locations[at].from_path, "http://c",
	                         "/p", &out),
	        0);
	ck_assert_str_eq(buf_text(&out), locations[at].expected);
}

START_TEST(every_location)
{
	for (size_t i = 0; i < ARRAY_SIZE(locations); i++)
		location(i);
}
END_TEST

UNIT_MAIN("links", every_row, base_is_escaped_as_the_format_asks, unfit_bases_are_refused, cut_bodies_and_the_next_one,
        ceiling_is_told, look_back_is_bounded, every_location, agrees_with_a_tokeniser)
