#include "redmine/percent.h"

#include "base/macros.h"
#include "../unit.h"

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

static void row(size_t at)
{
	char text[32];
	bool malformed = false;

	ck_assert_uint_eq(percent_decode(text, rows[at].raw, strlen(rows[at].raw), &malformed), rows[at].size);
	ck_assert_mem_eq(text, rows[at].text, rows[at].size);
	ck_assert(malformed == rows[at].malformed);
	strcpy(text, rows[at].raw);
	ck_assert_uint_eq(percent_decode(text, text, strlen(text), NULL), rows[at].size);
	ck_assert_mem_eq(text, rows[at].text, rows[at].size);
}

START_TEST(every_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row(i);
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

UNIT_MAIN("percent", every_row, digits)
