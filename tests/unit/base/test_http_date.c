#include "base/http_date.h"

#include "base/macros.h"

#include "../unit.h"

#define NOW_MS INT64_C(1785578400000) /* Sat, 01 Aug 2026 10:00:00 GMT */

/* RFC 9110 section 5.6.7 and RFC 9111 section 4.2. */
START_TEST(reads_dates)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: no date */
	} dates[] = {
	        /* the three forms of one moment */
	        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
	        {"Sun Nov  6 08:49:37 1994", 784111777},
	        {"Wed Nov 16 08:49:37 1994", 784975777},
	        /* case does not count for a cache */
	        {"sUN, 06 nOV 1994 08:49:37 gmt", 784111777},
	        {"SUNDAY, 06-NOV-94 08:49:37 gMt", 784111777},
	        {"Sat, 01 Aug 2026 10:00:00 GMT", NOW_MS / 1000},
	        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	        {"Mon, 29 Feb 2016 00:00:00 GMT", 1456704000},
	        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228799},
	        /* two digits of a year: less than 50 years ahead */
	        {"Saturday, 01-Aug-26 10:00:00 GMT", NOW_MS / 1000},
	        {"Saturday, 01-Aug-76 10:00:00 GMT", INT64_C(3363501600)},
	        {"Monday, 01-Aug-77 10:00:00 GMT", 239277600},
	        /* nothing else */
	        {"", -1},
	        {"0", -1},
	        {"-1", -1},
	        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	        {"Sun, 06 Nov 1994 08:49:37 +0000", -1},
	        {"Sun, 06 Nov 1994 08:49:37", -1},
	        {"Sun, 06 Nov 94 08:49:37 GMT", -1},
	        {"Sun 06 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 06  Nov  1994 08:49:37 GMT", -1},
	        {"Sun, 06-Nov-1994 08:49:37 GMT", -1},
	        {"Sun, 06 Nov 1994 08.49.37 GMT", -1},
	        {"Sun, 06 Nov 1994 8:49:37 GMT", -1},
	        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
	        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
	        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
	        {"Wed, 30 Feb 2016 00:00:00 GMT", -1},
	        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	        {" Sun, 06 Nov 1994 08:49:37 GMT", -1},
	        {"Son, 06 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 06 Nuv 1994 08:49:37 GMT", -1},
	        {"Sun, 06 Nov 1969 08:49:37 GMT", -1},
	        {"Sun Nov 06 08:49:37 1994 GMT", -1},
	        {"Sun Nov 6 08:49:37 1994", -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		int64_t ms = http_date_ms(dates[i].text, NOW_MS);

		ck_assert_msg(ms == (dates[i].seconds < 0 ? -1 : dates[i].seconds * 1000), "%s: %lld", dates[i].text,
		        (long long)ms);
	}
	ck_assert_int_eq(http_date_ms(NULL, NOW_MS), -1);
}
END_TEST

UNIT_MAIN("http_date", reads_dates)
