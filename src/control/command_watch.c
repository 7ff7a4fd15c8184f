#include "control/command.h"

#include "base/clock.h"
#include "front/status.h"
#include "front/tally.h"
#include "redmine/identity.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define LOOK_MS          500 /* a caller who leaves is seen within this time */
#define INTERVAL_DEFAULT 1000
#define INTERVAL_MIN     100
#define INTERVAL_MAX     60000
#define TARGETS_MAX      512 /* told apart in one interval */
#define TARGETS_SHOWN    20

/* What tail is to show; NULL and 0: whatever. */
struct filter {
	const char *pattern, *identity, *cache, *method, *resource;
	int64_t slow_us;
	unsigned status_from, status_to;
};

/* "404", "5xx"; false: neither. */
static bool read_status(struct filter *filter, const char *text)
{
	if (strlen(text) != 3 || text[0] < '0' || text[0] > '5')
		return false;
	if (strcmp(text + 1, "xx") == 0) {
		filter->status_from = (unsigned)(text[0] - '0') * 100;
		filter->status_to = filter->status_from + 99;
		return true;
	}
	filter->status_from = filter->status_to = (unsigned)strtoul(text, NULL, 10);
	return strspn(text, "0123456789") == 3;
}

static bool cache_word_known(const char *word)
{
	for (size_t kind = 0; kind < CACHE_KINDS; kind++)
		if (strcmp(cache_kind_word((enum cache_kind)kind), word) == 0)
			return true;
	return false;
}

static bool resource_known(const char *name)
{
	return resource_name_known(name) || strcmp(name, tally_row_name(TALLY_OTHER)) == 0 ||
	       strcmp(name, tally_row_name(TALLY_OWN)) == 0;
}

static bool identity_known(const char *identity)
{
	return strcmp(identity, "-") == 0 ||
	       (strlen(identity) == IDENTITY_DIGITS && strspn(identity, "0123456789abcdef") == IDENTITY_DIGITS);
}

/* A filter that nothing could ever pass is a mistake: what is wrong with it; NULL: nothing. Static. */
static const char *find_wrong(struct filter *filter, const char *status)
{
	if (status && !read_status(filter, status))
		return "status: it is given as 404 or as 5xx.";
	if (filter->cache && !cache_word_known(filter->cache))
		return "cache: there are hit, stale-hit, miss, revalidated, collapsed, bypass, write and none.";
	if (filter->resource && !resource_known(filter->resource))
		return "resource: it is the name of a setting in [lifetime], or \"other\".";
	if (filter->identity && !identity_known(filter->identity))
		return "identity: six hexadecimal digits, as in the log, or - for none.";
	return NULL;
}

static int read_filter(struct filter *ret, struct caller *caller, struct json_object *arguments)
{
	const char *status = caller_text(arguments, "status");
	struct json_object *slow;
	const char *wrong;

	*ret = (struct filter){.pattern = caller_text(arguments, "pattern"),
	        .identity = caller_text(arguments, "identity"),
	        .cache = caller_text(arguments, "cache"),
	        .method = caller_text(arguments, "method"),
	        .resource = caller_text(arguments, "resource"),
	        .status_to = 999};
	if (json_object_object_get_ex(arguments, "slow_ms", &slow))
		ret->slow_us = json_object_get_int64(slow) * 1000;
	wrong = find_wrong(ret, status);
	if (wrong)
		caller_error(caller, "bad-request", "%s", wrong);
	return wrong ? -1 : 0;
}

static bool is(const char *wanted, const char *word)
{
	return !wanted || strcmp(wanted, word) == 0;
}

static bool passes(const struct filter *filter, const struct record *record)
{
	return (!filter->pattern || fnmatch(filter->pattern, record->target, 0) == 0) &&
	       is(filter->identity, record->identity) && is(filter->cache, cache_kind_word(record->kind)) &&
	       (!filter->method || strcasecmp(filter->method, record->method) == 0) &&
	       is(filter->resource, record->resource) && record->duration_us >= filter->slow_us &&
	       record->status >= filter->status_from && record->status <= filter->status_to;
}

static struct json_object *print_lost(uint64_t lost)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "lost", json_object_new_uint64(lost));
	return object;
}

void command_tail(struct caller *caller, struct json_object *arguments)
{
	struct watcher *watcher;
	struct filter filter;
	struct record record;
	uint64_t lost = 0, told = 0;
	int r;

	if (read_filter(&filter, caller, arguments) < 0)
		return;
	watcher = watcher_new(front_records(caller->settings->front));
	/* An empty row: whoever reads it knows that from now on nothing is missed. */
	r = watcher ? caller_row(caller, json_object_new_object()) : -1;
	while (r == 0 && !caller_should_stop(caller)) {
		if (watcher_next(watcher, LOOK_MS, &record, &lost) && passes(&filter, &record))
			r = caller_row(caller, status_print_record(&record, true));
		if (r == 0 && lost > told)
			r = caller_row(caller, print_lost(lost - told));
		told = lost;
	}
	if (watcher)
		watcher_free(watcher);
	caller_result(caller, json_object_new_object());
}

/* One target's requests in an interval. */
struct busy {
	char target[RECORD_TARGET];
	uint64_t count, hits;
	int64_t sum_us, most_us;
};

struct busies {
	struct busy items[TARGETS_MAX];
	size_t count;
	uint64_t others; /* requests for which there was no place */
};

static void add_busy(struct busies *busies, const struct record *record)
{
	struct busy *busy = busies->items, *end = busies->items + busies->count;

	while (busy < end && strcmp(busy->target, record->target) != 0)
		busy++;
	if (busy == end) {
		if (busies->count == TARGETS_MAX) {
			busies->others++;
			return;
		}
		busies->count++;
		*busy = (struct busy){0};
		memcpy(busy->target, record->target, sizeof(busy->target));
	}
	busy->count++;
	busy->hits += record->kind == CACHE_KIND_HIT || record->kind == CACHE_KIND_STALE_HIT;
	busy->sum_us += record->duration_us;
	if (record->duration_us > busy->most_us)
		busy->most_us = record->duration_us;
}

static int by_count(const void *one, const void *other)
{
	const struct busy *a = one, *b = other;

	return a->count < b->count ? 1 : a->count > b->count ? -1 : strcmp(a->target, b->target);
}

static struct json_object *print_busies(struct busies *busies)
{
	struct json_object *array = json_object_new_array();

	qsort(busies->items, busies->count, sizeof(busies->items[0]), by_count);
	for (size_t i = 0; i < busies->count && i < TARGETS_SHOWN; i++) {
		const struct busy *busy = &busies->items[i];
		struct json_object *object = json_object_new_object();

		status_add_text(object, "target", busy->target);
		status_add_count(object, "count", busy->count);
		status_add_count(object, "hits", busy->hits);
		status_add_count(object, "mean_us", (uint64_t)busy->sum_us / busy->count);
		status_add_count(object, "most_us", (uint64_t)busy->most_us);
		json_object_array_add(array, object);
	}
	return array;
}

/* Gathers until the interval is over. */
static void gather(struct caller *caller, struct watcher *watcher, struct busies *busies, int64_t interval_ms)
{
	int64_t end_us = clock_monotonic_us() + interval_ms * 1000, left_ms;
	struct record record;
	uint64_t lost;

	busies->count = 0;
	busies->others = 0;
	while ((left_ms = (end_us - clock_monotonic_us()) / 1000) > 0 && !caller_should_stop(caller))
		if (watcher_next(watcher, left_ms < LOOK_MS ? left_ms : LOOK_MS, &record, &lost))
			add_busy(busies, &record);
}

static int tell_top(struct caller *caller, struct busies *busies)
{
	struct conf *conf = front_conf(caller->settings->front);
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "status", status_print(caller->settings->front, conf));
	json_object_object_add(object, "busiest", print_busies(busies));
	status_add_count(object, "others", busies->others);
	conf_unref(conf);
	return caller_row(caller, object);
}

void command_top(struct caller *caller, struct json_object *arguments)
{
	CLEANUP(freep) struct busies *busies = calloc(1, sizeof(*busies));
	struct watcher *watcher = watcher_new(front_records(caller->settings->front));
	struct json_object *given;
	int64_t interval_ms = INTERVAL_DEFAULT;

	if (!watcher || !busies) {
		if (watcher)
			watcher_free(watcher);
		caller_error(caller, "failed", "Out of memory.");
		return;
	}
	if (json_object_object_get_ex(arguments, "interval_ms", &given))
		interval_ms = json_object_get_int64(given);
	if (interval_ms < INTERVAL_MIN || interval_ms > INTERVAL_MAX) {
		caller_error(caller, "bad-request", "interval: %d to %d milliseconds, not %lld.", INTERVAL_MIN,
		        INTERVAL_MAX, (long long)interval_ms);
	} else {
		while (tell_top(caller, busies) == 0)
			gather(caller, watcher, busies, interval_ms);
		caller_result(caller, json_object_new_object());
	}
	watcher_free(watcher);
}
