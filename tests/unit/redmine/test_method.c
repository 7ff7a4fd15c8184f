#include "redmine/method.h"

#include "base/macros.h"

#include <check.h>
#include <string.h>

static const struct {
	const char *method, *field, *effective;
} rows[] = {
        {"POST", NULL, "POST"},
        {"POST", "", "POST"},
        {"POST", "PUT", "PUT"},
        {"POST", "put", "PUT"},
        {"POST", "PaTcH", "PATCH"},
        {"POST", "DELETE", "DELETE"},
        {"POST", "get", "GET"},
        {"POST", "HEAD", "HEAD"},
        {"POST", "OPTIONS", "OPTIONS"},
        {"POST", "POST", "POST"},
        {"POST", "TRACE", "POST"},
        {"POST", "PURGE", "POST"},
        {"POST", "PUT, PUT", "POST"},
        {"POST", "PUT ", "POST"},
        {"POST", "PU", "POST"},
        {"post", "PUT", "post"},
        {"GET", "DELETE", "GET"},
        {"PUT", "DELETE", "PUT"},
};

START_TEST(row)
{
	ck_assert_str_eq(method_effective(rows[_i].method, rows[_i].field), rows[_i].effective);
}
END_TEST

START_TEST(safe)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
	static const char *const others[] = {"POST", "PUT", "PATCH", "DELETE", "get", "Head", "", "GETX", "CONNECT"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		ck_assert(method_is_safe(methods[i]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert(!method_is_safe(others[i]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redmine/method");
	TCase *cases = tcase_create("method");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(cases, row, 0, ARRAY_SIZE(rows));
	tcase_add_test(cases, safe);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
