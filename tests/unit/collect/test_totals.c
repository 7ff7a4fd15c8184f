/* How long lists were. */
#include "collect/totals.h"

#include "../unit.h"

#include <string.h>

static struct cache_key key_of(unsigned char first, unsigned char last)
{
	struct cache_key key = {0};

	key.bytes[0] = first;
	key.bytes[7] = last;
	return key;
}

START_TEST(the_last_length_is_remembered)
{
	static struct totals totals;
	struct cache_key a = key_of(2, 0), b = key_of(2, 9), zero = key_of(0, 0);

	totals_init(&totals);
	ck_assert_int_eq(totals_find(&totals, &a), -1);
	ck_assert_int_eq(totals_find(&totals, &zero), -1);
	totals_note(&totals, &a, 240);
	totals_note(&totals, &zero, 0);
	ck_assert_int_eq(totals_find(&totals, &a), 240);
	ck_assert_int_eq(totals_find(&totals, &b), -1);
	totals_note(&totals, &a, 17);
	ck_assert_int_eq(totals_find(&totals, &a), 17);
	totals_note(&totals, &b, 5); /* in the same place */
	ck_assert_int_eq(totals_find(&totals, &a), -1);
	ck_assert_int_eq(totals_find(&totals, &b), 5);
	totals_release(&totals);
}
END_TEST

UNIT_MAIN("totals", the_last_length_is_remembered)
