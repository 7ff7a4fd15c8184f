#include "base/fail.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

START_TEST(says_what_failed)
{
	struct fail fail = {0};

	ck_assert_int_eq(fail_set(&fail, -ENOENT, "%s: %s", "file", "not there"), -ENOENT);
	ck_assert_int_eq(fail.code, -ENOENT);
	ck_assert_str_eq(fail.text, "file: not there");
}
END_TEST

START_TEST(prefix_comes_in_front)
{
	struct fail fail = {0};

	fail_set(&fail, -EIO, "disk");
	ck_assert_int_eq(fail_prefix(&fail, "loading %d", 7), -EIO);
	ck_assert_str_eq(fail.text, "loading 7: disk");
}
END_TEST

START_TEST(nobody_has_to_listen)
{
	ck_assert_int_eq(fail_set(NULL, -EPERM, "unheard"), -EPERM);
	ck_assert_int_eq(fail_prefix(NULL, "unheard"), 0);
}
END_TEST

START_TEST(long_text_is_cut)
{
	char text[2 * FAIL_TEXT_MAX];
	struct fail fail;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fail_set(&fail, -EIO, "%s", text);
	ck_assert_uint_eq(strlen(fail.text), FAIL_TEXT_MAX - 1);
	fail_prefix(&fail, "prefix");
	ck_assert_uint_eq(strlen(fail.text), FAIL_TEXT_MAX - 1);
	ck_assert_int_eq(strncmp(fail.text, "prefix: xxx", 11), 0);
	fail_prefix(&fail, "%s", text);
	ck_assert_uint_eq(strlen(fail.text), FAIL_TEXT_MAX - 1);
	ck_assert_int_eq(strncmp(fail.text, "xxx", 3), 0);
}
END_TEST

UNIT_MAIN("fail", says_what_failed, prefix_comes_in_front, nobody_has_to_listen, long_text_is_cut)
