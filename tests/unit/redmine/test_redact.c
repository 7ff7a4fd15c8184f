#define SECRET "0123456789abcdef0123456789abcdef01234567"

#include "redmine/redact.h"

#include "chance.h"
#include "../unit.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *raw, *shown;
} rows[] = {
        {"/issues.json?limit=100&offset=0", "/issues.json?limit=100&offset=0"},
        {"/issues.json", "/issues.json"},
        {"/issues.json?", "/issues.json?"},
        {"/issues.json?sort=key:desc&q=token", "/issues.json?sort=key:desc&q=token"},
        {"/issues.json?keywords=a&keyhole=b", "/issues.json?keywords=a&keyhole=b"},
        {"/issues.json?v[a][]=%3E%3D5", "/issues.json?v[a][]=%3E%3D5"},
        {"/wiki/A=B.json", "/wiki/A=B.json"},
        {"*", "*"},
        {"/a?key=" SECRET, "/a?key=-"},
        {"/a?key=" SECRET "&b=1", "/a?key=-&b=1"},
        {"/a?b=1&key=" SECRET "&c=2", "/a?b=1&key=-&c=2"},
        {"/a?KEY=" SECRET, "/a?KEY=-"},
        {"/a?%6bey=" SECRET, "/a?%6bey=-"},
        {"/a?%6B%65%79=" SECRET, "/a?%6B%65%79=-"},
        {"/a?%256bey=" SECRET, "/a?%256bey=-"},
        {"/a?[key]=" SECRET, "/a?[key]=-"},
        {"/a?key[]=" SECRET, "/a?key[]=-"},
        {"/a?key[a][b]=" SECRET, "/a?key[a][b]=-"},
        {"/a?%5Bkey%5D=" SECRET, "/a?%5Bkey%5D=-"},
        {"/a?+key+=" SECRET, "/a?+key+=-"},
        {"/a?key[?/;%26]=" SECRET, "/a?key[?/;%26]=-"},
        {"/a?access_token=" SECRET, "/a?access_token=-"},
        {"/a?bearer_token=" SECRET, "/a?bearer_token=-"},
        {"/a?api_key=" SECRET, "/a?api_key=-"},
        {"/a?apiKey=" SECRET, "/a?apiKey=-"},
        {"/a?password=" SECRET, "/a?password=-"},
        {"/a?user[password]=" SECRET, "/a?user[password]=-"},
        {"/a?user[password_confirmation]=" SECRET, "/a?user[password_confirmation]=-"},
        {"/a?token=" SECRET, "/a?token=-"},
        {"/a?client_secret=" SECRET, "/a?client_secret=-"},
        {"/a?key=a=b", "/a?key=-"},
        {"/a?key%3D" SECRET, "/a?-"},
        {"/a?x=1;key=" SECRET, "/a?x=-"},
        {"/a?key=1;2", "/a?key=-"},
        {"/a?x?key=" SECRET, "/a?x?key=-"},
        {"/a??key=" SECRET, "/a??key=-"},
        {"/login?back_url=%2Fissues.atom%3Fa%3D1%26key%3D" SECRET, "/login?back_url=-"},
        {"/login?back_url=%252Fx%253Fkey%253D" SECRET "&a=1", "/login?back_url=-&a=1"},
        {"/a?b=%zz&key=" SECRET, "/a?-"},
        {"/a?b=1&c=%", "/a?-"},
        {"/a;key=" SECRET, "/-"},
        {"/a/key=" SECRET "/b", "/a/-"},
        {"/a%3Fkey=" SECRET, "/-"},
        {"/a&key=" SECRET, "/-"},
        {"/a%zz?b=1", "/-?b=1"},
        {"http://user:" SECRET "@h:80/a?key=1", "http://h:80/a?key=-"},
        {"http://user:p@ss/" SECRET "@h/a", "-"}, /* no URL, but somebody's password */
        {"https://h", "https://h"},
        {"http://user:" SECRET "@h?a=1", "http://h?a=1"},
        {"user:" SECRET "@h:443", "-"},
        {"key=" SECRET, "-"},
        {"?key=" SECRET, "-"},
        {"", "-"},
        {"/a b\r\nX: \x01\x7f\xc3\xbc\"\\", "/a%20b%0D%0AX:%20%01%7F%C3%BC%22%5C"},
};

static void row(size_t at)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	ck_assert_int_eq(redact_target(rows[at].raw, 1000, &out), 0);
	ck_assert_str_eq(buf_text(&out), rows[at].shown);
}

START_TEST(every_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row(i);
}
END_TEST

START_TEST(cut)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
	struct buf small = BUF_INIT(5);

	ck_assert_int_eq(redact_target("/issues.json?limit=5&key=x", 10, &out), 0);
	ck_assert_str_eq(buf_text(&out), "/issues.js...");
	buf_clear(&out);
	ck_assert_int_eq(redact_target("/issues.json?limit=5", 20, &out), 0);
	ck_assert_str_eq(buf_text(&out), "/issues.json?limit=5");
	buf_clear(&out);
	ck_assert_int_eq(redact_target("/\xc3\xbc", 5, &out), 0);
	ck_assert_str_eq(buf_text(&out), "/%C3...");
	ck_assert_int_eq(redact_target("/issues.json", 100, &small), -ENOBUFS);
	buf_release(&small);
}
END_TEST

START_TEST(long_pieces)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(65536);
	char raw[8192] = "/a?";

	memset(raw + 3, 'x', 5000);
	strcpy(raw + 5003, "=1&key=" SECRET);
	ck_assert_int_eq(redact_target(raw, 60000, &out), 0);
	ck_assert_ptr_null(strstr(out.data, SECRET));
	memcpy(raw + 100, "%3Fkey%3D", 9);
	buf_clear(&out);
	ck_assert_int_eq(redact_target(raw, 60000, &out), 0);
	ck_assert_str_eq(out.data, "/a?-&key=-");
}
END_TEST

static void put(struct buf *out, const char *text)
{
	if (buf_add_text(out, text) < 0)
		abort();
}

/* Spells bytes with %XX, some of them over and over. */
static void respell(struct chance *chance, const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (buf_printf(out,
		            chance_below(chance, 3)   ? "%c"
		            : chance_below(chance, 2) ? "%%%02x"
		                                      : "%%25%02X",
		            *text) < 0)
			abort();
	}
}

/* Whatever stands around it, a credential that is named somehow does not come through. */
START_TEST(nothing_leaks)
{
	static const char *const names[] = {
	        "key", "KEY", "access_token", "bearer_token", "password", "api_key", "token"};
	static const char *const before[] = {
	        "", "a=1&", "[", "a=1;", "&&", "user[", "x=%2Fy%3F", "%26", "?", "b=%2525&"};
	static const char *const after[] = {"", "[]", "]", "[a]", "%5D", "+", "%20"};
	struct chance chance = {.state = 5};

	for (int i = 0; i < 20000; i++) {
		struct buf raw = BUF_INIT(4096), out = BUF_INIT(4096);
		bool query = chance_below(&chance, 4) > 0;

		put(&raw, query ? "/issues.json?" : "/issues.json;");
		put(&raw, chance_of(&chance, before));
		respell(&chance, chance_of(&chance, names), &raw);
		put(&raw, chance_of(&chance, after));
		put(&raw, chance_below(&chance, 3) ? "=" : "%3D");
		put(&raw, SECRET);
		put(&raw, chance_below(&chance, 2) ? "&c=3" : "");
		if (redact_target(raw.data, 2000, &out) != 0)
			abort();
		if (strstr(buf_text(&out), SECRET))
			ck_abort_msg("%s: %s", raw.data, out.data);
		buf_release(&raw);
		buf_release(&out);
	}
}
END_TEST

UNIT_MAIN("redact", every_row, cut, long_pieces, nothing_leaks)
