#include "cache/checksum.h"

#include "kit.h"

START_TEST(every_changed_bit_is_seen)
{
	uint8_t data[61];
	uint64_t sum;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	sum = checksum_add_bytes(CHECKSUM_START, data, sizeof(data));
	for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_uint_ne(checksum_add_bytes(CHECKSUM_START, data, sizeof(data)), sum);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_uint_eq(checksum_add_bytes(CHECKSUM_START, data, sizeof(data)), sum);
}
END_TEST

START_TEST(lengths_count)
{
	uint64_t ab_c = checksum_add_bytes(checksum_add_bytes(CHECKSUM_START, "ab", 2), "c", 1);
	uint64_t a_bc = checksum_add_bytes(checksum_add_bytes(CHECKSUM_START, "a", 1), "bc", 2);

	ck_assert_uint_ne(ab_c, a_bc);
	ck_assert_uint_ne(checksum_add_bytes(CHECKSUM_START, "\0\0", 1), checksum_add_bytes(CHECKSUM_START, "\0\0", 2));
	ck_assert_uint_ne(checksum_add_bytes(CHECKSUM_START, "", 0), CHECKSUM_START);
}
END_TEST

UNIT_MAIN("cache/checksum", every_changed_bit_is_seen, lengths_count)
