#include "flow/forward.h"

#include "kit.h"

struct bed {
	struct conf *conf;
	struct origin origin;
	struct request *r;
};

/* A request as far as the flow has come with it before it asks Redmine. */
static void make(struct bed *bed, const char *origin, const char *method, const char *target, const char *fields)
{
	bed->conf = kit_conf(NULL);
	ck_assert_int_eq(origin_init(&bed->origin, origin, NULL), 0);
	bed->r = request_new(NULL, NULL, bed->conf, method, target);
	ck_assert_int_eq(fields_parse(&bed->r->fields, fields, strlen(fields)), 0);
	bed->r->authority = strdup(KIT_AUTHORITY);
	ck_assert_int_eq(target_parse(&bed->r->target, bed->r->raw_target), 0);
	ck_assert_int_eq(query_parse(&bed->r->query, bed->r->target.query, bed->r->target.query_size, false), 0);
	bed->r->identity.anonymous = true;
	directives_read(&bed->r->directives, &bed->r->fields);
	bed->r->sub_path = bed->origin.path[0] && strncmp(target, bed->origin.path, strlen(bed->origin.path)) == 0;
	bed->r->base = forward_base(bed->r, &bed->origin);
}

static void clear(struct bed *bed)
{
	request_unref(bed->r);
	origin_release(&bed->origin);
	conf_unref(bed->conf);
}

static void assert_sends(const char *fields, enum forward_purpose purpose, bool own_coding, const char *expected)
{
	CLEANUP(fields_release) struct fields sent = FIELDS_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT(100000);
	struct bed bed;

	make(&bed, KIT_ORIGIN, "GET", "/issues.json", fields);
	ck_assert_int_eq(forward_request_fields(&sent, bed.r, purpose, own_coding), 0);
	ck_assert_int_eq(fields_print(&sent, &text), 0);
	ck_assert_str_eq(buf_text(&text), expected);
	clear(&bed);
}

#define VIA "Via: 1.1 redmine-cached\r\n"

START_TEST(sends_what_the_client_sent)
{
	assert_sends("", FORWARD_TO_PASS, false, VIA);
	assert_sends(
	        "X-Redmine-API-Key: 1\r\nAccept: a\r\nx-b: \r\nX-A: 1\r\nX-B: 2\r\nCookie: a=1\r\nUser-Agent: u\r\n"
	        "Authorization: Basic x\r\nX-Redmine-Switch-User: jsmith\r\nX-Forwarded-For: 1.2.3.4\r\n",
	        FORWARD_TO_PASS, false,
	        "X-Redmine-API-Key: 1\r\nAccept: a\r\nx-b: \r\nX-A: 1\r\nX-B: 2\r\nUser-Agent: u\r\n"
	        "Authorization: Basic x\r\nX-Redmine-Switch-User: jsmith\r\nX-Forwarded-For: 1.2.3.4\r\n" VIA);
}
END_TEST

/* RFC 9110 section 7.6.3 */
START_TEST(adds_itself_to_via)
{
	assert_sends("Via: 1.0 fred\r\nX-A: 1\r\nvia: 1.1 p.example (comment)\r\n", FORWARD_TO_PASS, false,
	        "X-A: 1\r\nVia: 1.0 fred, 1.1 p.example (comment), 1.1 redmine-cached\r\n");
}
END_TEST

/* RFC 9110 section 7.6.1, and what the next hop makes itself. */
START_TEST(keeps_back_what_ends_here)
{
	assert_sends("Host: cache.test\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\n"
	             "Transfer-Encoding: chunked\r\nUpgrade: h2c\r\nTrailer: X\r\nProxy-Connection: keep-alive\r\n"
	             "Content-Length: 5\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\n",
	        FORWARD_TO_PASS, false, "Content-Type: text/plain\r\n" VIA);
}
END_TEST

/* By which a client could decide what others read, in any spelling that Puma takes for it. */
START_TEST(keeps_back_what_would_poison)
{
	assert_sends(
	        "X-Forwarded-Host: evil\r\nx-forwarded-proto: https\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Scheme: https\r\n"
	        "X-Forwarded-Port: 1\r\nForwarded: host=evil\r\nClient-IP: 1.2.3.4\r\nX-Sendfile-Type: X-Accel-Redirect\r\n"
	        "X-Accel-Mapping: /=/\r\nX_Forwarded_Host: evil\r\nX-Forwarded_Host: evil\r\n"
	        "Redmine-Cached-Session: dashboard\r\nredmine-cached-engine: sync\r\nX-A: 1\r\n",
	        FORWARD_TO_PASS, false, "X-A: 1\r\n" VIA);
}
END_TEST

START_TEST(asks_for_the_whole_when_it_may_be_kept)
{
	static const char conditions[] = "If-None-Match: \"1\"\r\nIf-Modified-Since: x\r\nIf-Match: *\r\n"
	                                 "If-Unmodified-Since: x\r\nIf-Range: \"1\"\r\nRange: bytes=0-1\r\n"
	                                 "Accept-Encoding: br\r\nAccept-Language: de\r\n";

	assert_sends(conditions, FORWARD_TO_KEEP, true, "Accept-Language: de\r\n" VIA);
	assert_sends(conditions, FORWARD_TO_KEEP, false, "Accept-Encoding: br\r\nAccept-Language: de\r\n" VIA);
	assert_sends("If-None-Match: \"1\"\r\nAccept-Encoding: br\r\n", FORWARD_TO_PASS, true,
	        "If-None-Match: \"1\"\r\n" VIA);
}
END_TEST

static void assert_answers(const char *target, const char *fields, bool rewrite, const char *expected)
{
	CLEANUP(fields_release) struct fields told = FIELDS_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT(100000);
	struct bed bed;

	make(&bed, "http://redmine.test/redmine", "GET", target, "");
	ck_assert_int_eq(fields_parse(&told, fields, strlen(fields)), 0);
	ck_assert_int_eq(forward_answer_fields(&told, bed.r, &bed.origin, rewrite), 0);
	ck_assert_int_eq(fields_print(&told, &text), 0);
	ck_assert_str_eq(buf_text(&text), expected);
	clear(&bed);
}

START_TEST(answers_with_what_redmine_said)
{
	assert_answers("/x.json", "X-B: 1\r\nETag: W/\"1\"\r\nX-A: \r\nx-b: 2\r\nWWW-Authenticate: Basic\r\n", true,
	        "X-B: 1\r\nETag: W/\"1\"\r\nX-A: \r\nx-b: 2\r\nWWW-Authenticate: Basic\r\n");
	assert_answers("/x.json",
	        "Connection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 1\r\nTransfer-Encoding: chunked\r\n"
	        "Content-Length: 5\r\nX-A: 1\r\n",
	        true, "X-A: 1\r\n");
}
END_TEST

START_TEST(cookies_are_for_pages)
{
	static const char cookie[] = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n";

	assert_answers("/x.json", cookie, true, "");
	assert_answers("/x.xml", cookie, true, "");
	assert_answers("/x?format=json", cookie, true, "");
	assert_answers("/login", cookie, true, cookie);
	assert_answers("/issues.atom", cookie, true, cookie);
}
END_TEST

START_TEST(leads_locations_back)
{
	assert_answers("/x.json", "Location: http://redmine.test/redmine/issues/1\r\n", true,
	        "Location: http://cache.test:7336/issues/1\r\n");
	assert_answers("/redmine/x.json", "Location: http://redmine.test/redmine/issues/1\r\n", true,
	        "Location: http://cache.test:7336/redmine/issues/1\r\n");
	assert_answers("/x.json", "Location: /redmine/issues/1\r\n", true, "Location: /issues/1\r\n");
	assert_answers("/redmine/x.json", "Location: /redmine/issues/1\r\n", true, "Location: /redmine/issues/1\r\n");
	assert_answers("/x.json", "Location: http://elsewhere.test/redmine/issues/1\r\n", true,
	        "Location: http://elsewhere.test/redmine/issues/1\r\n");
	assert_answers("/x.json", "Location: http://redmine.test/redminex/issues/1\r\n", true,
	        "Location: http://redmine.test/redminex/issues/1\r\n");
	assert_answers("/x.json", "Content-Location: http://redmine.test/redmine/1\r\n", true,
	        "Content-Location: http://cache.test:7336/1\r\n");
	assert_answers("/x.json",
	        "Link: <http://redmine.test/redmine/a>; rel=next, </redmine/b>;title=\"<\\\"</redmine/c>\", <\r\n"
	        "Link: <//elsewhere.test/redmine/d>\r\n",
	        true,
	        "Link: <http://cache.test:7336/a>; rel=next, </b>;title=\"<\\\"</redmine/c>\", <, "
	        "<//elsewhere.test/redmine/d>\r\n");
	assert_answers("/x.json", "Link: </a>\r\nLink: </b>\r\n", true, "Link: </a>\r\nLink: </b>\r\n");
	assert_answers("/x.json", "Location: http://redmine.test/redmine/issues/1\r\n", false,
	        "Location: http://redmine.test/redmine/issues/1\r\n");
}
END_TEST

START_TEST(targets_and_bases)
{
	static const struct {
		const char *origin, *target, *sent, *base;
	} cases[] = {
	        {"http://redmine.test", "/a/../b?c=%41", "/a/../b?c=%41", "http://" KIT_AUTHORITY},
	        {"http://redmine.test/redmine", "/a", "/redmine/a", "http://" KIT_AUTHORITY},
	        {"http://redmine.test/redmine", "/redmine/a", "/redmine/a", "http://" KIT_AUTHORITY "/redmine"},
	        {"http://redmine.test/redmine", "*", "*", "http://" KIT_AUTHORITY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bed bed;
		char *target;

		make(&bed, cases[i].origin, "GET", cases[i].target, "");
		target = forward_target(bed.r, &bed.origin);
		ck_assert_str_eq(target, cases[i].sent);
		ck_assert_str_eq(bed.r->base, cases[i].base);
		free(target);
		clear(&bed);
	}
}
END_TEST

START_TEST(base_is_what_the_client_used)
{
	struct bed bed;
	char *base;

	make(&bed, KIT_ORIGIN, "GET", "/", "");
	bed.r->secure = true;
	base = forward_base(bed.r, &bed.origin);
	ck_assert_str_eq(base, "https://" KIT_AUTHORITY);
	free(base);
	free(bed.r->authority);
	bed.r->authority = NULL;
	base = forward_base(bed.r, &bed.origin);
	ck_assert_str_eq(base, "https://localhost");
	free(base);
	clear(&bed);
}
END_TEST

START_TEST(formats)
{
	static const struct {
		const char *target, *fields, *type;
		bool rewrites;
		enum target_format format;
	} cases[] = {
	        {"/x.json", "", "text/html", true, TARGET_FORMAT_JSON},
	        {"/x.xml", "", "application/xml", true, TARGET_FORMAT_XML},
	        {"/x.atom", "", "application/atom+xml", true, TARGET_FORMAT_ATOM},
	        {"/x", "", "application/json", false, TARGET_FORMAT_NONE},
	        {"/x.csv", "", "text/csv", false, TARGET_FORMAT_NONE},
	        {"/x?format=json", "", "application/json", true, TARGET_FORMAT_JSON},
	        {"/x?format=xml", "", "Application/XML; charset=utf-8", true, TARGET_FORMAT_XML},
	        {"/x?format=json", "", "text/html", true, TARGET_FORMAT_NONE},
	        {"/x?format=json", "", NULL, true, TARGET_FORMAT_NONE},
	        {"/x.json", "Cache-Control: no-transform\r\n", NULL, false, TARGET_FORMAT_JSON},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields answer = FIELDS_INIT;
		struct bed bed;

		make(&bed, KIT_ORIGIN, "GET", cases[i].target, cases[i].fields);
		if (cases[i].type)
			ck_assert_int_eq(fields_add(&answer, "Content-Type", cases[i].type), 0);
		ck_assert_msg(forward_rewrites(bed.r) == cases[i].rewrites, "%s", cases[i].target);
		ck_assert_msg(
		        forward_format(bed.r, &answer) == cases[i].format, "%s %s", cases[i].target, cases[i].type);
		clear(&bed);
	}
}
END_TEST

UNIT_MAIN("forward", sends_what_the_client_sent, adds_itself_to_via, keeps_back_what_ends_here,
        keeps_back_what_would_poison, asks_for_the_whole_when_it_may_be_kept, answers_with_what_redmine_said,
        cookies_are_for_pages, leads_locations_back, targets_and_bases, base_is_what_the_client_used, formats)
