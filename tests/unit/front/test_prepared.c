#include "front/prepared.h"

#include "kit.h"

#define NOW_MS INT64_C(1785578400000)

struct bed {
	struct conf *conf, *other;
	struct origin origin;
	struct generations *generations;
	struct prepared *prepared;
};

static void make(struct bed *bed)
{
	bed->conf = kit_conf(NULL);
	bed->other = kit_conf(NULL);
	ck_assert_int_eq(origin_init(&bed->origin, "http://redmine.test", NULL), 0);
	bed->generations = generations_new();
	bed->prepared = prepared_new(&bed->origin, bed->generations);
	ck_assert_ptr_nonnull(bed->prepared);
}

static void clear(struct bed *bed)
{
	prepared_free(bed->prepared);
	generations_free(bed->generations);
	origin_release(&bed->origin);
	conf_unref(bed->conf);
	conf_unref(bed->other);
}

/* A hit of the flow's at NOW_MS, fresh for 30 s. */
static struct request *hit(struct bed *bed, const char *target, const char *body)
{
	static const uint64_t tag = 7;
	struct request *r = request_new(NULL, NULL, bed->conf, "GET", target);
	struct entry *entry = entry_new();

	ck_assert_int_eq(target_parse(&r->target, r->raw_target), 0);
	r->base = strdup("http://localhost:7336");
	r->identity.anonymous = true;
	entry->status = 200;
	entry->reason = strdup("OK");
	entry->resource = strdup("");
	entry->target = strdup(target);
	entry->body = blob_new(strdup(body), strlen(body));
	entry->born_ms = NOW_MS;
	entry->fresh_until_ms = entry->stale_until_ms = NOW_MS + 30000;
	ck_assert_int_eq(fields_add(&entry->fields, "ETag", "\"1\""), 0);
	generations_note(bed->generations, &tag, 1, &entry->tags);
	request_answer_entry(r, entry);
	r->answer.cache.hit = true;
	r->answer.usable_until_ms = NOW_MS + 30000;
	entry_unref(entry);
	return r;
}

static void gather(struct bed *bed, const char *method, const char *target, const char *name, const char *value)
{
	prepared_begin(bed->prepared, method, target);
	if (name)
		prepared_add(bed->prepared, name, strlen(name), value, strlen(value));
}

static struct prepared_answer *keep(struct bed *bed, const char *target, const char *body, int64_t now_ms)
{
	struct request *r = hit(bed, target, body);
	struct prepared_answer *answer;

	gather(bed, "GET", target, "Host", "localhost");
	answer = prepared_keep(bed->prepared, r, now_ms);
	request_unref(r);
	return answer;
}

static struct prepared_answer *find(struct bed *bed, const char *target, int64_t now_ms)
{
	gather(bed, "GET", target, "Host", "localhost");
	return prepared_find(bed->prepared, bed->conf, now_ms);
}

static const char *field(const struct prepared_answer *answer, const char *name)
{
	return MHD_get_response_header(answer->reply.response, name);
}

START_TEST(same_bytes_same_answer)
{
	struct bed bed;
	struct prepared_answer *answer;

	make(&bed);
	ck_assert_ptr_null(find(&bed, "/a.json?key=secret", NOW_MS));
	answer = keep(&bed, "/a.json?key=secret", "{}", NOW_MS);
	ck_assert_ptr_nonnull(answer);
	ck_assert_uint_eq(answer->reply.status, 200);
	ck_assert_uint_eq(answer->reply.body_size, 2);
	ck_assert_str_eq(answer->identity, "-");
	ck_assert_ptr_null(strstr(answer->shown, "secret"));
	ck_assert_str_eq(field(answer, "ETag"), "\"1\"");
	ck_assert_str_eq(field(answer, "Via"), "1.1 redmine-cached");
	ck_assert_str_eq(field(answer, "Age"), "0");
	ck_assert_ptr_eq(find(&bed, "/a.json?key=secret", NOW_MS), answer);
	clear(&bed);
}
END_TEST

/* Every byte of the request counts. */
START_TEST(other_bytes_other_answer)
{
	struct bed bed;

	make(&bed);
	keep(&bed, "/a.json", "{}", NOW_MS);
	ck_assert_ptr_null(find(&bed, "/b.json", NOW_MS));
	ck_assert_ptr_null(find(&bed, "/a.json?", NOW_MS));
	gather(&bed, "HEAD", "/a.json", "Host", "localhost");
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	gather(&bed, "GET", "/a.json", "host", "localhost");
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	gather(&bed, "GET", "/a.json", "Host", "localhost:7336");
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	gather(&bed, "GET", "/a.json", NULL, NULL);
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	gather(&bed, "GET", "/a.json", "Host", "localhost");
	prepared_add(bed.prepared, "Cookie", 6, "a=1", 3);
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	gather(&bed, "GET", "/a.json", "Hos", "tlocalhost"); /* the same letters, cut elsewhere */
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	gather(&bed, "GET", "/a.jsonHost", "", "localhost");
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	ck_assert_ptr_nonnull(find(&bed, "/a.json", NOW_MS));
	clear(&bed);
}
END_TEST

START_TEST(dropped_when_it_is_over)
{
	static const uint64_t tag = 7, other = 8;
	struct bed bed;
	struct prepared_answer *answer;

	make(&bed);
	keep(&bed, "/a.json", "{}", NOW_MS);
	ck_assert_ptr_nonnull(find(&bed, "/a.json", NOW_MS + 29999));
	ck_assert_ptr_null(find(&bed, "/a.json", NOW_MS + 30000));
	ck_assert_ptr_null(find(&bed, "/a.json", NOW_MS + 29999)); /* gone for good */

	answer = keep(&bed, "/a.json", "{}", NOW_MS);
	atomic_store(&answer->r->answer.entry->retired, true); /* left the cache */
	ck_assert_ptr_null(find(&bed, "/a.json", NOW_MS));

	keep(&bed, "/a.json", "{}", NOW_MS);
	generations_write_begin(bed.generations, &other, 1);
	generations_write_end(bed.generations, &other, 1, true);
	ck_assert_ptr_nonnull(find(&bed, "/a.json", NOW_MS));
	generations_write_begin(bed.generations, &tag, 1);
	ck_assert_ptr_null(find(&bed, "/a.json", NOW_MS)); /* from the beginning of the write */
	generations_write_end(bed.generations, &tag, 1, true);

	keep(&bed, "/a.json", "{}", NOW_MS);
	gather(&bed, "GET", "/a.json", "Host", "localhost");
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.other, NOW_MS)); /* other settings */

	keep(&bed, "/a.json", "{}", NOW_MS);
	ck_assert_ptr_nonnull(find(&bed, "/a.json", NOW_MS - 1000));
	ck_assert_ptr_null(find(&bed, "/a.json", NOW_MS - 3000)); /* a clock that was put back */
	clear(&bed);
}
END_TEST

START_TEST(age_and_ttl_follow_the_clock)
{
	struct bed bed;
	struct prepared_answer *answer;
	struct MHD_Response *first;

	make(&bed);
	answer = keep(&bed, "/a.json", "{}", NOW_MS);
	first = answer->reply.response;
	ck_assert_str_eq(field(answer, "Cache-Status"), "redmine-cached; hit; ttl=30");
	answer = find(&bed, "/a.json", NOW_MS + 999);
	ck_assert_ptr_eq(answer->reply.response, first); /* within the second it is the same object */
	answer = find(&bed, "/a.json", NOW_MS + 1000);
	ck_assert_str_eq(field(answer, "Age"), "1");
	ck_assert_str_eq(field(answer, "Cache-Status"), "redmine-cached; hit; ttl=29");
	answer = find(&bed, "/a.json", NOW_MS + 29500);
	ck_assert_str_eq(field(answer, "Age"), "29");
	ck_assert_str_eq(field(answer, "Cache-Status"), "redmine-cached; hit; ttl=1");
	clear(&bed);
}
END_TEST

START_TEST(newer_replaces_older)
{
	struct bed bed;

	make(&bed);
	keep(&bed, "/a.json", "{}", NOW_MS);
	keep(&bed, "/a.json", "{new}", NOW_MS);
	ck_assert_uint_eq(find(&bed, "/a.json", NOW_MS)->reply.body_size, 5);
	clear(&bed);
}
END_TEST

START_TEST(too_many_bytes_are_not_kept)
{
	static char large[40000];
	struct bed bed;
	struct request *r;

	make(&bed);
	memset(large, 'x', sizeof(large));
	r = hit(&bed, "/a.json", "{}");
	prepared_begin(bed.prepared, "GET", "/a.json");
	prepared_add(bed.prepared, "X", 1, large, sizeof(large));
	prepared_add(bed.prepared, "Host", 4, "localhost", 9);
	ck_assert_ptr_null(prepared_find(bed.prepared, bed.conf, NOW_MS));
	ck_assert_ptr_null(prepared_keep(bed.prepared, r, NOW_MS));
	prepared_begin(bed.prepared, "GET", "/a.json");
	for (int i = 0; i < 100; i++)
		prepared_add(bed.prepared, "X", 1, large, 1000);
	ck_assert_ptr_null(prepared_keep(bed.prepared, r, NOW_MS));
	request_unref(r);
	clear(&bed);
}
END_TEST

/* A bounded table: what is asked for stays, what is not makes room. */
START_TEST(bounded)
{
	struct bed bed;
	char target[32];
	unsigned kept = 0, found = 0;
	size_t before;

	make(&bed);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 10000; i++) {
			snprintf(target, sizeof(target), "/%d/%d.json", round, i);
			kept += keep(&bed, target, "{}", NOW_MS + round * 2000) != NULL;
		}
		if (round == 0)
			before = usage_memory();
	}
	ck_assert_uint_gt(kept, 10000);
	ck_assert_uint_lt(usage_memory(), before + 2 * 1024 * 1024);
	for (int i = 0; i < 10000; i++) {
		snprintf(target, sizeof(target), "/4/%d.json", i);
		found += find(&bed, target, NOW_MS + 8000) != NULL;
	}
	ck_assert_uint_gt(found, 3000);
	ck_assert_uint_le(found, 4096);
	clear(&bed);
}
END_TEST

START_TEST(sweep_lets_go)
{
	struct bed bed;
	struct prepared_answer *answer;
	struct entry *entry;

	make(&bed);
	answer = keep(&bed, "/a.json", "{}", NOW_MS);
	entry = entry_ref(answer->r->answer.entry);
	ck_assert_uint_eq(atomic_load(&entry->refs), 2);
	prepared_sweep(bed.prepared, NOW_MS + 1000);
	ck_assert_uint_eq(atomic_load(&entry->refs), 2);
	prepared_sweep(bed.prepared, NOW_MS + 20000); /* nobody asked for it */
	ck_assert_uint_eq(atomic_load(&entry->refs), 1);
	entry_unref(entry);

	answer = keep(&bed, "/a.json", "{}", NOW_MS);
	entry = entry_ref(answer->r->answer.entry);
	atomic_store(&entry->retired, true);
	prepared_sweep(bed.prepared, NOW_MS);
	ck_assert_uint_eq(atomic_load(&entry->refs), 1);
	entry_unref(entry);
	clear(&bed);
}
END_TEST

START_TEST(identity_for_the_log)
{
	struct bed bed;
	struct request *r;
	struct prepared_answer *answer;

	make(&bed);
	r = hit(&bed, "/a.json", "{}");
	r->identity.anonymous = false;
	r->identity.digest[0] = 0xab;
	r->identity.digest[1] = 0x01;
	r->identity.digest[2] = 0xff;
	gather(&bed, "GET", "/a.json", NULL, NULL);
	answer = prepared_keep(bed.prepared, r, NOW_MS);
	ck_assert_str_eq(answer->identity, "ab01ff");
	request_unref(r);
	clear(&bed);
	prepared_free(NULL);
}
END_TEST

UNIT_MAIN("prepared", same_bytes_same_answer, other_bytes_other_answer, dropped_when_it_is_over,
        age_and_ttl_follow_the_clock, newer_replaces_older, too_many_bytes_are_not_kept, bounded, sweep_lets_go,
        identity_for_the_log)
