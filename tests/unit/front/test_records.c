#include "front/records.h"

#include "../unit.h"
#include "base/macros.h"

#include <pthread.h>
#include <string.h>

static struct record made(const char *target, unsigned status, int64_t duration_us)
{
	struct record record = {.status = status, .duration_us = duration_us, .kind = CACHE_KIND_MISS};

	snprintf(record.target, sizeof(record.target), "%s", target);
	return record;
}

static void add(struct records *records, const char *target, unsigned status, int64_t duration_us)
{
	struct record record = made(target, status, duration_us);

	records_add(records, &record, true);
}

START_TEST(the_newest_of_a_target)
{
	struct records *records = records_new();
	struct record record;
	char target[32];

	ck_assert(!records_find_miss(records, "/a", &record));
	add(records, "/a", 200, 1);
	add(records, "/a", 404, 1);
	add(records, "/b", 200, 1);
	ck_assert(records_find_miss(records, "/a", &record));
	ck_assert_uint_eq(record.status, 404);
	record = made("/a", 200, 1);
	record.kind = CACHE_KIND_HIT;
	records_add(records, &record, true);
	ck_assert(records_find_miss(records, "/a", &record));
	ck_assert_uint_eq(record.status, 404); /* the hit after it needs no explanation */
	for (int i = 0; i < RECORDS_LAST - 2; i++) {
		snprintf(target, sizeof(target), "/%d", i);
		add(records, target, 200, 1);
	}
	ck_assert(!records_find_miss(records, "/a", &record)); /* pushed out */
	ck_assert(records_find_miss(records, "/b", &record));
	records_free(records);
	records_free(NULL);
}
END_TEST

START_TEST(slow_and_failed_ones)
{
	struct records *records = records_new();
	struct record bad[RECORDS_BAD + 1];

	ck_assert_uint_eq(records_bad(records, bad, ARRAY_SIZE(bad)), 0);
	add(records, "/fast", 200, RECORD_SLOW_US - 1);
	add(records, "/missing", 404, 1);
	add(records, "/slow", 200, RECORD_SLOW_US);
	add(records, "/failed", 502, 1);
	ck_assert_uint_eq(records_bad(records, bad, ARRAY_SIZE(bad)), 2);
	ck_assert_str_eq(bad[0].target, "/failed");
	ck_assert_str_eq(bad[1].target, "/slow");
	ck_assert_uint_eq(records_bad(records, bad, 1), 1);
	for (int i = 0; i < RECORDS_BAD; i++)
		add(records, "/again", 500, 1);
	ck_assert_uint_eq(records_bad(records, bad, ARRAY_SIZE(bad)), RECORDS_BAD);
	ck_assert_str_eq(bad[RECORDS_BAD - 1].target, "/again");
	records_free(records);
}
END_TEST

START_TEST(watchers_see_what_ends_while_they_watch)
{
	struct records *records = records_new();
	struct watcher *one, *other;
	struct record record;
	uint64_t lost;

	add(records, "/before", 200, 1);
	ck_assert(!records_watched(records));
	one = watcher_new(records);
	other = watcher_new(records);
	ck_assert(records_watched(records));
	ck_assert(!watcher_next(one, 0, &record, &lost));
	add(records, "/a", 200, 1);
	record = made("/ready", 200, 1);
	records_add(records, &record, false);
	ck_assert(watcher_next(one, 1000, &record, &lost));
	ck_assert_str_eq(record.target, "/a");
	ck_assert(watcher_next(one, 1000, &record, &lost));
	ck_assert_str_eq(record.target, "/ready");
	ck_assert(!watcher_next(one, 1, &record, &lost));
	watcher_free(one);
	ck_assert(watcher_next(other, 1000, &record, &lost));
	ck_assert_str_eq(record.target, "/a");
	ck_assert_uint_eq(lost, 0);
	watcher_free(other);
	ck_assert(!records_watched(records));
	ck_assert(!records_find_miss(records, "/ready", &record));
	records_free(records);
}
END_TEST

/* Who does not look loses what there is no room for, and nobody waits for him. */
START_TEST(a_watcher_that_does_not_look)
{
	struct records *records = records_new();
	struct watcher *watcher = watcher_new(records);
	struct record record;
	uint64_t lost, count = 0;

	for (int i = 0; i < 5000; i++)
		add(records, "/a", 200, 1);
	while (watcher_next(watcher, 0, &record, &lost))
		count++;
	ck_assert_uint_gt(count, 100);
	ck_assert_uint_eq(count + lost, 5000);
	watcher_free(watcher);
	records_free(records);
}
END_TEST

static void *add_from_elsewhere(void *records)
{
	add(records, "/a", 200, 1);
	return NULL;
}

START_TEST(who_waits_is_woken)
{
	struct records *records = records_new();
	struct watcher *watcher = watcher_new(records);
	struct record record;
	pthread_t thread;
	uint64_t lost;

	ck_assert_int_eq(pthread_create(&thread, NULL, add_from_elsewhere, records), 0);
	ck_assert(watcher_next(watcher, 50000, &record, &lost));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	watcher_free(watcher);
	records_free(records);
}
END_TEST

UNIT_MAIN("records", the_newest_of_a_target, slow_and_failed_ones, watchers_see_what_ends_while_they_watch,
        a_watcher_that_does_not_look, who_waits_is_woken)
