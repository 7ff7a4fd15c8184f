#include "conf/schedule.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define DAY_NAME   3
#define WEEK       7
#define EVERY_DAY  0x7fu
#define HOUR       60
#define LAST       (24 * HOUR)
#define DAYS_AHEAD 8 /* from yesterday on: the same day of next week, should today's time have passed */

static int refuse(struct fail *fail, const char *text)
{
	return fail_set(fail, -EINVAL, "\"%s\" is no time such as 06:30, mon-fri 06:30-19:00 or sat,sun 08:00", text);
}

/* Moves *at behind the day. -1: none. */
static int read_day(const char **at)
{
	static const char names[] = "sunmontuewedthufrisat";

	for (int day = 0; day < WEEK; day++) {
		if (strncasecmp(*at, names + day * DAY_NAME, DAY_NAME) == 0) {
			*at += DAY_NAME;
			return day;
		}
	}
	return -1;
}

/* "mon-fri,sun ": moves *at behind it. 0: it is none. */
static unsigned read_days(const char **at)
{
	unsigned days = 0;

	for (;; ++*at) {
		int first = read_day(at), last = first;

		if (first < 0)
			return 0;
		if (**at == '-') {
			++*at;
			last = read_day(at);
			if (last < 0)
				return 0;
		}
		for (int day = first; days |= 1u << day, day != last; day = (day + 1) % WEEK)
			;
		if (**at != ',')
			break;
	}
	if (**at != ' ')
		return 0;
	*at += strspn(*at, " ");
	return days;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "06:30", "6:30", "24:00": moves *at behind it. -1: it is none. */
static int read_clock(const char **at)
{
	int hours = 0, minutes, digits = 0;

	for (; digits < 2 && is_digit(**at); digits++, ++*at)
		hours = hours * 10 + (**at - '0');
	if (digits == 0 || **at != ':' || !is_digit((*at)[1]) || !is_digit((*at)[2]))
		return -1;
	minutes = ((*at)[1] - '0') * 10 + ((*at)[2] - '0');
	*at += 3;
	return minutes < HOUR && hours * HOUR + minutes <= LAST ? hours * HOUR + minutes : -1;
}

int schedule_parse(struct schedule_time *ret, const char *text, struct fail *fail)
{
	struct schedule_time time = {.days = EVERY_DAY, .to = -1};
	const char *at = text;

	if (!is_digit(*at)) {
		time.days = read_days(&at);
		if (!time.days)
			return refuse(fail, text);
	}
	time.from = read_clock(&at);
	if (time.from < 0 || time.from == LAST)
		return refuse(fail, text);
	if (*at == '-') {
		at++;
		time.to = read_clock(&at);
		if (time.to < 0)
			return refuse(fail, text);
		if (time.to == time.from)
			return fail_set(fail, -EINVAL, "\"%s\" ends when it begins", text);
	}
	if (*at)
		return refuse(fail, text);
	*ret = time;
	return 0;
}

/*
 * That time of the day so many days from the one of now. Tried as summer time and then as the other: left to itself,
 * mktime() takes for a time that comes twice now the one and now the other.
 */
static int64_t on_day(const struct tm *now, int days, int minutes)
{
	time_t seconds = -1;

	for (int summer = 1; summer >= 0; summer--) {
		struct tm at = {.tm_year = now->tm_year,
		        .tm_mon = now->tm_mon,
		        .tm_mday = now->tm_mday + days,
		        .tm_hour = minutes / HOUR,
		        .tm_min = minutes % HOUR,
		        .tm_isdst = summer};

		seconds = mktime(&at);
		if (seconds != -1 && at.tm_isdst == summer && at.tm_hour == minutes / HOUR % 24)
			break;
	}
	return (int64_t)seconds * 1000;
}

static bool is_on(const struct schedule_time *time, const struct tm *now, int days)
{
	return time->days >> ((now->tm_wday + days + WEEK) % WEEK) & 1;
}

static bool local(int64_t at_ms, struct tm *ret)
{
	time_t seconds = (time_t)(at_ms / 1000);

	tzset(); /* localtime_r() need not, and the zone's file may be another than at the start */
	return localtime_r(&seconds, ret) != NULL;
}

bool schedule_open(const struct schedule *schedule, int64_t now_ms)
{
	struct tm now;

	if (!local(now_ms, &now))
		return false;
	for (size_t i = 0; i < schedule->count; i++) {
		const struct schedule_time *time = &schedule->items[i];

		for (int day = -1; time->to >= 0 && day <= 0; day++)
			if (is_on(time, &now, day) && now_ms >= on_day(&now, day, time->from) &&
			        now_ms < on_day(&now, day + (time->to < time->from), time->to))
				return true;
	}
	return false;
}

int64_t schedule_next(const struct schedule *schedule, int64_t after_ms)
{
	int64_t next = INT64_MAX;
	struct tm now;

	if (!local(after_ms, &now))
		return next;
	for (size_t i = 0; i < schedule->count; i++) {
		const struct schedule_time *time = &schedule->items[i];

		for (int day = 0; day < DAYS_AHEAD; day++) {
			int64_t at = on_day(&now, day, time->from);

			if (is_on(time, &now, day) && at > after_ms && at < next)
				next = at;
		}
	}
	return next;
}
