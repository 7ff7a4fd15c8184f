#include "redmine/identity.h"

#include "../unit.h"

#include <string.h>

static const struct digest_secret secret = {.bytes = "0123456789abcdef0123456789abcde"};

/* A request: its query, and "Name: value\n" lines. */
static struct identity identify(const char *query, const char *lines)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(query_parts_release) struct query_parts parts;
	struct identity identity;

	while (*lines) {
		size_t size = strcspn(lines, "\n"), name = strcspn(lines, ":");

		ck_assert_int_eq(fields_add_slice(&fields, lines, name, lines + name + 2, size - name - 2), 0);
		lines += size + 1;
	}
	ck_assert_int_eq(query_parse(&parts, query, strlen(query), false), 0);
	identity_of(&identity, &fields, &parts, &secret);
	return identity;
}

static const struct {
	const char *query, *lines;
	const char *other_query, *other_lines;
	bool same;
} pairs[] = {
        {"", "", "limit=5", "Accept: x\n", true},
        {"", "X-Redmine-API-Key: a\n", "limit=5", "x-redmine-api-key: a\n", true},
        {"", "X-Redmine-API-Key: a\n", "", "X-Redmine-API-Key: b\n", false},
        {"", "X-Redmine-API-Key: a\n", "", "", false},
        /* Puma takes "_" for "-" */
        {"", "X_Redmine_API_Key: a\n", "", "X-Redmine-API-Key: a\n", true},
        {"", "X-Redmine_Switch-User: a\n", "", "", false},
        /* one credential in another form is another identity: a revoked key in one form, rights of a token... */
        {"key=a", "", "", "X-Redmine-API-Key: a\n", false},
        {"key=a", "", "access_token=a", "", false},
        {"", "Authorization: a\n", "", "X-Redmine-API-Key: a\n", false},
        {"", "Authorization: Basic YTpi\n", "", "Authorization: Bearer YTpi\n", false},
        /* the ones that should lose count too */
        {"key=a", "X-Redmine-API-Key: b\n", "key=a", "", false},
        {"key=a", "X-Redmine-API-Key: b\n", "key=a", "X-Redmine-API-Key: c\n", false},
        {"", "Authorization: a\nX-Redmine-API-Key: b\n", "", "X-Redmine-API-Key: b\nAuthorization: a\n", true},
        {"", "X-Redmine-API-Key: a\nX-Redmine-Switch-User: j\n", "", "X-Redmine-API-Key: a\n", false},
        {"", "X-Redmine-Switch-User: j\n", "", "X-Redmine-Switch-User: k\n", false},
        /* several occurrences: Puma joins them, in order */
        {"", "X-Redmine-API-Key: a\nX-Redmine-API-Key: b\n", "", "X-Redmine-API-Key: a\n", false},
        {"", "X-Redmine-API-Key: a\nX-Redmine-API-Key: b\n", "", "X-Redmine-API-Key: b\n", false},
        {"", "X-Redmine-API-Key: a\nX-Redmine-API-Key: b\n", "", "X-Redmine-API-Key: b\nX-Redmine-API-Key: a\n", false},
        {"", "X-Redmine-API-Key: a\nX-Redmine-API-Key: \n", "", "X-Redmine-API-Key: a\n", false},
        {"", "X-Redmine-API-Key: ab\n", "", "X-Redmine-API-Key: a\nX-Redmine-API-Key: b\n", false},
        {"", "X-Redmine-API-Key: \nX-Redmine-API-Key: \n", "", "", false},
        /* empty is absent */
        {"", "X-Redmine-API-Key: \n", "", "", true},
        {"key=", "Authorization: \n", "", "X-Redmine-Switch-User: \n", true},
        {"key=", "X-Redmine-API-Key: a\n", "", "X-Redmine-API-Key: a\n", true},
        {"key=a&key=", "", "", "", true},
};

static void pair(size_t at)
{
	struct identity a = identify(pairs[at].query, pairs[at].lines);
	struct identity b = identify(pairs[at].other_query, pairs[at].other_lines);

	ck_assert_msg((memcmp(a.digest, b.digest, sizeof(a.digest)) == 0) == pairs[at].same, "%s|%s %s|%s",
	        pairs[at].query, pairs[at].lines, pairs[at].other_query, pairs[at].other_lines);
}

START_TEST(every_pair)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		pair(i);
}
END_TEST

START_TEST(anonymous)
{
	ck_assert(identify("limit=5", "Accept: a\nCookie: b=c\n").anonymous);
	ck_assert(identify("key=", "X-Redmine-API-Key: \n").anonymous);
	ck_assert(!identify("key=a", "").anonymous);
	ck_assert(!identify("a=1;bearer_token=a", "").anonymous);
	ck_assert(!identify("", "X-Redmine-API-Key: a\n").anonymous);
	ck_assert(!identify("", "X_REDMINE_API_KEY: a\n").anonymous);
	ck_assert(!identify("", "authorization: a\n").anonymous);
	ck_assert(!identify("", "X-Redmine-Switch-User: a\n").anonymous);
}
END_TEST

START_TEST(cookie)
{
	ck_assert(!identify("", "Cookies: a\nSet-Cookie: b\n").cookie);
	ck_assert(identify("", "Accept: a\ncookie: b\n").cookie);
	ck_assert(identify("", "Cookie: \n").cookie);
}
END_TEST

START_TEST(secret_counts)
{
	static const struct digest_secret other = {.bytes = "x"};
	CLEANUP(query_parts_release) struct query_parts parts;
	struct fields fields = FIELDS_INIT;
	struct identity a, b;

	ck_assert_int_eq(query_parse(&parts, "key=a", 5, false), 0);
	identity_of(&a, &fields, &parts, &secret);
	identity_of(&b, &fields, &parts, &other);
	ck_assert_mem_ne(a.digest, b.digest, sizeof(a.digest));
}
END_TEST

static struct identity narrowed(const char *lines, const char *one, const char *other)
{
	struct identity identity = identify("", lines);

	identity_narrow(&identity, (const char *const[]){one, other}, 2, &secret);
	return identity;
}

START_TEST(another_way_is_another_identity)
{
	struct identity plain = identify("", "X-Redmine-API-Key: a\n");
	struct identity a = narrowed("X-Redmine-API-Key: a\n", "x", "yz"),
	                same = narrowed("X-Redmine-API-Key: a\n", "x", "yz");
	struct identity moved = narrowed("X-Redmine-API-Key: a\n", "xy", "z"), other = narrowed("", "x", "yz");

	ck_assert_mem_eq(a.digest, same.digest, sizeof(a.digest));
	ck_assert_mem_ne(a.digest, plain.digest, sizeof(a.digest));
	ck_assert_mem_ne(a.digest, moved.digest, sizeof(a.digest));
	ck_assert_mem_ne(a.digest, other.digest, sizeof(a.digest));
	ck_assert(!other.anonymous);
}
END_TEST

/* What the log shows is enough to find what is stored for an identity. */
START_TEST(digits_tell_the_tag)
{
	struct identity identity = {.digest = {0x0a, 0xb0, 0xff, 0x12}};
	char digits[IDENTITY_DIGITS + 1];

	identity_print(&identity, digits);
	ck_assert_str_eq(digits, "0ab0ff");
	ck_assert_uint_eq(identity_tag_of(digits), identity_tag(&identity));
	identity.digest[3] = 0x13; /* is not shown */
	ck_assert_uint_eq(identity_tag_of(digits), identity_tag(&identity));
	identity.digest[2] = 0xfe;
	ck_assert_uint_ne(identity_tag_of(digits), identity_tag(&identity));
}
END_TEST

UNIT_MAIN(
        "identity", every_pair, anonymous, cookie, secret_counts, another_way_is_another_identity, digits_tell_the_tag)
