#include "flow/conditions.h"

#include "kit.h"

/* RFC 9110 section 13.1.2: weak comparison (8.8.3.2). */
START_TEST(none_match)
{
	static const struct {
		const char *fields, *etag;
		bool matches;
	} cases[] = {
	        {"", "\"1\"", false},
	        {"If-None-Match: \"1\"\r\n", NULL, false},
	        {"If-None-Match: *\r\n", NULL, false},
	        {"If-None-Match: *\r\n", "\"1\"", true},
	        {"If-None-Match: \"1\"\r\n", "\"1\"", true},
	        {"if-none-match: \"1\"\r\n", "\"1\"", true},
	        {"If-None-Match: W/\"1\"\r\n", "\"1\"", true},
	        {"If-None-Match: \"1\"\r\n", "W/\"1\"", true},
	        {"If-None-Match: W/\"1\"\r\n", "W/\"1\"", true},
	        {"If-None-Match: \"2\"\r\n", "\"1\"", false},
	        {"If-None-Match: \"12\"\r\n", "\"1\"", false},
	        {"If-None-Match: \"\"\r\n", "\"1\"", false},
	        {"If-None-Match: \"\"\r\n", "\"\"", true},
	        {"If-None-Match: \"2\", \"1\"\r\n", "\"1\"", true},
	        {"If-None-Match: \"2\",\"1\"\r\n", "\"1\"", true},
	        {"If-None-Match: , ,\"2\" ,\t W/\"1\",\r\n", "\"1\"", true},
	        {"If-None-Match: \"2\"\r\nIf-None-Match: \"1\"\r\n", "\"1\"", true},
	        {"If-None-Match: \"a,b\"\r\n", "\"a,b\"", true},
	        {"If-None-Match: \"a,\"1\"\"\r\n", "\"1\"", false},
	        {"If-None-Match: 1\r\n", "\"1\"", false},
	        {"If-None-Match: \"1\r\n", "\"1\"", false},
	        {"If-None-Match: w/\"1\"\r\n", "\"1\"", false}, /* the W is case-sensitive */
	        {"If-None-Match: garbage, \"1\"\r\n", "\"1\"", false},
	        {"If-None-Match: garbage\r\nIf-None-Match: \"1\"\r\n", "\"1\"", true},
	        {"If-Match: \"1\"\r\n", "\"1\"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields fields = FIELDS_INIT;

		ck_assert_int_eq(fields_parse(&fields, cases[i].fields, strlen(cases[i].fields)), 0);
		ck_assert_msg(conditions_none_match(&fields, cases[i].etag) == cases[i].matches, "%s %s",
		        cases[i].fields, cases[i].etag);
	}
}
END_TEST

#define ENTRY_DATE "Date: Sat, 01 Aug 2026 10:00:00 GMT\r\n"
#define ENTRY_LM   "Last-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n"

static void make_entry(struct entry *entry, const char *fields)
{
	*entry = (struct entry){.magic = ENTRY_MAGIC, .status = 200, .born_ms = INT64_C(1785578400000)};
	ck_assert_int_eq(fields_parse(&entry->fields, fields, strlen(fields)), 0);
}

/* RFC 9110 sections 13.1.2, 13.1.3, 13.2.2; RFC 9111 section 4.3.2. */
START_TEST(not_modified)
{
	static const struct {
		const char *request, *entry;
		unsigned status;
		bool dated, same;
	} cases[] = {
	        {"", ENTRY_LM, 200, true, false},
	        {"If-Modified-Since: Sat, 01 Aug 2026 09:00:00 GMT\r\n", ENTRY_LM, 200, false, true},
	        {"If-Modified-Since: Sat, 01 Aug 2026 09:30:00 GMT\r\n", ENTRY_LM, 200, false, true},
	        {"If-Modified-Since: Sat, 01 Aug 2026 08:59:59 GMT\r\n", ENTRY_LM, 200, false, false},
	        {"If-Modified-Since: Saturday, 01-Aug-26 09:00:00 GMT\r\n", ENTRY_LM, 200, false, true},
	        {"If-Modified-Since: yesterday\r\n", ENTRY_LM, 200, false, false},
	        {"If-Modified-Since: Sat, 01 Aug 2026 09:00:00 GMT\r\n", ENTRY_LM, 404, false, false},
	        {"If-Modified-Since: Sat, 01 Aug 2026 09:00:00 GMT\r\n"
	         "If-Modified-Since: Sat, 01 Aug 2026 09:00:00 GMT\r\n",
	                ENTRY_LM, 200, false, false},
	        /* without Last-Modified: by Date, or by the time that it came */
	        {"If-Modified-Since: Sat, 01 Aug 2026 10:00:00 GMT\r\n", ENTRY_DATE, 200, true, true},
	        {"If-Modified-Since: Sat, 01 Aug 2026 09:59:59 GMT\r\n", ENTRY_DATE, 200, true, false},
	        {"If-Modified-Since: Sat, 01 Aug 2026 10:00:00 GMT\r\n", "", 200, true, true},
	        {"If-Modified-Since: Sat, 01 Aug 2026 10:00:00 GMT\r\n", ENTRY_DATE, 200, false, false},
	        {"If-Modified-Since: Sat, 01 Aug 2026 10:00:00 GMT\r\n", "Last-Modified: never\r\n", 200, true, false},
	        /* the tag counts before the date */
	        {"If-None-Match: \"1\"\r\nIf-Modified-Since: Sat, 01 Aug 2026 08:00:00 GMT\r\n",
	                "ETag: \"1\"\r\n" ENTRY_LM, 200, false, true},
	        {"If-None-Match: \"2\"\r\nIf-Modified-Since: Sat, 01 Aug 2026 10:00:00 GMT\r\n",
	                "ETag: \"1\"\r\n" ENTRY_LM, 200, false, false},
	        {"If-None-Match: \"1\"\r\n", "ETag: \"1\"\r\n", 404, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields request = FIELDS_INIT;
		struct entry entry;

		make_entry(&entry, cases[i].entry);
		entry.status = cases[i].status;
		ck_assert_int_eq(fields_parse(&request, cases[i].request, strlen(cases[i].request)), 0);
		ck_assert_msg(conditions_not_modified(&request, &entry, cases[i].dated) == cases[i].same, "%zu: %s", i,
		        cases[i].request);
		fields_release(&entry.fields);
	}
}
END_TEST

/* RFC 9110 sections 14.1.2, 14.2 and 13.1.5, of a body of ten bytes. */
START_TEST(ranges)
{
	static const struct {
		const char *request;
		uint64_t size;
		enum range_kind kind;
		uint64_t first, part;
	} cases[] = {
	        {"", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=0-0\r\n", 10, RANGE_PART, 0, 1},
	        {"Range: bytes=0-1\r\n", 10, RANGE_PART, 0, 2},
	        {"Range: BYTES=2-5\r\n", 10, RANGE_PART, 2, 4},
	        {"Range: bytes=1-\r\n", 10, RANGE_PART, 1, 9},
	        {"Range: bytes=9-\r\n", 10, RANGE_PART, 9, 1},
	        {"Range: bytes=5-99\r\n", 10, RANGE_PART, 5, 5},
	        {"Range: bytes=0-99999999999999999999999\r\n", 10, RANGE_PART, 0, 10},
	        {"Range: bytes=-1\r\n", 10, RANGE_PART, 9, 1},
	        {"Range: bytes=-10\r\n", 10, RANGE_PART, 0, 10},
	        {"Range: bytes=-11\r\n", 10, RANGE_PART, 0, 10},
	        {"Range: bytes= 2-5 ,\r\n", 10, RANGE_PART, 2, 4},
	        {"Range: bytes=10-\r\n", 10, RANGE_UNSATISFIABLE, 0, 0},
	        {"Range: bytes=10-20\r\n", 10, RANGE_UNSATISFIABLE, 0, 0},
	        {"Range: bytes=99999999999999999999999-\r\n", 10, RANGE_UNSATISFIABLE, 0, 0},
	        {"Range: bytes=-0\r\n", 10, RANGE_UNSATISFIABLE, 0, 0},
	        {"Range: bytes=0-\r\n", 0, RANGE_UNSATISFIABLE, 0, 0},
	        {"Range: bytes=-5\r\n", 0, RANGE_UNSATISFIABLE, 0, 0},
	        /* what is malformed, of other units, or several: the whole */
	        {"Range: bytes=5-2\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=-\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=a-b\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=1-2x\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=0-1, 3-4\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: lines=0-1\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=0-1\r\nRange: bytes=3-4\r\n", 10, RANGE_NONE, 0, 0},
	        /* If-Range */
	        {"Range: bytes=0-1\r\nIf-Range: \"1\"\r\n", 10, RANGE_PART, 0, 2},
	        {"Range: bytes=0-1\r\nIf-Range: \"2\"\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=0-1\r\nIf-Range: W/\"1\"\r\n", 10, RANGE_NONE, 0, 0},
	        {"Range: bytes=0-1\r\nIf-Range: Sat, 01 Aug 2026 09:00:00 GMT\r\n", 10, RANGE_PART, 0, 2},
	        {"Range: bytes=0-1\r\nIf-Range: Sat, 01 Aug 2026 09:00:01 GMT\r\n", 10, RANGE_NONE, 0, 0},
	};
	struct entry entry;

	make_entry(&entry, "ETag: \"1\"\r\n" ENTRY_DATE ENTRY_LM);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(fields_release) struct fields request = FIELDS_INIT;
		struct range range = {0};
		enum range_kind kind;

		ck_assert_int_eq(fields_parse(&request, cases[i].request, strlen(cases[i].request)), 0);
		kind = conditions_range(&request, &entry, cases[i].size, &range);
		ck_assert_msg(kind == cases[i].kind, "%s: %d", cases[i].request, kind);
		if (kind == RANGE_PART)
			ck_assert_msg(range.first == cases[i].first && range.size == cases[i].part, "%s: %llu, %llu",
			        cases[i].request, (unsigned long long)range.first, (unsigned long long)range.size);
	}
	entry.status = 404;
	ck_assert_int_eq(conditions_range(&(struct fields){0}, &entry, 10, &(struct range){0}), RANGE_NONE);
	fields_release(&entry.fields);
}
END_TEST

/* 8.8.2.2: a date of the same second as the answer is no strong validator. */
START_TEST(weak_dates)
{
	CLEANUP(fields_release) struct fields request = FIELDS_INIT;
	struct range range;
	struct entry entry;

	make_entry(&entry, ENTRY_DATE "Last-Modified: Sat, 01 Aug 2026 10:00:00 GMT\r\n");
	ck_assert_int_eq(fields_add(&request, "Range", "bytes=0-1"), 0);
	ck_assert_int_eq(fields_add(&request, "If-Range", "Sat, 01 Aug 2026 10:00:00 GMT"), 0);
	ck_assert_int_eq(conditions_range(&request, &entry, 10, &range), RANGE_NONE);
	fields_release(&entry.fields);
}
END_TEST

UNIT_MAIN("conditions", none_match, not_modified, ranges, weak_dates)
