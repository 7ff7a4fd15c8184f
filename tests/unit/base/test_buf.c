#include "base/buf.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

START_TEST(empty_is_text_without_memory)
{
	struct buf b;

	buf_init(&b, 10);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert_ptr_null(b.data);
	ck_assert_ptr_null(buf_take(&b, NULL));
	buf_release(&b);
}
END_TEST

START_TEST(adds_in_order)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

	ck_assert_int_eq(buf_add(&b, "ab", 1), 0);
	ck_assert_int_eq(buf_add_text(&b, "bc"), 0);
	ck_assert_int_eq(buf_add_char(&b, '-'), 0);
	ck_assert_int_eq(buf_printf(&b, "%s=%d", "n", -7), 0);
	ck_assert_int_eq(buf_add(&b, "", 0), 0);
	ck_assert_str_eq(buf_text(&b), "abc-n=-7");
	ck_assert_uint_eq(b.size, 8);
}
END_TEST

START_TEST(numbers_to_the_last)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT(100);

	ck_assert_int_eq(buf_add_unsigned(&b, 0), 0);
	ck_assert_int_eq(buf_add_char(&b, ' '), 0);
	ck_assert_int_eq(buf_add_unsigned(&b, UINT64_MAX), 0);
	ck_assert_str_eq(buf_text(&b), "0 18446744073709551615");
}
END_TEST

START_TEST(ceiling_is_kept_to_the_byte)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT(4);

	ck_assert_int_eq(buf_add_text(&b, "1234"), 0);
	ck_assert_int_eq(buf_add_char(&b, '5'), -ENOBUFS);
	ck_assert_int_eq(buf_printf(&b, "%d", 5), -ENOBUFS);
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), -ENOBUFS);
	ck_assert_str_eq(buf_text(&b), "1234");
	ck_assert_int_eq(buf_add(&b, "", 0), 0);
	buf_clear(&b);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert_int_eq(buf_add_text(&b, "12345"), -ENOBUFS);
	ck_assert_int_eq(buf_add_text(&b, "abcd"), 0);
}
END_TEST

START_TEST(reserved_room_does_not_move)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT(1 << 20);
	char *data;

	ck_assert_int_eq(buf_reserve(&b, 5000), 0);
	data = b.data;
	for (int i = 0; i < 5000; i++)
		ck_assert_int_eq(buf_add_char(&b, 'x'), 0);
	ck_assert_ptr_eq(b.data, data);
	ck_assert_uint_eq(strlen(buf_text(&b)), 5000);
}
END_TEST

/* Every size around the first rooms, so that the NUL always has its byte (the sanitizer looks on). */
START_TEST(grows_at_every_size)
{
	for (size_t size = 1; size < 300; size++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT(size);

		for (size_t i = 0; i < size; i++)
			ck_assert_int_eq(buf_add_char(&b, (char)('a' + i % 26)), 0);
		ck_assert_uint_eq(strlen(buf_text(&b)), size);
	}
}
END_TEST

START_TEST(taken_memory_is_the_callers)
{
	struct buf b = BUF_INIT(100);
	size_t size;
	char *data;

	ck_assert_int_eq(buf_add(&b, "a\0b", 3), 0);
	data = buf_take(&b, &size);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(data, "a\0b", 4);
	free(data);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert_int_eq(buf_add_text(&b, "again"), 0);
	ck_assert_str_eq(buf_text(&b), "again");
	buf_release(&b);
	ck_assert_uint_eq(b.ceiling, 100);
}
END_TEST

UNIT_MAIN("buf", empty_is_text_without_memory, adds_in_order, numbers_to_the_last, ceiling_is_kept_to_the_byte,
        reserved_room_does_not_move, grows_at_every_size, taken_memory_is_the_callers)
