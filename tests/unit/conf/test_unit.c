#include "conf/unit.h"

#include "conf/conf.h"

#include "../unit.h"

#include <errno.h>

START_TEST(spans)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *printed;
	} rows[] = {
	        {"0", 0, "0"},
	        {"0s", 0, "0"},
	        {"00", 0, "0"},
	        {"1ms", 1, "1ms"},
	        {"250ms", 250, "250ms"},
	        {"1000ms", 1000, "1s"},
	        {"1500ms", 1500, "1500ms"},
	        {"30s", 30000, "30s"},
	        {"60s", 60000, "1m"},
	        {"90s", 90000, "90s"},
	        {"5m", 300000, "5m"},
	        {"1h", 3600000, "1h"},
	        {"24h", 86400000, "1d"},
	        {"7d", 604800000, "7d"},
	        {"9223372036854775807ms", INT64_MAX, "9223372036854775807ms"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(100);
		int64_t ms = -1;

		ck_assert_msg(conf_parse_span(rows[i].text, &ms) == 0, "%s", rows[i].text);
		ck_assert_int_eq(ms, rows[i].ms);
		ck_assert_int_eq(span_print(ms, &out), 0);
		ck_assert_str_eq(buf_text(&out), rows[i].printed);
		ck_assert_int_eq(conf_parse_span(buf_text(&out), &ms), 0);
		ck_assert_int_eq(ms, rows[i].ms);
	}
}
END_TEST

START_TEST(no_spans)
{
	static const char *const texts[] = {"", "s", "30", "30 s", " 30s", "30s ", "-1s", "+1s", "1.5s", "1h30m", "30S",
	        "30sec", "1w", "0x10s", "ms", "1K"};
	static const char *const large[] = {
	        "9223372036854775808ms", "99999999999999999999", "106751991168d", "9223372036854775807s"};
	int64_t ms = 42;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(conf_parse_span(texts[i], &ms) == -EINVAL, "\"%s\"", texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(large); i++)
		ck_assert_msg(conf_parse_span(large[i], &ms) == -ERANGE, "\"%s\"", large[i]);
	ck_assert_int_eq(ms, 42); /* left alone */
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		const char *printed;
	} rows[] = {
	        {"0", 0, "0"},
	        {"0M", 0, "0"},
	        {"1", 1, "1"},
	        {"1023", 1023, "1023"},
	        {"1024", 1024, "1K"},
	        {"4096", 4096, "4K"},
	        {"1536K", 1536 << 10, "1536K"},
	        {"64M", 64 << 20, "64M"},
	        {"1G", 1 << 30, "1G"},
	        {"1024G", 1ull << 40, "1T"},
	        {"8388607T", 8388607ull << 40, "8388607T"},
	        {"9223372036854775807", INT64_MAX, "9223372036854775807"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT(100);
		uint64_t bytes = 7;

		ck_assert_msg(conf_parse_size(rows[i].text, &bytes) == 0, "%s", rows[i].text);
		ck_assert_uint_eq(bytes, rows[i].bytes);
		ck_assert_int_eq(size_print(bytes, &out), 0);
		ck_assert_str_eq(buf_text(&out), rows[i].printed);
		ck_assert_int_eq(conf_parse_size(buf_text(&out), &bytes), 0);
		ck_assert_uint_eq(bytes, rows[i].bytes);
	}
}
END_TEST

START_TEST(no_sizes)
{
	static const char *const texts[] = {
	        "", "M", "64m", "64MB", "64 M", "-1", "+1", "1.5G", "1E", "0x10", "64K64", "5s"};
	static const char *const large[] = {"9223372036854775808", "8388608T", "99999999999999999999M"};
	uint64_t bytes = 42;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(conf_parse_size(texts[i], &bytes) == -EINVAL, "\"%s\"", texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(large); i++)
		ck_assert_msg(conf_parse_size(large[i], &bytes) == -ERANGE, "\"%s\"", large[i]);
	ck_assert_uint_eq(bytes, 42);
}
END_TEST

START_TEST(numbers)
{
	int number = 42;

	ck_assert_int_eq(number_read("0", &number), 0);
	ck_assert_int_eq(number, 0);
	ck_assert_int_eq(number_read("2147483647", &number), 0);
	ck_assert_int_eq(number, INT32_MAX);
	ck_assert_int_eq(number_read("2147483648", &number), -ERANGE);
	ck_assert_int_eq(number_read("", &number), -EINVAL);
	ck_assert_int_eq(number_read("1K", &number), -EINVAL);
	ck_assert_int_eq(number_read("-1", &number), -EINVAL);
	ck_assert_int_eq(number, INT32_MAX);
}
END_TEST

UNIT_MAIN("unit", spans, no_spans, sizes, no_sizes, numbers)
