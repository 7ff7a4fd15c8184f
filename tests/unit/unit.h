/*
 * The main() of a unit test program: UNIT_MAIN("buf", one_test, another_test)
 * runs the tests of Check and fails when one of them does.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdlib.h>

static inline int unit_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tests_case = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests_case, 60); /* a sanitizer on a busy machine is slow */
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tests_case, tests[i]);
	suite_add_tcase(suite, tests_case);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...)                                                                                           \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const TTest *const tests[] = {__VA_ARGS__};                                                            \
		return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]));                                        \
	}

#endif
