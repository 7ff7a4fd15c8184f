#include "flow/harvest.h"

#include "kit.h"

#define BORN_OFFSET_MS INT64_C(86400000)

struct bed {
	struct conf *conf;
	struct origin origin;
	struct request *r;
};

static void make(struct bed *bed, const char *target)
{
	bed->conf = kit_conf(NULL);
	ck_assert_int_eq(origin_init(&bed->origin, KIT_ORIGIN, NULL), 0);
	bed->r = request_new(NULL, NULL, bed->conf, "GET", target);
	ck_assert_int_eq(target_parse(&bed->r->target, bed->r->raw_target), 0);
	ck_assert_int_eq(query_parse(&bed->r->query, bed->r->target.query, bed->r->target.query_size, false), 0);
	bed->r->resource = resource_match(&bed->r->target, bed->r->query.api_format);
	bed->r->identity.anonymous = true;
	memset(bed->r->key.bytes, 7, sizeof(bed->r->key.bytes));
	clock_set_offset_ms(BORN_OFFSET_MS);
}

static void clear(struct bed *bed)
{
	request_unref(bed->r);
	origin_release(&bed->origin);
	conf_unref(bed->conf);
	clock_set_offset_ms(0);
}

static struct entry *harvest(
        struct bed *bed, const char *fields_text, const char *body_text, const struct policy_keep *keep)
{
	static const struct tag_notes notes = {.count = 1, .items = {{.slot = 5, .generation = 6}}};
	struct fields fields = FIELDS_INIT;
	struct buf body = BUF_INIT(100000);
	struct entry *entry;

	ck_assert_int_eq(fields_parse(&fields, fields_text, strlen(fields_text)), 0);
	ck_assert_int_eq(buf_add_text(&body, body_text), 0);
	entry = harvest_make(bed->r, &bed->origin,
	        &(struct harvest){.status = 200, .reason = "Fine", .fields = &fields, .body = &body}, keep, &notes);
	ck_assert_ptr_nonnull(entry);
	fields_release(&fields);
	ck_assert_uint_eq(body.size, 0);
	return entry;
}

static void assert_fields(const struct entry *entry, const char *expected)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(10000);

	ck_assert_int_eq(fields_print(&entry->fields, &text), 0);
	ck_assert_str_eq(buf_text(&text), expected);
}

START_TEST(makes_an_entry)
{
	struct policy_keep keep = {.keep = true, .lifetime_ms = 30000, .age_ms = 2000, .stale_ms = 7000};
	struct bed bed;
	struct entry *entry;
	int64_t before, after;

	make(&bed, "/issues.json?key=secret&limit=5");
	before = clock_wall_ms();
	entry = harvest(&bed, "X-A: 1\r\nSet-Cookie: a=1\r\nAge: 2\r\nContent-Length: 4\r\nx-a: 2\r\nETag: \"1\"\r\n",
	        "body", &keep);
	after = clock_wall_ms();
	ck_assert(cache_key_equal(&entry->key, &bed.r->key));
	ck_assert_uint_eq(entry->status, 200);
	ck_assert_str_eq(entry->reason, "Fine");
	assert_fields(entry, "X-A: 1\r\nx-a: 2\r\nETag: \"1\"\r\n");
	ck_assert_uint_eq(entry->body->size, 4);
	ck_assert_int_eq(memcmp(entry->body->data, "body", 4), 0);
	ck_assert_str_eq(entry->resource, "issues");
	ck_assert_ptr_null(strstr(entry->target, "secret"));
	ck_assert_ptr_nonnull(strstr(entry->target, "limit=5"));
	ck_assert_uint_eq(entry->flags, 0);
	ck_assert(entry->born_ms >= before && entry->born_ms <= after);
	ck_assert_int_eq(entry->age_ms, 2000);
	ck_assert_int_eq(entry->fresh_until_ms, entry->born_ms + 30000);
	ck_assert_int_eq(entry->stale_until_ms, entry->fresh_until_ms + 7000);
	ck_assert_uint_eq(entry->tags.items[0].generation, 6);
	entry_unref(entry);
	clear(&bed);
}
END_TEST

START_TEST(flags_say_what_is_in_it)
{
	struct policy_keep keep = {.keep = true, .lifetime_ms = 1}, strict = {.keep = true, .must_revalidate = true};
	struct bed bed;
	struct entry *entry;

	make(&bed, "/users/current.json");
	entry = harvest(&bed, "", "{\"user\":{\"api_key\":\"x\"}}", &keep);
	ck_assert_uint_eq(entry->flags, ENTRY_SECRET);
	entry_unref(entry);
	clear(&bed);

	make(&bed, "/attachments/1.json");
	entry = harvest(&bed, "", "{\"content_url\":\"" KIT_ORIGIN "/attachments/download/1/a\"}", &keep);
	ck_assert_uint_eq(entry->flags, ENTRY_LINKS);
	entry_unref(entry);
	entry = harvest(&bed, "", "{\"content_url\":\"http://elsewhere.test/a\"}", &keep);
	ck_assert_uint_eq(entry->flags, 0);
	entry_unref(entry);
	entry = harvest(&bed, "", "", &keep);
	ck_assert_uint_eq(entry->flags, 0);
	ck_assert_uint_eq(entry->body->size, 0);
	entry_unref(entry);
	clear(&bed);

	make(&bed, "/unknown.json");
	entry = harvest(&bed, "", "x", &strict);
	ck_assert_uint_eq(entry->flags, ENTRY_MUST_REVALIDATE);
	ck_assert_str_eq(entry->resource, "");
	entry_unref(entry);
	clear(&bed);
}
END_TEST

START_TEST(decides_now)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct policy_keep keep;
	struct bed bed;

	make(&bed, "/issues.json");
	ck_assert_int_eq(fields_add(&fields, "Content-Type", "application/json"), 0);
	harvest_decide(&keep, bed.r, &(struct harvest_head){.status = 200, .fields = &fields, .framed = true});
	ck_assert(keep.keep);
	ck_assert_int_eq(keep.lifetime_ms, bed.r->resource->lifetime_ms);
	ck_assert_int_eq(keep.stale_ms, POLICY_STALE_KEPT_MS);
	harvest_decide(&keep, bed.r, &(struct harvest_head){.status = 200, .fields = &fields, .framed = false});
	ck_assert(!keep.keep);
	harvest_decide(&keep, bed.r, &(struct harvest_head){.status = 404, .fields = &fields, .framed = true});
	ck_assert(!keep.keep);
	clear(&bed);
}
END_TEST

/* RFC 9111 section 4.3.4: a 304 renews what it says and leaves the rest; 3.2: some fields are the body's. */
START_TEST(renews)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	static const struct tag_notes notes = {.count = 1, .items = {{.slot = 5, .generation = 9}}};
	static const char of_304[] =
	        "X-A: new\r\nETag: \"2\"\r\nSet-Cookie: b=1\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n"
	        "Content-Encoding: br\r\nX-A: newer\r\nX-C: 3\r\n";
	struct policy_keep keep = {.keep = true, .lifetime_ms = 30000, .must_revalidate = true}, again;
	struct bed bed;
	struct entry *old, *renewed;

	make(&bed, "/issues.json");
	old = harvest(&bed, "X-A: old\r\nContent-Type: application/json\r\nX-B: 2\r\nETag: \"1\"\r\nX-A: older\r\n",
	        "body", &keep);
	bed.r->stale = old;
	clock_set_offset_ms(BORN_OFFSET_MS + 60000);
	ck_assert_int_eq(fields_parse(&fields, of_304, strlen(of_304)), 0);
	renewed = harvest_renew(bed.r, &fields, 0, &again, &notes);
	ck_assert(again.keep);
	assert_fields(renewed,
	        "Content-Type: application/json\r\nX-B: 2\r\nX-A: new\r\nETag: \"2\"\r\nX-A: newer\r\nX-C: 3\r\n");
	ck_assert_ptr_eq(renewed->body, old->body); /* shared */
	ck_assert_uint_eq(renewed->status, 200);
	ck_assert_str_eq(renewed->reason, "Fine");
	ck_assert(cache_key_equal(&renewed->key, &old->key));
	ck_assert_int_ge(renewed->born_ms - old->born_ms, 59000);
	ck_assert_int_eq(renewed->fresh_until_ms - renewed->born_ms, bed.r->resource->lifetime_ms);
	ck_assert_uint_eq(renewed->tags.items[0].generation, 9);
	ck_assert_uint_eq(renewed->flags & ENTRY_MUST_REVALIDATE, 0);
	assert_fields(old, "X-A: old\r\nContent-Type: application/json\r\nX-B: 2\r\nETag: \"1\"\r\nX-A: older\r\n");
	entry_unref(renewed);
	clear(&bed);
}
END_TEST

/* 4.2.3: an Age that the 304 brings is the age of what it renews. */
START_TEST(renewed_has_the_age_of_the_304)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	static const struct tag_notes notes = {0};
	struct policy_keep keep = {.keep = true, .lifetime_ms = 60000}, again;
	struct bed bed;
	struct entry *renewed;

	make(&bed, "/unknown");
	bed.r->stale = harvest(&bed, "Cache-Control: max-age=60\r\nETag: \"1\"\r\n", "body", &keep);
	ck_assert_int_eq(fields_add(&fields, "Age", "50"), 0);
	renewed = harvest_renew(bed.r, &fields, 0, &again, &notes);
	ck_assert(again.keep);
	ck_assert_int_eq(renewed->age_ms, 50000);
	ck_assert_int_eq(renewed->fresh_until_ms - renewed->born_ms, 10000);
	ck_assert_ptr_null(fields_get(&renewed->fields, "Age"));
	entry_unref(renewed);
	clear(&bed);
}
END_TEST

/* RFC 9111 sections 5.2.2.4, 5.2.2.7, 3.1: fields that are not to be kept are left out, the rest is kept. */
START_TEST(leaves_out)
{
	struct policy_keep keep = {.keep = true, .lifetime_ms = 60000};
	struct bed bed;
	struct entry *entry;

	make(&bed, "/unknown");
	entry = harvest(&bed,
	        "A: 1\r\nCache-Control: max-age=60, private=\"a, B\", no-cache=c\r\nX: 1\r\nb: 2\r\nC: 3\r\n"
	        "Proxy-Authenticate: x\r\na: 3\r\nCache-Control: no-cache=\"cache-control\"\r\n",
	        "body", &keep);
	assert_fields(entry, "Cache-Control: max-age=60, private=\"a, B\", no-cache=c\r\nX: 1\r\n"
	                     "Cache-Control: no-cache=\"cache-control\"\r\n");
	entry_unref(entry);
	clear(&bed);
}
END_TEST

UNIT_MAIN("harvest", leaves_out, makes_an_entry, flags_say_what_is_in_it, decides_now, renews,
        renewed_has_the_age_of_the_304)
