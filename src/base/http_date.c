#include "base/http_date.h"

#include "base/macros.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const long_days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* The index of the word at *at, which is moved behind it; -1: none of them. */
static int take_word(const char **at, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(words[i]);

		if (strncasecmp(*at, words[i], size) == 0) {
			*at += size;
			return (int)i;
		}
	}
	return -1;
}

static bool take_text(const char **at, const char *text)
{
	size_t size = strlen(text);

	if (strncasecmp(*at, text, size) != 0)
		return false;
	*at += size;
	return true;
}

static bool take_digits(const char **at, int count, int *ret)
{
	int number = 0;

	for (int i = 0; i < count; i++) {
		if ((*at)[i] < '0' || (*at)[i] > '9')
			return false;
		number = number * 10 + ((*at)[i] - '0');
	}
	*at += count;
	*ret = number;
	return true;
}

static bool take_month(const char **at, struct tm *tm)
{
	tm->tm_mon = take_word(at, months, ARRAY_SIZE(months));
	return tm->tm_mon >= 0;
}

static bool take_year(const char **at, struct tm *tm)
{
	if (!take_digits(at, 4, &tm->tm_year))
		return false;
	tm->tm_year -= 1900;
	return true;
}

static bool take_time(const char **at, struct tm *tm)
{
	return take_digits(at, 2, &tm->tm_hour) && take_text(at, ":") && take_digits(at, 2, &tm->tm_min) &&
	       take_text(at, ":") && take_digits(at, 2, &tm->tm_sec) && tm->tm_hour < 24 && tm->tm_min < 60 &&
	       tm->tm_sec <= 60;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool is_fixdate(const char *at, struct tm *tm)
{
	return take_word(&at, days, ARRAY_SIZE(days)) >= 0 && take_text(&at, ", ") &&
	       take_digits(&at, 2, &tm->tm_mday) && take_text(&at, " ") && take_month(&at, tm) && take_text(&at, " ") &&
	       take_year(&at, tm) && take_text(&at, " ") && take_time(&at, tm) && take_text(&at, " GMT") && *at == '\0';
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool is_rfc850(const char *at, struct tm *tm, int64_t now_ms)
{
	time_t now = now_ms / 1000;
	struct tm today;

	if (take_word(&at, long_days, ARRAY_SIZE(long_days)) < 0 || !take_text(&at, ", ") ||
	        !take_digits(&at, 2, &tm->tm_mday) || !take_text(&at, "-") || !take_month(&at, tm) ||
	        !take_text(&at, "-") || !take_digits(&at, 2, &tm->tm_year) || !take_text(&at, " ") ||
	        !take_time(&at, tm) || !take_text(&at, " GMT") || *at != '\0')
		return false;
	gmtime_r(&now, &today);
	tm->tm_year += today.tm_year / 100 * 100;
	if (tm->tm_year > today.tm_year + 50)
		tm->tm_year -= 100;
	else if (tm->tm_year <= today.tm_year - 50)
		tm->tm_year += 100;
	return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool is_asctime(const char *at, struct tm *tm)
{
	if (take_word(&at, days, ARRAY_SIZE(days)) < 0 || !take_text(&at, " ") || !take_month(&at, tm) ||
	        !take_text(&at, " "))
		return false;
	if (!(take_text(&at, " ") ? take_digits(&at, 1, &tm->tm_mday) : take_digits(&at, 2, &tm->tm_mday)))
		return false;
	return take_text(&at, " ") && take_time(&at, tm) && take_text(&at, " ") && take_year(&at, tm) && *at == '\0';
}

int64_t http_date_ms(const char *text, int64_t now_ms)
{
	struct tm tm = {0};
	int day;
	time_t time;

	if (!text)
		return -1;
	if (!is_fixdate(text, &tm)) {
		tm = (struct tm){0};
		if (!is_rfc850(text, &tm, now_ms)) {
			tm = (struct tm){0};
			if (!is_asctime(text, &tm))
				return -1;
		}
	}
	day = tm.tm_mday;
	if (tm.tm_sec == 60) /* a leap second, which time_t does not know */
		tm.tm_sec = 59;
	time = timegm(&tm);
	/* timegm makes the 1st of March of the 30th of February. */
	return time >= 0 && tm.tm_mday == day ? (int64_t)time * 1000 : -1;
}
