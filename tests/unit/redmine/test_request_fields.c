#include "redmine/request_fields.h"

#include "../unit.h"

#include <string.h>

START_TEST(names)
{
	ck_assert(request_field_is("X-Redmine-API-Key", "X-Redmine-API-Key"));
	ck_assert(request_field_is("x_redmine_api_KEY", "X-Redmine-API-Key"));
	ck_assert(!request_field_is("X-Redmine-API-Ke", "X-Redmine-API-Key"));
	ck_assert(!request_field_is("X-Redmine-API-Keys", "X-Redmine-API-Key"));
	ck_assert(!request_field_is("XRedmineAPIKey", "X-Redmine-API-Key"));
	ck_assert(!request_field_is("", "A"));
}
END_TEST

START_TEST(forwardable)
{
	static const char *const held[] = {"X-Forwarded-Host", "x-forwarded-proto", "X-Forwarded-Ssl",
	        "X-Forwarded-Scheme", "X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded", "Client-IP", "client_ip",
	        "X-Sendfile-Type", "X-Accel-Mapping", "X-Accel-Redirect", "Redmine-Cached-Session",
	        "redmine-cached-workers", "X_Redmine_API_Key", "X_Anything"};
	static const char *const passed[] = {"X-Redmine-API-Key", "X-Redmine-Switch-User", "Authorization", "Accept",
	        "Accept-Language", "X-Forwarded-For", "X-Forwarded-Hosts", "X-Accel", "Redmine-Cache", "Content-Type",
	        "X-HTTP-Method-Override", "X-Anything", "User-Agent", "Forward"};

	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		ck_assert_msg(!request_field_forwardable(held[i]), "%s", held[i]);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		ck_assert_msg(request_field_forwardable(passed[i]), "%s", passed[i]);
}
END_TEST

/* The digest of what a field's occurrences make, and how many count. */
static size_t digest_of(uint8_t ret[DIGEST_SIZE], const char *first, const char *second)
{
	static const struct digest_secret secret = {.bytes = "s"};
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct digest d;
	size_t count;

	ck_assert_int_eq(fields_add(&fields, "Other", "x"), 0);
	if (first)
		ck_assert_int_eq(fields_add(&fields, "X-Name", first), 0);
	if (second)
		ck_assert_int_eq(fields_add(&fields, "x_name", second), 0);
	ck_assert_uint_eq(request_field_count(&fields, "X-Name"), (size_t)(!!first + !!second));
	digest_start(&d, &secret);
	count = request_field_digest(&d, &fields, "X-Name");
	digest_end(&d, ret);
	return count;
}

START_TEST(digests)
{
	uint8_t none[DIGEST_SIZE], empty[DIGEST_SIZE], one[DIGEST_SIZE], two[DIGEST_SIZE], swapped[DIGEST_SIZE];

	ck_assert_uint_eq(digest_of(none, NULL, NULL), 0);
	ck_assert_uint_eq(digest_of(empty, "", NULL), 0);
	ck_assert_mem_eq(none, empty, DIGEST_SIZE);
	ck_assert_uint_eq(digest_of(empty, "", ""), 2);
	ck_assert_mem_ne(none, empty, DIGEST_SIZE);
	ck_assert_uint_eq(digest_of(one, "a", NULL), 1);
	ck_assert_mem_ne(none, one, DIGEST_SIZE);
	ck_assert_uint_eq(digest_of(two, "a", "b"), 2);
	ck_assert_uint_eq(digest_of(swapped, "b", "a"), 2);
	ck_assert_mem_ne(two, swapped, DIGEST_SIZE);
	ck_assert_mem_ne(two, one, DIGEST_SIZE);
}
END_TEST

UNIT_MAIN("request_fields", names, forwardable, digests)
