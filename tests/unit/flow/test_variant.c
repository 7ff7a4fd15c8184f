#include "flow/variant.h"

#include "kit.h"

static const struct digest_secret secret = {.bytes = {1, 2, 3}};
static const struct cache_key primary = {.bytes = {9}};

static struct cache_key key_of(const char *vary, const char *request_text)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(fields_release) struct fields request = FIELDS_INIT;
	struct cache_key key;

	ck_assert_int_eq(fields_parse(&fields, vary, strlen(vary)), 0);
	ck_assert_int_eq(fields_parse(&request, request_text, strlen(request_text)), 0);
	variant_key(&key, &primary, &fields, &request, &secret);
	return key;
}

/* RFC 9111 section 4.1. */
START_TEST(keys)
{
	static const struct {
		const char *vary, *one, *other;
		bool same;
	} cases[] = {
	        {"Vary: Foo\r\n", "Foo: 1\r\n", "Foo: 1\r\n", true},
	        {"Vary: foo\r\n", "Foo: 1\r\n", "fOO: 1\r\n", true},
	        {"Vary: Foo\r\n", "Foo: 1\r\n", "Foo: 2\r\n", false},
	        {"Vary: Foo\r\n", "Foo: 1\r\n", "", false},
	        {"Vary: Foo\r\n", "", "", true},
	        {"Vary: Foo\r\n", "Foo: \r\n", "", false},
	        {"Vary: Foo\r\n", "Foo: a\r\n", "Foo: A\r\n", false},
	        {"Vary: Foo\r\n", "Foo: 1\r\nOther: 2\r\n", "Foo: 1\r\nOther: 3\r\n", true},
	        {"Vary: Foo, Bar\r\n", "Foo: 1\r\nBar: 2\r\n", "Bar: 2\r\nFoo: 1\r\n", true},
	        {"Vary: Foo, Bar\r\n", "Foo: 1\r\nBar: 2\r\n", "Foo: 2\r\nBar: 1\r\n", false},
	        {"Vary: Foo, Bar\r\n", "Foo: 1\r\n", "Bar: 1\r\n", false},
	        {"Vary: Foo\r\nVary: Bar\r\n", "Bar: 1\r\n", "Bar: 2\r\n", false},
	        /* lines are one list, white space around commas does not count; within quotes it does */
	        {"Vary: Foo\r\n", "Foo: 1, 2\r\n", "Foo: 1\r\nFoo: 2\r\n", true},
	        {"Vary: Foo\r\n", "Foo: 1,2\r\n", "Foo: 1 ,\t2\r\n", true},
	        {"Vary: Foo\r\n", "Foo: 12\r\n", "Foo: 1 2\r\n", false},
	        {"Vary: Foo\r\n", "Foo: \"1, 2\"\r\n", "Foo: \"1,2\"\r\n", false},
	        /* RFC 4647 section 2: the case of a language means nothing; their order may (RFC 9110 12.5.4) */
	        {"Vary: accept-language\r\n", "Accept-Language: en-GB, de;Q=0.5\r\n",
	                "Accept-Language: EN-gb,de;q=0.5\r\n", true},
	        {"Vary: Accept-Language\r\n", "Accept-Language: en, de\r\n", "Accept-Language: de, en\r\n", false},
	        /* the daemon's own */
	        {"Vary: Accept-Encoding\r\n", "Accept-Encoding: gzip\r\n", "Accept-Encoding: br\r\n", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cache_key one = key_of(cases[i].vary, cases[i].one);
		struct cache_key other = key_of(cases[i].vary, cases[i].other);

		ck_assert_msg(cache_key_equal(&one, &other) == cases[i].same, "%s%s%s", cases[i].vary, cases[i].one,
		        cases[i].other);
		ck_assert(!cache_key_equal(&one, &primary));
	}
}
END_TEST

START_TEST(varies)
{
	static const struct {
		const char *fields;
		bool varies;
	} cases[] = {
	        {"", false},
	        {"Vary: \r\n", false},
	        {"Vary: ,\t,\r\n", false},
	        {"Vary: accept-encoding\r\n", false},
	        {"Vary: Foo\r\n", true},
	        {"Vary: Accept-Encoding, Foo\r\n", true},
	        {"Vary: Accept-Encoding\r\nVary: Foo\r\n", true},
	        {"X-Vary: Foo\r\n", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields fields = FIELDS_INIT;

		ck_assert_int_eq(fields_parse(&fields, cases[i].fields, strlen(cases[i].fields)), 0);
		ck_assert_msg(variant_varies(&fields) == cases[i].varies, "%s", cases[i].fields);
	}
}
END_TEST

/* A marker says what an answer varies on, and nothing else of it. */
START_TEST(markers)
{
	CLEANUP(entry_unrefp) struct entry *answer = entry_new();
	CLEANUP(entry_unrefp) struct entry *marker = NULL;
	static const char fields[] = "ETag: \"1\"\r\nVary: Foo\r\nX: y\r\nVary: Bar\r\n";

	ck_assert_int_eq(fields_parse(&answer->fields, fields, strlen(fields)), 0);
	answer->body = blob_new(NULL, 0);
	answer->target = strdup("/x");
	answer->born_ms = 1000;
	answer->fresh_until_ms = 9000;
	answer->stale_until_ms = 90000;
	answer->tags = (struct tag_notes){.count = 1, .items = {{.slot = 3, .generation = 4}}};
	marker = variant_marker(answer, &primary);
	ck_assert_ptr_nonnull(marker);
	ck_assert(cache_key_equal(&marker->key, &primary));
	ck_assert_uint_eq(marker->flags, ENTRY_VARIES);
	ck_assert_uint_eq(marker->fields.count, 2);
	ck_assert_str_eq(marker->fields.items[1].value, "Bar");
	ck_assert_uint_eq(marker->tags.items[0].generation, 4);
	ck_assert_int_eq(marker->fresh_until_ms, 1000); /* no answer: never fresh */
	ck_assert_int_eq(marker->stale_until_ms, 90000);
}
END_TEST

UNIT_MAIN("variant", keys, varies, markers)
