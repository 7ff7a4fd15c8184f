#include "flow/request.h"

#include "kit.h"

static struct request *make(struct conf *conf, const char *target)
{
	struct request *r = request_new(NULL, NULL, conf, "GET", target);

	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(target_parse(&r->target, r->raw_target), 0);
	return r;
}

START_TEST(counts_references)
{
	struct conf *conf = kit_conf(NULL);
	struct request *r = make(conf, "/a?b");

	ck_assert_str_eq(r->method, "GET");
	ck_assert_str_eq(r->raw_target, "/a?b");
	ck_assert_ptr_eq(r->conf, conf);
	ck_assert_int_eq(r->answer.kind, ANSWER_NONE);
	ck_assert_int_eq(r->answer.upstream_us, -1);
	ck_assert_ptr_eq(request_ref(r), r);
	request_unref(r);
	request_unref(r);
	request_unref(NULL);
	conf_unref(conf);
}
END_TEST

START_TEST(head_is_head)
{
	struct conf *conf = kit_conf(NULL);
	struct request *get = request_new(NULL, NULL, conf, "GET", "/"),
	               *head = request_new(NULL, NULL, conf, "HEAD", "/"),
	               *low = request_new(NULL, NULL, conf, "head", "/");

	ck_assert(!request_is_head(get));
	ck_assert(request_is_head(head));
	ck_assert(!request_is_head(low)); /* methods are case-sensitive, RFC 9110 section 9.1 */
	request_unref(get);
	request_unref(head);
	request_unref(low);
	conf_unref(conf);
}
END_TEST

START_TEST(errors_in_the_clients_format)
{
	struct conf *conf = kit_conf(NULL);
	struct request *json = make(conf, "/a.json"), *xml = make(conf, "/a.xml"), *html = make(conf, "/a");

	request_answer_error(json, 400, 0, "no \"%s\" \\ <b>&\n\x01", "quotes");
	ck_assert_uint_eq(json->answer.status, 400);
	ck_assert_str_eq(buf_text(&json->answer.body), "{\"errors\":[\"no \\\"quotes\\\" \\\\ <b>&\"]}");
	ck_assert_str_eq(fields_get(&json->answer.fields, "Content-Type"), "application/json; charset=utf-8");
	ck_assert_str_eq(fields_get(&json->answer.fields, "Cache-Control"), "no-store");
	ck_assert_ptr_null(fields_get(&json->answer.fields, "Retry-After"));

	request_answer_error(xml, 503, 7, "no \"quotes\" <b>&");
	ck_assert_str_eq(buf_text(&xml->answer.body),
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><errors type=\"array\">"
	        "<error>no \"quotes\" &lt;b>&amp;</error></errors>");
	ck_assert_str_eq(fields_get(&xml->answer.fields, "Content-Type"), "application/xml; charset=utf-8");
	ck_assert_str_eq(fields_get(&xml->answer.fields, "Retry-After"), "7");

	request_answer_error(html, 404, 0, "x");
	ck_assert_str_eq(buf_text(&html->answer.body), "{\"errors\":[\"x\"]}");
	request_answer_error(html, 413, 0, "y"); /* replaces the answer */
	ck_assert_uint_eq(html->answer.status, 413);
	ck_assert_str_eq(buf_text(&html->answer.body), "{\"errors\":[\"y\"]}");
	ck_assert_uint_eq(fields_count(&html->answer.fields, "Content-Type"), 1);
	request_unref(json);
	request_unref(xml);
	request_unref(html);
	conf_unref(conf);
}
END_TEST

static struct entry *entry_of(unsigned status, const char *etag)
{
	struct entry *entry = entry_new();

	entry->status = status;
	entry->reason = strdup("OK");
	entry->resource = strdup("");
	entry->target = strdup("/");
	entry->body = blob_new(strdup("body"), 4);
	if (etag)
		ck_assert_int_eq(fields_add(&entry->fields, "ETag", etag), 0);
	return entry;
}

/* RFC 9110 section 13.1.2: answered here from what is stored. */
START_TEST(entries_and_their_validators)
{
	static const struct {
		unsigned status;
		const char *etag, *if_none_match;
		unsigned expected;
	} cases[] = {
	        {200, "W/\"1\"", NULL, 200},
	        {200, "W/\"1\"", "W/\"1\"", 304},
	        {200, "W/\"1\"", "\"1\"", 304},
	        {200, "W/\"1\"", "\"2\"", 200},
	        {200, "W/\"1\"", "*", 304},
	        {200, NULL, "\"1\"", 200},
	        {404, "\"1\"", "\"1\"", 404}, /* 13.2.1: only where the answer without the condition were a success */
	        {404, "\"1\"", NULL, 404},
	};
	struct conf *conf = kit_conf(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *r = make(conf, "/a.json");
		struct entry *entry = entry_of(cases[i].status, cases[i].etag);

		if (cases[i].if_none_match)
			ck_assert_int_eq(fields_add(&r->fields, "If-None-Match", cases[i].if_none_match), 0);
		request_answer_entry(r, entry);
		ck_assert_int_eq(r->answer.kind, ANSWER_ENTRY);
		ck_assert_uint_eq(r->answer.status, cases[i].expected);
		ck_assert_ptr_eq(r->answer.entry, entry);
		entry_unref(entry);
		answer_release(&r->answer);
		ck_assert_int_eq(r->answer.kind, ANSWER_NONE);
		answer_release(&r->answer);
		request_unref(r);
	}
	conf_unref(conf);
}
END_TEST

UNIT_MAIN("request", counts_references, head_is_head, errors_in_the_clients_format, entries_and_their_validators)
