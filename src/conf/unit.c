#include "conf/unit.h"

#include "conf/conf.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* The smallest first. */
static const struct unit span_units[] = {
        {"ms", 1},
        {"s", 1000},
        {"m", 60 * 1000},
        {"h", 3600 * 1000},
        {"d", 24 * 3600 * 1000},
};

static const struct unit size_units[] = {
        {"", 1},
        {"K", 1ull << 10},
        {"M", 1ull << 20},
        {"G", 1ull << 30},
        {"T", 1ull << 40},
};

/* Digits and one of the units, nothing else. 0 may go without. */
static int parse(const char *text, const struct unit *units, size_t count, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (number > (max - digit) / 10)
			return -ERANGE;
		number = number * 10 + digit;
	}
	if (at == text)
		return -EINVAL;
	if (number == 0 && *at == '\0') {
		*ret = 0;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(units[i].name, at) != 0)
			continue;
		if (number > max / units[i].factor)
			return -ERANGE;
		*ret = number * units[i].factor;
		return 0;
	}
	return -EINVAL;
}

static int print(uint64_t number, const struct unit *units, size_t count, struct buf *out)
{
	const struct unit *unit = units;
	int r;

	if (number == 0)
		return buf_add_char(out, '0');
	for (size_t i = 0; i < count; i++)
		if (number % units[i].factor == 0)
			unit = &units[i];
	r = buf_add_unsigned(out, number / unit->factor);
	return r < 0 ? r : buf_add_text(out, unit->name);
}

int conf_parse_span(const char *text, int64_t *ret_ms)
{
	uint64_t ms;
	int r = parse(text, span_units, ARRAY_SIZE(span_units), INT64_MAX, &ms);

	if (r == 0)
		*ret_ms = (int64_t)ms;
	return r;
}

int conf_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse(text, size_units, ARRAY_SIZE(size_units), INT64_MAX, ret_bytes);
}

int number_read(const char *text, int *ret)
{
	uint64_t number;
	int r = parse(text, size_units, 1, INT_MAX, &number); /* the first unit is none at all */

	if (r == 0)
		*ret = (int)number;
	return r;
}

int span_print(int64_t ms, struct buf *out)
{
	ASSERT(ms >= 0);
	return print((uint64_t)ms, span_units, ARRAY_SIZE(span_units), out);
}

int size_print(uint64_t bytes, struct buf *out)
{
	return print(bytes, size_units, ARRAY_SIZE(size_units), out);
}
