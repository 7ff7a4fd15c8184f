#include "front/tally.h"

#include "../unit.h"

START_TEST(a_request_is_counted_where_it_belongs)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	struct tally_sum *sum = calloc(1, sizeof(*sum));
	struct tally_request hit = {.row = 2, .kind = CACHE_KIND_HIT, .status = 200, .duration_us = 10, .age_ms = 5000};
	struct tally_request lost = {.row = TALLY_OWN, .kind = CACHE_KIND_NONE, .status = 0, .age_ms = -1};
	struct tally_request odd = {.row = TALLY_OTHER, .kind = CACHE_KIND_MISS, .status = 999, .age_ms = -1};

	tally_note(tally, &hit);
	tally_note(tally, &hit);
	tally_note(tally, &lost);
	tally_note(tally, &odd);
	tally_collect(tally, sum);
	tally_collect(tally, sum); /* two event threads */
	ck_assert_uint_eq(sum->requests[2][CACHE_KIND_HIT][2], 4);
	ck_assert_uint_eq(sum->requests[TALLY_OWN][CACHE_KIND_NONE][0], 2);
	ck_assert_uint_eq(sum->requests[TALLY_OTHER][CACHE_KIND_MISS][5], 2);
	ck_assert_uint_eq(sum->durations[CACHE_KIND_HIT].count, 4);
	ck_assert_uint_eq(sum->durations[CACHE_KIND_HIT].sum, 40);
	ck_assert_uint_eq(sum->ages.count, 4);
	ck_assert_uint_eq(sum->ages.sum, 20000);
	free(tally);
	free(sum);
}
END_TEST

START_TEST(rows_have_names)
{
	size_t rows = 0;

	for (size_t row = 0; resource_at(row); row++, rows++) {
		ck_assert_str_eq(tally_row_name(row), resource_at(row)->name);
		ck_assert_uint_eq(resource_index(resource_at(row)), row);
		ck_assert_str_eq(tally_row_name(tally_first_row(row)), resource_at(row)->name);
		ck_assert_uint_le(tally_first_row(row), row);
	}
	ck_assert_uint_gt(rows, 30);
	ck_assert_ptr_null(tally_row_name(rows));
	ck_assert_str_eq(tally_row_name(TALLY_OTHER), "other");
	ck_assert_str_eq(tally_row_name(TALLY_OWN), "own");
	ck_assert_uint_eq(tally_first_row(TALLY_OWN), TALLY_OWN);
	ck_assert_uint_eq(resource_index(NULL), TALLY_OTHER);
}
END_TEST

UNIT_MAIN("tally", a_request_is_counted_where_it_belongs, rows_have_names)
