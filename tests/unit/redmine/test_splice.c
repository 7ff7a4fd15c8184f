/* The rows of a page, found in its bytes: JSON as a slow reader finds them, XML, and what is no list. */
#include "redmine/splice.h"

#include "../unit.h"
#include "chance.h"
#include "splice_model.h"

#include <errno.h>
#include <string.h>

static int read_text(struct splice *ret, enum target_format format, const char *text)
{
	return splice_read(ret, format, text, strlen(text), false);
}

static void assert_row(const struct splice *splice, size_t index, const char *text, uint64_t name)
{
	ck_assert_uint_lt(index, splice->count);
	ck_assert_uint_eq(splice->rows[index].size, strlen(text));
	ck_assert_mem_eq(splice->rows[index].text, text, strlen(text));
	ck_assert_uint_eq(splice->rows[index].name, name);
}

static void assert_ends(const struct splice *splice, const char *head, const char *tail)
{
	static const int64_t metas[SPLICE_METAS] = {[SPLICE_TOTAL] = 1234, [SPLICE_OFFSET] = 0, [SPLICE_LIMIT] = 77};
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	ck_assert_int_eq(splice_head(splice, metas, &out), 0);
	ck_assert_str_eq(buf_text(&out), head);
	buf_clear(&out);
	ck_assert_int_eq(splice_tail(splice, metas, &out), 0);
	ck_assert_str_eq(buf_text(&out), tail);
}

START_TEST(json_as_redmine_writes_it)
{
	struct splice splice;

	ck_assert_int_eq(read_text(&splice, TARGET_FORMAT_JSON,
	                         "{\"issues\":[{\"id\":12,\"subject\":\"a ] } \\\" \\\\\"},{\"id\":7,\"x\":[[{}],{}]}],"
	                         "\"total_count\":46,\"offset\":40,\"limit\":2}"),
	        0);
	ck_assert_uint_eq(splice.count, 2);
	assert_row(&splice, 0, "{\"id\":12,\"subject\":\"a ] } \\\" \\\\\"}", 12);
	assert_row(&splice, 1, "{\"id\":7,\"x\":[[{}],{}]}", 7);
	ck_assert_int_eq(splice.metas[SPLICE_TOTAL].value, 46);
	ck_assert_int_eq(splice.metas[SPLICE_OFFSET].value, 40);
	ck_assert_int_eq(splice.metas[SPLICE_LIMIT].value, 2);
	assert_ends(&splice, "{\"issues\":[", "],\"total_count\":1234,\"offset\":0,\"limit\":77}");
	splice_release(&splice);

	ck_assert_int_eq(
	        read_text(&splice, TARGET_FORMAT_JSON, "{\"news\":[],\"total_count\":0,\"offset\":0,\"limit\":25}"), 0);
	ck_assert_uint_eq(splice.count, 0);
	assert_ends(&splice, "{\"news\":[", "],\"total_count\":1234,\"offset\":0,\"limit\":77}");
	splice_release(&splice);

	ck_assert_int_eq(read_text(&splice, TARGET_FORMAT_JSON,
	                         "{ \"a\" : [ {\"name\":1} ,\n{} ] , \"total_count\":null, \"y\":{\"z\":[1]} } "),
	        0);
	ck_assert_uint_eq(splice.count, 2);
	assert_row(&splice, 0, "{\"name\":1}", 0);
	ck_assert_int_eq(splice.metas[SPLICE_TOTAL].value, -1);
	splice_release(&splice);
}
END_TEST

START_TEST(names_of_several_types)
{
	static const char text[] = "{\"results\":[{\"id\":1,\"title\":\",\\\"type\\\":\\\"x\",\"type\":\"issue\"},"
	                           "{\"id\":1,\"type\":\"news\"},{\"id\":1,\"type\":\"issue\"},{\"id\":2}]}";
	struct splice splice;

	ck_assert_int_eq(splice_read(&splice, TARGET_FORMAT_JSON, text, strlen(text), true), 0);
	ck_assert_uint_ne(splice.rows[0].name, splice.rows[1].name);
	ck_assert_uint_eq(splice.rows[0].name, splice.rows[2].name);
	ck_assert_uint_eq(splice.rows[3].name, 0);
	splice_release(&splice);
}
END_TEST

START_TEST(what_is_no_list_in_json)
{
	static const char *const texts[] = {"", " ", "{}", "[]", "{\"issue\":{\"id\":1}}", "{\"a\":[1,2]}",
	        "{\"a\":[[]]}", "{\"a\":[{}", "{\"a\":[{}]", "{\"a\":[{}}", "{\"a\":[{}]}}", "{\"a\":[{}]}]",
	        "x{\"a\":[{}]}", "{\"a\":[{}{}]}", "{\"a\":[{},]}", "{\"a\":[,{}]}", "{\"a\":[{},,{}]}",
	        "{\"a\":[{}x]}", "cb({\"a\":[]})", "{\"a\":[{}]} x", "{\"a\":[{\"]}", "{\"a\":[{}],\"b\":\"}", "}",
	        "{\"a\":[{}]}{\"a\":[{}]}", "{\"a\":[1]}", "{\"a\":[1,{}]}", "{\"a\":[{},1]}"};
	struct splice splice;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(read_text(&splice, TARGET_FORMAT_JSON, texts[i]) == -EINVAL, "%s", texts[i]);
	ck_assert_int_eq(read_text(&splice, TARGET_FORMAT_NONE, "{\"a\":[]}"), -EINVAL);
}
END_TEST

static void add_string(struct buf *out, struct chance *chance)
{
	static const char *const pieces[] = {"\\\"", "\\\\", "\\\\\\\"", "{", "}", "[", "]", ",", ":", "a", "\\u003c",
	        "\xc3\xbc", "long text without anything in it that matters, for more than a block of bytes at a time",
	        "\\n", "<id>"};

	ck_assert_int_eq(buf_add_char(out, '"'), 0);
	for (size_t i = chance_below(chance, 12); i > 0; i--)
		ck_assert_int_eq(buf_add_text(out, chance_of(chance, pieces)), 0);
	ck_assert_int_eq(buf_add_char(out, '"'), 0);
}

static void add_value(struct buf *out, struct chance *chance, size_t depth)
{
	size_t kind = chance_below(chance, depth > 4 ? 2 : 4);

	if (kind == 0) {
		ck_assert_int_eq(buf_add_unsigned(out, chance_below(chance, 1000)), 0);
	} else if (kind == 1) {
		add_string(out, chance);
	} else {
		ck_assert_int_eq(buf_add_char(out, kind == 2 ? '[' : '{'), 0);
		for (size_t i = 0, n = chance_below(chance, 4); i < n; i++) {
			ck_assert_int_eq(buf_add_text(out, i > 0 ? "," : ""), 0);
			if (kind == 3) {
				add_string(out, chance);
				ck_assert_int_eq(buf_add_char(out, ':'), 0);
			}
			add_value(out, chance, depth + 1);
		}
		ck_assert_int_eq(buf_add_char(out, kind == 2 ? ']' : '}'), 0);
	}
}

START_TEST(json_as_a_slow_reader_finds_it)
{
	struct chance chance = {.state = 4};

	for (size_t round = 0; round < 3000; round++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
		size_t rows = chance_below(&chance, 8), at, size;
		struct splice splice;

		ck_assert_int_eq(buf_add_text(&text, "{\"issues\":["), 0);
		for (size_t i = 0; i < rows; i++) {
			ck_assert_int_eq(buf_printf(&text, "%s{\"id\":%zu,\"v\":", i > 0 ? "," : "", i + 1), 0);
			add_value(&text, &chance, 0);
			ck_assert_int_eq(buf_add_char(&text, '}'), 0);
		}
		ck_assert_int_eq(buf_add_text(&text, "],\"total_count\":9,\"offset\":0,\"limit\":9}"), 0);
		ck_assert_int_eq(splice_read(&splice, TARGET_FORMAT_JSON, text.data, text.size, false), 0);
		ck_assert_uint_eq(splice.count, rows);
		for (size_t i = 0; i < rows; i++) {
			ck_assert(model_row(text.data, text.size, i, &at, &size));
			ck_assert_ptr_eq(splice.rows[i].text, text.data + at);
			ck_assert_uint_eq(splice.rows[i].size, size);
			ck_assert_uint_eq(splice.rows[i].name, i + 1);
		}
		ck_assert_int_eq(splice.metas[SPLICE_TOTAL].value, 9);
		splice_release(&splice);
		for (size_t i = 0; i < 4; i++) { /* cut anywhere it is no list */
			size_t cut = chance_below(&chance, text.size);

			ck_assert_int_eq(splice_read(&splice, TARGET_FORMAT_JSON, text.data, cut, false), -EINVAL);
		}
	}
}
END_TEST

START_TEST(xml_as_redmine_writes_it)
{
	struct splice splice;

	ck_assert_int_eq(
	        read_text(&splice, TARGET_FORMAT_XML,
	                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><issues total_count=\"46\" offset=\"40\" limit=\"2\" "
	                "type=\"array\"><issue><id>12</id><project id=\"1\" name=\"a > /&gt;\"/><a type=\"array\"><a/>"
	                "</a></issue>\n<issue>\n <id>7</id><s>text ]]></s><!-- </issue> --><![CDATA[</issue>]]></issue>"
	                "</issues>\n"),
	        0);
	ck_assert_uint_eq(splice.count, 2);
	ck_assert_uint_eq(splice.rows[0].name, 12);
	ck_assert_uint_eq(splice.rows[1].name, 7);
	ck_assert_int_eq(splice.metas[SPLICE_TOTAL].value, 46);
	assert_ends(&splice,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><issues total_count=\"1234\" offset=\"0\" limit=\"77\" "
	        "type=\"array\">",
	        "</issues>\n");
	splice_release(&splice);

	ck_assert_int_eq(read_text(&splice, TARGET_FORMAT_XML,
	                         "<news total_count=\"0\" offset=\"0\" limit=\"25\" type=\"array\"></news>"),
	        0);
	ck_assert_uint_eq(splice.count, 0);
	assert_ends(&splice, "<news total_count=\"1234\" offset=\"0\" limit=\"77\" type=\"array\">", "</news>");
	splice_release(&splice);
	ck_assert_int_eq(read_text(&splice, TARGET_FORMAT_XML, "<news type=\"array\"/>"), 0);
	assert_ends(&splice, "<news type=\"array\"/>", "");
	splice_release(&splice);
}
END_TEST

START_TEST(what_is_no_list_in_xml)
{
	static const char *const texts[] = {"", "text", "<a>", "<a/>", "<issue><id>1</id></issue>",
	        "<a type=\"array\">", "<a type=\"array\"><b></a>", "<a type=\"array\"><b></b>",
	        "<a type=\"array\">text<b></b></a>", "<a type=\"array\"><b></b></a>text",
	        "<a type=\"array\"><b></b></a><c/>", "<a type=\"array\"><b", "<!DOCTYPE html><a type=\"array\"></a>",
	        "</a>", "<a type=\"array\"><b x='></b></a>", "<a type=\"array\"></a", "<a type=\"array\"><!-- ></a>"};
	struct splice splice;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(read_text(&splice, TARGET_FORMAT_XML, texts[i]) == -EINVAL, "%s", texts[i]);
}
END_TEST

UNIT_MAIN("splice", json_as_redmine_writes_it, names_of_several_types, what_is_no_list_in_json,
        json_as_a_slow_reader_finds_it, xml_as_redmine_writes_it, what_is_no_list_in_xml)
