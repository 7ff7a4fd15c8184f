/* Times of the week, over days on which the clock is set. */
#include "conf/schedule.h"

#include "../unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)

/* Central Europe, as POSIX writes it: no files of zones are needed. */
static void live_in_berlin(void)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
}

/* "2026-11-23 06:30" in UTC. */
static int64_t utc(const char *text)
{
	struct tm tm = {0};

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return (int64_t)timegm(&tm) * 1000;
}

static struct schedule_time parse(const char *text)
{
	struct schedule_time time;
	struct fail fail = {0};

	ck_assert_msg(schedule_parse(&time, text, &fail) == 0, "%s", text);
	return time;
}

static int64_t next_of(const char *text, const char *after)
{
	struct schedule_time time = parse(text);

	return schedule_next(&(struct schedule){&time, 1}, utc(after));
}

static bool open_at(const char *text, const char *now)
{
	struct schedule_time time = parse(text);

	return schedule_open(&(struct schedule){&time, 1}, utc(now));
}

START_TEST(reads_times)
{
	static const struct {
		const char *text;
		unsigned days;
		int from, to;
	} rows[] = {{"06:30", 0x7f, 390, -1}, {"6:05-24:00", 0x7f, 365, 1440}, {"mon-fri 06:30-19:00", 0x3e, 390, 1140},
	        {"sat,sun 08:00", 0x41, 480, -1}, {"Fri-Mon,wed 22:00-02:00", 0x6b, 1320, 120},
	        {"mon-mon  00:00", 0x02, 0, -1}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct schedule_time time = parse(rows[i].text);

		ck_assert_uint_eq(time.days, rows[i].days);
		ck_assert_int_eq(time.from, rows[i].from);
		ck_assert_int_eq(time.to, rows[i].to);
	}
}
END_TEST

START_TEST(refuses_what_is_no_time)
{
	static const char *const texts[] = {"", "6", "06:3", "06:300", "25:00", "24:00", "12:60", "06:30-",
	        "06:30-06:30", "24:01", "mon", "mon ", "mon06:30", "mon-06:30", "mo 06:30", "mon, 06:30",
	        "mon-xyz 1:00", "06:30 mon", "-1:00", "06:30 ", "006:30", "mon-fri, sat 06:30", "06:30-19:00-20:00"};
	struct schedule_time time;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct fail fail = {0};

		ck_assert_msg(schedule_parse(&time, texts[i], &fail) == -EINVAL, "%s", texts[i]);
		ck_assert_ptr_nonnull(strstr(fail.text, texts[i]));
	}
}
END_TEST

START_TEST(the_next_time)
{
	live_in_berlin();
	/* 2026-11-23 is a Monday, an hour ahead of UTC */
	ck_assert_int_eq(next_of("06:30", "2026-11-23 05:29"), utc("2026-11-23 05:30"));
	ck_assert_int_eq(next_of("06:30", "2026-11-23 05:30"), utc("2026-11-24 05:30"));
	ck_assert_int_eq(next_of("mon 06:30", "2026-11-23 05:30"), utc("2026-11-30 05:30"));
	ck_assert_int_eq(next_of("sat,sun 08:00-09:00", "2026-11-23 05:30"), utc("2026-11-28 07:00"));
	ck_assert_int_eq(next_of("mon-fri 06:30", "2026-11-27 12:00"), utc("2026-11-30 05:30"));
	ck_assert_int_eq(next_of("00:00", "2026-12-31 22:00"), utc("2026-12-31 23:00"));
	ck_assert_int_eq(schedule_next(&(struct schedule){NULL, 0}, utc("2026-11-23 05:30")), INT64_MAX);
}
END_TEST

START_TEST(the_soonest_of_several)
{
	struct schedule_time times[2];

	live_in_berlin();
	times[0] = parse("06:30");
	times[1] = parse("05:00-05:30");
	ck_assert_int_eq(schedule_next(&(struct schedule){times, 2}, utc("2026-11-23 02:00")), utc("2026-11-23 04:00"));
	ck_assert_int_eq(schedule_next(&(struct schedule){times, 2}, utc("2026-11-23 04:00")), utc("2026-11-23 05:30"));
}
END_TEST

START_TEST(summer_time_begins_and_ends)
{
	live_in_berlin();
	/* 2026-03-29, 02:00 becomes 03:00; 2026-10-25, 03:00 becomes 02:00 */
	ck_assert_int_eq(next_of("06:30", "2026-03-28 05:30"), utc("2026-03-29 04:30"));
	ck_assert_int_eq(next_of("06:30", "2026-10-24 04:30"), utc("2026-10-25 05:30"));
	ck_assert_int_eq(
	        next_of("02:30", "2026-03-28 01:30"), utc("2026-03-29 01:30")); /* 03:30: the hour is skipped */
	ck_assert_int_eq(next_of("02:30", "2026-03-29 01:30"), utc("2026-03-30 00:30"));
	/* 02:30 comes twice and is taken once; each start of the search after it finds the next day's */
	for (int64_t after = utc("2026-10-24 12:00"), found = 0; after < utc("2026-10-26 00:00");
	        after += 10 * MINUTE) {
		struct schedule_time time = parse("02:30");
		int64_t next = schedule_next(&(struct schedule){&time, 1}, after);

		ck_assert_int_gt(next, after);
		ck_assert_int_le(next - after, 25 * HOUR);
		if (found && after < found)
			ck_assert_int_eq(next, found);
		found = next;
	}
	ck_assert(open_at("06:30-19:00", "2026-03-29 04:30") && !open_at("06:30-19:00", "2026-03-29 04:29"));
	ck_assert(open_at("06:30-19:00", "2026-10-25 17:59") && !open_at("06:30-19:00", "2026-10-25 18:00"));
	/* a night that has an hour more */
	for (int64_t at = utc("2026-10-24 20:00"); at < utc("2026-10-25 05:00"); at += 10 * MINUTE) {
		struct schedule_time time = parse("sat 22:00-06:00");

		ck_assert(schedule_open(&(struct schedule){&time, 1}, at));
	}
	ck_assert(!open_at("sat 22:00-06:00", "2026-10-25 05:00"));
}
END_TEST

START_TEST(within_a_span)
{
	live_in_berlin();
	ck_assert(open_at("mon 06:30-19:00", "2026-11-23 05:30") && open_at("mon 06:30-19:00", "2026-11-23 17:59"));
	ck_assert(!open_at("mon 06:30-19:00", "2026-11-23 18:00") && !open_at("mon 06:30-19:00", "2026-11-24 08:00"));
	ck_assert(open_at("mon 22:00-02:00", "2026-11-24 00:59") && !open_at("mon 22:00-02:00", "2026-11-24 01:00"));
	ck_assert(!open_at("mon 22:00-02:00", "2026-11-23 00:30")); /* Sunday's night */
	ck_assert(open_at("mon 22:00-00:00", "2026-11-23 22:59") && !open_at("mon 22:00-00:00", "2026-11-23 23:00"));
	ck_assert(open_at("00:00-24:00", "2026-11-23 23:00"));
	ck_assert(!open_at("06:30", "2026-11-23 05:30")); /* a moment is no span */
}
END_TEST

UNIT_MAIN("schedule", reads_times, refuses_what_is_no_time, the_next_time, the_soonest_of_several,
        summer_time_begins_and_ends, within_a_span)
