#include "flow/lookout_inside.h"

#include "base/clock.h"
#include "base/hash.h"
#include "conf/conf.h"

#define BODY_CEILING (4 * 1024 * 1024)
#define INTEREST_MS  (10 * INT64_C(60000)) /* watched for so long after the last answer that depends on it was fresh */
#define CLOSE_MS     1000                  /* differences below that are not worth a write */

#define ABOUT_ISSUES (TAG_ISSUES | TAG_ISSUE | TAG_MIXED)
/* Where hours show; they go with their issues. */
#define WITH_HOURS (ABOUT_ISSUES | TAG_TIME_ENTRIES | TAG_TIME_ENTRY | TAG_VERSION_HOURS)
/* What a change to the list of issues may raise. */
#define WITH_ISSUES (WITH_HOURS | TAG_RELATIONS | TAG_ATTACHMENT)

/* By WATCH_ISSUES, ...: what a difference raises, and the classes of reads for which it is looked at. */
static const struct {
	const char *target;
	unsigned raises, wanted_for;
} kinds[] = {
        [WATCH_ISSUES] = {"", 0, WITH_ISSUES},
        [WATCH_TIME_ENTRIES] = {"/time_entries.json?sort=created_on%3Adesc&limit=25", WITH_HOURS, WITH_HOURS},
        [WATCH_PROJECTS] = {"/projects.json?f%5B%5D=&limit=100", TAG_ANY, TAG_ANY},
};

void watched_reset(struct lookout *w)
{
	for (size_t i = 0; i < WATCH_MAX; i++) {
		struct watched *watched = &w->watched[i];

		watched->begun = false;
		watched->due_us = 0;
		watched->seen_ms = 0;
		if (i < ARRAY_SIZE(kinds)) {
			strcpy(watched->target, kinds[i].target);
			watched->classes = kinds[i].raises;
		}
	}
}

/* The three lists are looked at once in any case: what comes later is compared with that. */
static bool is_wanted(const struct lookout *w, size_t index, bool listened, int64_t now_ms)
{
	const struct watched *watched = &w->watched[index];

	if (index < WATCH_VERSIONS && (listened || !watched->begun))
		return true;
	return atomic_load(&watched->wanted_ms) > now_ms;
}

static bool are_versions_busy(const struct lookout *w)
{
	for (size_t i = WATCH_VERSIONS; i < WATCH_MAX; i++)
		if (w->watched[i].busy)
			return true;
	return false;
}

int watched_next(struct lookout *w, bool listened, int64_t *ret_due_us)
{
	int64_t now_us = clock_monotonic_us(), now_ms = clock_wall_ms();
	int64_t longest_us = now_us + w->conf->watch.interval_ms * 1000;
	size_t count = are_versions_busy(w) ? WATCH_VERSIONS : WATCH_MAX;
	int found = -1;

	for (size_t i = 0; i < count; i++) {
		int64_t due_us = w->watched[i].due_us;

		if (w->watched[i].busy || !is_wanted(w, i, listened, now_ms))
			continue;
		if (due_us > longest_us)
			due_us = longest_us; /* the interval has become shorter */
		if (found < 0 || due_us < *ret_due_us) {
			found = (int)i;
			*ret_due_us = due_us;
		}
	}
	return found;
}

/* Looks at the list; *ret_changed: it is another one than before. */
static bool look_at_list(const struct watch_round *round, struct watched *watched, bool *ret_changed)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT(BODY_CEILING);
	unsigned status = lookout_ask(round, watched->target, &body);
	uint64_t digest;

	if (status != 200 && status != 403 && status != 404)
		return false;
	digest = hash_add(HASH_START ^ status, body.data, body.size);
	*ret_changed = watched->begun && watched->digest != digest;
	watched->digest = digest;
	return true;
}

/* The three begin together and are spread over the interval then, so that Redmine never has all of them to answer at once. */
static int64_t pause_us(size_t index, bool first, int64_t interval_us)
{
	return first && index < WATCH_VERSIONS ? interval_us * ((int64_t)index + 1) / WATCH_VERSIONS : interval_us;
}

bool watched_look(const struct watch_round *round)
{
	struct lookout *w = round->lookout;
	size_t index = round->index;
	struct watched *place = &w->watched[index], list;
	int64_t begun_us = clock_monotonic_us(), begun_ms = clock_wall_ms();
	bool changed = false, answered;

	pthread_mutex_lock(&w->lock);
	list = (struct watched){.begun = place->begun, .digest = place->digest, .classes = place->classes};
	strcpy(list.target, place->target);
	pthread_mutex_unlock(&w->lock);
	answered = list.target[0] ? look_at_list(round, &list, &changed) : watch_issues(round, &w->issues);
	if (changed) {
		struct tags tags = {0};

		tags_add_classes(&tags, list.classes);
		lookout_found(round, &tags);
	}
	pthread_mutex_lock(&w->lock);
	place->due_us = begun_us + pause_us(index, !place->begun, round->conf->watch.interval_ms * 1000);
	if (answered) {
		place->begun = true;
		place->digest = list.digest;
		place->seen_ms = begun_ms;
	}
	pthread_mutex_unlock(&w->lock);
	return answered;
}

static void want(struct watched *watched, int64_t until_ms)
{
	if (atomic_load_explicit(&watched->wanted_ms, memory_order_relaxed) + CLOSE_MS < until_ms)
		atomic_store(&watched->wanted_ms, until_ms);
}

static bool are_wanted(struct lookout *w, int64_t until_ms)
{
	for (size_t i = 0; i < WATCH_VERSIONS; i++)
		if (atomic_load_explicit(&w->watched[i].wanted_ms, memory_order_relaxed) + CLOSE_MS < until_ms)
			return false;
	return true;
}

/* Its place, or that of the one which is not wanted longest; NULL: all are wanted. Locked. */
static struct watched *place_of(struct lookout *w, const char *target)
{
	struct watched *oldest = &w->watched[WATCH_VERSIONS];

	for (size_t i = WATCH_VERSIONS; i < WATCH_MAX; i++) {
		if (strcmp(w->watched[i].target, target) == 0)
			return &w->watched[i];
		if (oldest->busy || (!w->watched[i].busy &&
		                            atomic_load(&w->watched[i].wanted_ms) < atomic_load(&oldest->wanted_ms)))
			oldest = &w->watched[i];
	}
	if (atomic_load(&oldest->wanted_ms) > clock_wall_ms())
		return NULL;
	strcpy(oldest->target, target);
	oldest->classes = TAG_VERSIONS | TAG_VERSION_HOURS | TAG_PROJECTS | TAG_ATTACHMENT | ABOUT_ISSUES;
	oldest->begun = false;
	oldest->due_us = 0;
	oldest->seen_ms = 0;
	atomic_store(&oldest->wanted_ms, 0);
	pthread_cond_broadcast(&w->wake); /* how it is now has to be known before it changes */
	return oldest;
}

static void want_versions(struct lookout *w, const struct request *r, int64_t until_ms)
{
	char target[WATCH_PATH_SIZE];
	struct watched *place;

	if (r->target.format != TARGET_FORMAT_JSON || r->target.path_size >= sizeof(target) ||
	        (strcmp(r->resource->name, "versions") != 0 && strcmp(r->resource->name, "version") != 0))
		return;
	snprintf(target, sizeof(target), "%.*s", (int)r->target.path_size, r->target.path);
	pthread_mutex_lock(&w->lock);
	place = place_of(w, target);
	if (place)
		want(place, until_ms);
	pthread_mutex_unlock(&w->lock);
}

static void note(struct lookout *w, const struct request *r, int64_t until_ms)
{
	struct tags tags;

	until_ms += INTEREST_MS;
	want_versions(w, r, until_ms);
	if (are_wanted(w, until_ms))
		return;
	tags_of_read(&tags, r->resource, &r->target, &r->query);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (tags.classes & kinds[i].wanted_for)
			want(&w->watched[i], until_ms);
}

void lookout_note_hit(struct lookout *w, const struct request *r, int64_t until_ms)
{
	if (w && r->resource && !atomic_load_explicit(&w->idle, memory_order_relaxed))
		note(w, r, until_ms);
}

void lookout_note_read(struct lookout *w, const struct request *r)
{
	if (w && r->resource && !atomic_load_explicit(&w->idle, memory_order_relaxed))
		note(w, r, clock_wall_ms() + conf_lifetime_ms(r->conf, r->resource->name, r->resource->lifetime_ms));
}
