#include "flow/directives.h"

#include "../unit.h"

#include <string.h>

static struct directives read_block(const char *block)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct directives d;

	ck_assert_int_eq(fields_parse(&fields, block, strlen(block)), 0);
	directives_read(&d, &fields);
	return d;
}

static struct directives read_value(const char *value)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct directives d;

	ck_assert_int_eq(fields_add(&fields, "Cache-Control", value), 0);
	directives_read(&d, &fields);
	return d;
}

static const struct directives nothing = {
        .max_age = SECONDS_NONE,
        .s_maxage = SECONDS_NONE,
        .max_stale = SECONDS_NONE,
        .min_fresh = SECONDS_NONE,
        .stale_while_revalidate = SECONDS_NONE,
        .stale_if_error = SECONDS_NONE,
};

static void print(const struct directives *d, char *text, size_t size)
{
	snprintf(text, size, "%d%d%d%d %d%d%d%d%d %d%d %jd %jd %jd %jd %jd %jd", d->no_cache, d->no_store,
	        d->no_transform, d->only_if_cached, d->is_public, d->is_private, d->must_revalidate,
	        d->proxy_revalidate, d->must_understand, d->qualified_no_cache, d->qualified_private, d->max_age,
	        d->s_maxage, d->max_stale, d->min_fresh, d->stale_while_revalidate, d->stale_if_error);
}

static void assert_same(const char *value, const struct directives *a, const struct directives *b)
{
	char text[2][256];

	print(a, text[0], sizeof(text[0]));
	print(b, text[1], sizeof(text[1]));
	ck_assert_msg(strcmp(text[0], text[1]) == 0, "%s: %s, not %s", value, text[0], text[1]);
}

START_TEST(nothing_said)
{
	static const char *const values[] = {"", " ", ",", ", ,\t,", "foo", "foo=bar, baz=\"no-store\"", "x-max-age=5",
	        "no-storey", "no-stor", "max-age2=1", "\"no-store\"", "foo=\"a, no-store, max-age=1\"",
	        "foo=\"a\\\", no-store\"", "=", "=no-store", "==", ";", "foo;no-store"};
	struct directives d = read_block("");

	assert_same("no field", &d, &nothing);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		d = read_value(values[i]);
		assert_same(values[i], &d, &nothing);
	}
}
END_TEST

/* RFC 9111 sections 5.2.1 and 5.2.2: case does not count, nor white space around a member. */
START_TEST(reads_flags)
{
	static const struct {
		const char *value;
		size_t at;
	} flags[] = {
	        {"no-cache", offsetof(struct directives, no_cache)},
	        {"No-Cache", offsetof(struct directives, no_cache)},
	        {"no-store", offsetof(struct directives, no_store)},
	        {"NO-STORE", offsetof(struct directives, no_store)},
	        {"\t no-store \t", offsetof(struct directives, no_store)},
	        {",,no-store,,", offsetof(struct directives, no_store)},
	        {"no-transform", offsetof(struct directives, no_transform)},
	        {"only-if-cached", offsetof(struct directives, only_if_cached)},
	        {"public", offsetof(struct directives, is_public)},
	        {"private", offsetof(struct directives, is_private)},
	        {"must-revalidate", offsetof(struct directives, must_revalidate)},
	        {"proxy-revalidate", offsetof(struct directives, proxy_revalidate)},
	        {"must-understand", offsetof(struct directives, must_understand)},
	        /* A value where none is expected does not take the meaning away. */
	        {"no-store=1", offsetof(struct directives, no_store)},
	        {"no-store=\"x\"", offsetof(struct directives, no_store)},
	        {"must-revalidate=no", offsetof(struct directives, must_revalidate)},
	        {"no-cache=", offsetof(struct directives, no_cache)},
	        {"no-cache=\"\"", offsetof(struct directives, no_cache)},
	        /* Behind garbage. */
	        {"foo=\"a, b\", no-store", offsetof(struct directives, no_store)},
	        {"foo=\"a\\\"b\" , no-store", offsetof(struct directives, no_store)},
	        {"foo bar, no-store", offsetof(struct directives, no_store)},
	        {"=x, no-store", offsetof(struct directives, no_store)},
	        {"foo=\"\" garbage, no-store", offsetof(struct directives, no_store)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct directives d = read_value(flags[i].value), expected = nothing;

		*((bool *)((char *)&expected + flags[i].at)) = true;
		assert_same(flags[i].value, &d, &expected);
	}
}
END_TEST

/* 5.2.2.4, 5.2.2.7: with field names it is about these fields only. */
START_TEST(qualified)
{
	struct directives d = read_value("no-cache=\"Set-Cookie, X-A\", private=\"X-B\"");

	ck_assert(d.qualified_no_cache && d.qualified_private);
	ck_assert(!d.no_cache && !d.is_private);
	d = read_value("private=X-B");
	ck_assert(d.qualified_private && !d.is_private);
	d = read_value("private=\"X-B\", private");
	ck_assert(d.qualified_private && d.is_private);
	d = read_value("no-cache, no-cache=\"x\"");
	ck_assert(d.qualified_no_cache && d.no_cache);
}
END_TEST

START_TEST(seconds)
{
	static const struct {
		const char *value;
		int64_t max_age;
	} spans[] = {
	        {"max-age=0", 0},
	        {"max-age=1", 1},
	        {"MAX-AGE=60", 60},
	        {"max-age=\"60\"", 60}, /* 5.2: recipients ought to take both forms */
	        {"max-age = 60", 60},
	        {"max-age=0060", 60},
	        /* 1.2.2: what is too large counts as the largest. */
	        {"max-age=2147483646", 2147483646},
	        {"max-age=2147483647", SECONDS_ANY},
	        {"max-age=2147483648", SECONDS_ANY},
	        {"max-age=9223372036854775808", SECONDS_ANY},
	        {"max-age=99999999999999999999999999999999999999999", SECONDS_ANY},
	        /* 4.2.1: what cannot be read is stale. */
	        {"max-age", 0},
	        {"max-age=", 0},
	        {"max-age=\"\"", 0},
	        {"max-age=-1", 0},
	        {"max-age=+1", 0},
	        {"max-age=1.5", 0},
	        {"max-age=1s", 0},
	        {"max-age=0x10", 0},
	        {"max-age=abc", 0},
	        {"max-age=\"1", 1},
	        /* 4.2.1: of several the strictest, in either order. */
	        {"max-age=60, max-age=5", 5},
	        {"max-age=5, max-age=60", 5},
	        {"max-age=5, max-age=x", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		ck_assert_msg(read_value(spans[i].value).max_age == spans[i].max_age, "%s: %lld", spans[i].value,
		        (long long)read_value(spans[i].value).max_age);
}
END_TEST

START_TEST(each_span_has_its_name)
{
	struct directives d = read_value("max-age=1, s-maxage=2, max-stale=3, min-fresh=4, stale-while-revalidate=5, "
	                                 "stale-if-error=6");

	ck_assert_int_eq(d.max_age, 1);
	ck_assert_int_eq(d.s_maxage, 2);
	ck_assert_int_eq(d.max_stale, 3);
	ck_assert_int_eq(d.min_fresh, 4);
	ck_assert_int_eq(d.stale_while_revalidate, 5);
	ck_assert_int_eq(d.stale_if_error, 6);
}
END_TEST

START_TEST(max_stale_and_min_fresh)
{
	ck_assert_int_eq(read_value("max-stale").max_stale, SECONDS_ANY); /* 5.2.1.2: of any age */
	ck_assert_int_eq(read_value("max-stale=").max_stale, 0);
	ck_assert_int_eq(read_value("max-stale=x").max_stale, 0);
	ck_assert_int_eq(read_value("max-stale, max-stale=10").max_stale, 10);
	ck_assert_int_eq(read_value("max-stale=10, max-stale").max_stale, 10);
	ck_assert_int_eq(read_value("min-fresh=5, min-fresh=10").min_fresh, 10); /* more is stricter */
	ck_assert_int_eq(read_value("min-fresh=10, min-fresh=5").min_fresh, 10);
	ck_assert_int_eq(read_value("min-fresh=99999999999").min_fresh, SECONDS_ANY);
}
END_TEST

START_TEST(several_fields)
{
	struct directives d = read_block("Cache-Control: max-age=60\r\nX: no-store\r\ncache-control: public\r\n"
	                                 "CACHE-CONTROL: max-age=5, must-revalidate\r\n");

	ck_assert_int_eq(d.max_age, 5);
	ck_assert(d.is_public && d.must_revalidate && !d.no_store);
}
END_TEST

/* 5.4: only where there is no Cache-Control. */
START_TEST(pragma)
{
	ck_assert(read_block("Pragma: no-cache\r\n").no_cache);
	ck_assert(read_block("Pragma: foo, No-Cache\r\n").no_cache);
	ck_assert(!read_block("Pragma: no-store\r\n").no_store);
	ck_assert(!read_block("Pragma: no-cache\r\nCache-Control: max-age=5\r\n").no_cache);
	ck_assert(!read_block("Cache-Control: \r\nPragma: no-cache\r\n").no_cache);
}
END_TEST

/* Whatever comes: no endless loop, no byte beyond the end. */
START_TEST(any_bytes)
{
	static const char alphabet[] = "no-store,max-age=\"\\ \t1;";
	uint64_t state = 1;

	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)round % 24;
		char *value = malloc(size + 1);

		for (size_t i = 0; i < size; i++) {
			state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			value[i] = alphabet[(state >> 33) % (sizeof(alphabet) - 1)];
		}
		value[size] = '\0';
		ck_assert_int_ge(read_value(value).max_age, SECONDS_NONE);
		free(value);
	}
}
END_TEST

UNIT_MAIN("directives", nothing_said, reads_flags, qualified, seconds, each_span_has_its_name, max_stale_and_min_fresh,
        several_fields, pragma, any_bytes)
