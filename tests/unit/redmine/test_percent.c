#include "redmine/percent.h"

#include "base/macros.h"

#include <check.h>
#include <string.h>

static const struct {
	const char *raw, *text;
	size_t size;
	bool malformed;
} rows[] = {
        {"", "", 0, false},
        {"abc", "abc", 3, false},
        {"a+b", "a b", 3, false},
        {"%41%4a%4A", "AJJ", 3, false},
        {"%00x", "\0x", 2, false},
        {"%ff", "\xff", 1, false},
        {"%2B%25", "+%", 2, false},
        {"%2525", "%25", 3, false},
        {"%", "%", 1, true},
        {"%4", "%4", 2, true},
        {"a%zz", "a%zz", 4, true},
        {"%4g%41", "%4gA", 4, true},
        {"%%41", "%A", 2, true},
};

START_TEST(row)
{
	char text[32];
	bool malformed = false;

	ck_assert_uint_eq(percent_decode(text, rows[_i].raw, strlen(rows[_i].raw), &malformed), rows[_i].size);
	ck_assert_mem_eq(text, rows[_i].text, rows[_i].size);
	ck_assert(malformed == rows[_i].malformed);
	strcpy(text, rows[_i].raw);
	ck_assert_uint_eq(percent_decode(text, text, strlen(text), NULL), rows[_i].size);
	ck_assert_mem_eq(text, rows[_i].text, rows[_i].size);
}
END_TEST

START_TEST(digits)
{
	static const char valid[] = "0123456789abcdefABCDEF";

	for (int c = 0; c < 256; c++)
		ck_assert((percent_digit((char)c) >= 0) == (c != 0 && strchr(valid, c) != NULL));
	ck_assert_int_eq(percent_digit('9'), 9);
	ck_assert_int_eq(percent_digit('f'), 15);
	ck_assert_int_eq(percent_digit('A'), 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redmine/percent");
	TCase *cases = tcase_create("percent");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(cases, row, 0, ARRAY_SIZE(rows));
	tcase_add_test(cases, digits);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
