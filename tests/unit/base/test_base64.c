#include "base/base64.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

/* RFC 4648 section 10. */
START_TEST(as_the_rfc_has_it)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(100);

		ck_assert_int_eq(buf_add_text(&out, ">"), 0);
		ck_assert_int_eq(base64_add(&out, pairs[i][0], strlen(pairs[i][0])), 0);
		ck_assert_str_eq(buf_text(&out) + 1, pairs[i][1]);
		ck_assert_uint_eq(out.size, strlen(out.data));
		buf_clear(&out);
		ck_assert_int_eq(base64_read(&out, pairs[i][1], strlen(pairs[i][1])), 0);
		ck_assert_str_eq(buf_text(&out), pairs[i][0]);
	}
}
END_TEST

START_TEST(what_is_none)
{
	static const char *const texts[] = {"Z", "Zg", "Zg=", "Zg==Zg==", "Z*==", "====", "Zm9v\x80"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(100);

		ck_assert_msg(base64_read(&out, texts[i], strlen(texts[i])) == -EINVAL, "%s", texts[i]);
		ck_assert_uint_eq(out.size, 0);
	}
}
END_TEST

START_TEST(within_the_ceiling)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4);

	ck_assert_int_eq(base64_add(&out, "abcd", 4), -ENOBUFS);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_int_eq(base64_add(&out, "\0\xff", 2), 0);
	ck_assert_str_eq(buf_text(&out), "AP8=");
}
END_TEST

UNIT_MAIN("base64", as_the_rfc_has_it, what_is_none, within_the_ceiling)
