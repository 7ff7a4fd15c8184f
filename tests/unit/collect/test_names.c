/* A set of row names. */
#include "collect/names.h"

#include "../redmine/chance.h"
#include "../unit.h"

START_TEST(remembers_what_was_added)
{
	struct names names = {0};

	ck_assert(!names_has(&names, 1));
	ck_assert_int_eq(names_add(&names, 1), 1);
	ck_assert_int_eq(names_add(&names, 1), 0);
	ck_assert_int_eq(names_add(&names, UINT64_MAX), 1);
	ck_assert_int_eq(names_add(&names, 64), 1);
	ck_assert(names_has(&names, 1) && names_has(&names, UINT64_MAX) && names_has(&names, 64));
	ck_assert(!names_has(&names, 0) && !names_has(&names, 63) && !names_has(&names, 65));
	ck_assert_uint_eq(names.count, 3);
	names_release(&names);
	ck_assert(!names_has(&names, 1));
}
END_TEST

START_TEST(dense_ids_take_little)
{
	struct names names = {0};

	for (uint64_t id = 1; id <= 200000; id++)
		ASSERT(names_add(&names, id) == 1);
	ck_assert_uint_eq(names.count, 200000);
	ck_assert_uint_le(names.room * sizeof(*names.places), 128 * 1024);
	for (uint64_t id = 0; id <= 200001; id++)
		ASSERT(names_has(&names, id) == (id >= 1 && id <= 200000));
	names_release(&names);
}
END_TEST

START_TEST(sparse_numbers_are_told_apart)
{
	struct chance chance = {.state = 7}, again;
	struct names names = {0};

	again = chance;
	for (size_t i = 0; i < 10000; i++)
		ASSERT(names_add(&names, chance_next(&chance)) == 1);
	for (size_t i = 0; i < 10000; i++)
		ASSERT(names_has(&names, chance_next(&again)));
	for (size_t i = 0; i < 10000; i++)
		ASSERT(!names_has(&names, chance_next(&chance)));
	names_release(&names);
}
END_TEST

UNIT_MAIN("names", remembers_what_was_added, dense_ids_take_little, sparse_numbers_are_told_apart)
