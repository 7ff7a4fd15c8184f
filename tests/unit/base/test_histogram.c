#include "base/histogram.h"

#include "../unit.h"

static const struct histogram_scale scale = {.count = 3, .bounds = {10, 20, 40}, .per_second = 10};

START_TEST(values_go_under_their_bounds)
{
	struct histogram h = {0};
	struct histogram_sum sum = {0};

	histogram_note(&h, &scale, 10);
	histogram_note(&h, &scale, 11);
	histogram_note(&h, &scale, -5);
	histogram_add(&h, &scale, 40);
	histogram_add(&h, &scale, 41);
	histogram_add(&h, &scale, 1000);
	histogram_collect(&h, &sum);
	ck_assert_uint_eq(sum.counts[0], 2);
	ck_assert_uint_eq(sum.counts[1], 1);
	ck_assert_uint_eq(sum.counts[2], 1);
	ck_assert_uint_eq(sum.counts[3], 2);
	ck_assert_uint_eq(sum.count, 6);
	ck_assert_uint_eq(sum.sum, 10 + 11 + 0 + 40 + 41 + 1000);
}
END_TEST

START_TEST(several_add_up)
{
	struct histogram a = {0}, b = {0};
	struct histogram_sum sum = {0};

	histogram_note(&a, &scale, 5);
	histogram_note(&b, &scale, 5);
	histogram_note(&b, &scale, 30);
	histogram_collect(&a, &sum);
	histogram_collect(&b, &sum);
	ck_assert_uint_eq(sum.counts[0], 2);
	ck_assert_uint_eq(sum.count, 3);
	ck_assert_uint_eq(sum.sum, 40);
}
END_TEST

START_TEST(quantiles)
{
	struct histogram_sum none = {0}, sum = {.counts = {10, 10, 0, 0}, .count = 20};
	struct histogram_sum beyond = {.counts = {0, 0, 0, 5}, .count = 5};

	ck_assert_double_eq(histogram_quantile(&none, &scale, 0.5), 0);
	ck_assert_double_eq(histogram_quantile(&sum, &scale, 0.25), 5);
	ck_assert_double_eq(histogram_quantile(&sum, &scale, 0.5), 10);
	ck_assert_double_eq(histogram_quantile(&sum, &scale, 0.75), 15);
	ck_assert_double_eq(histogram_quantile(&sum, &scale, 1), 20);
	ck_assert_double_eq(histogram_quantile(&beyond, &scale, 0.5), 40);
}
END_TEST

START_TEST(scales_rise)
{
	const struct histogram_scale *scales[] = {&histogram_durations, &histogram_ages};

	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_le(scales[i]->count, HISTOGRAM_BOUNDS_MAX);
		for (size_t j = 1; j < scales[i]->count; j++)
			ck_assert_int_gt(scales[i]->bounds[j], scales[i]->bounds[j - 1]);
	}
}
END_TEST

UNIT_MAIN("histogram", values_go_under_their_bounds, several_add_up, quantiles, scales_rise)
