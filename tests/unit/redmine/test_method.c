#include "redmine/method.h"

#include "base/macros.h"
#include "../unit.h"

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

static void row(size_t at)
{
	ck_assert_str_eq(method_effective(rows[at].method, rows[at].field), rows[at].effective);
}

START_TEST(every_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row(i);
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

UNIT_MAIN("method", every_row, safe)
