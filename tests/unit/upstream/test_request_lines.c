#include "upstream/request_lines.h"

#include "../unit.h"

static void expect(const char *fields, bool accept_gzip, bool has_body, const char *expected)
{
	struct job job = {.accept_gzip = accept_gzip, .has_body = has_body};
	CLEANUP(buf_release) struct buf text = BUF_INIT(10000);
	struct curl_slist *lines;

	ck_assert_int_eq(fields_parse(&job.fields, fields, strlen(fields)), 0);
	lines = request_lines_new(&job);
	ck_assert_ptr_nonnull(lines);
	for (const struct curl_slist *line = lines; line; line = line->next)
		ck_assert_int_eq(buf_printf(&text, "%s|", line->data), 0);
	ck_assert_str_eq(buf_text(&text), expected);
	free(lines);
	fields_release(&job.fields);
}

START_TEST(lines)
{
	expect("", false, true, "Accept:|Expect:|User-Agent:|Content-Type:|");
	expect("", true, true, "Accept-Encoding: gzip|Accept:|Expect:|User-Agent:|Content-Type:|");
	expect("X-A: 1\r\nX-A: 2\r\nX-Empty: \r\n", false, true,
	        "X-A: 1|X-A: 2|X-Empty;|Accept:|Expect:|User-Agent:|Content-Type:|");
	expect("ACCEPT: */*\r\nuser-agent: u\r\nContent-Type: \r\n", false, true,
	        "ACCEPT: */*|user-agent: u|Content-Type;|Expect:|");
	expect("", false, false, "Accept:|");
	expect("X-A: 1\r\nAccept: a\r\n", true, false, "X-A: 1|Accept: a|Accept-Encoding: gzip|");
}
END_TEST

UNIT_MAIN("request_lines", lines)
