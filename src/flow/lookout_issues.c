#include "flow/lookout_inside.h"

#include "base/clock.h"
#include "flow/changes.h"

/*
 * redmine-api.md 6.1: a change shows when it is committed, with the time of when it was made; so a look goes back past
 * the newest that was seen before, as long as somebody may be that late.
 */
#define OVERLAP_S    60
#define NEAR_S       10                  /* most who are late are not later than that: every look goes back so far... */
#define WIDE_MS      (9 * INT64_C(1000)) /* ... and one in that time as far as the overlap */
#define ROWS_QUIET   1                   /* when nobody can be late any more */
#define ROWS_MORE    5                   /* besides those that are near: so many new ones push none of them out */
#define ROWS_NEXT    10                  /* when all of these are new */
#define ROWS_AGAIN   50
#define PAGES_MAX    3
#define SINGLES_MAX  50 /* more changes at once are told as one */
#define SECOND_US    (1000 * INT64_C(1000))
#define BODY_CEILING (4 * 1024 * 1024)

#define EDITED  (TAG_ISSUES | TAG_MIXED | TAG_VERSION_HOURS | TAG_RELATIONS | TAG_ATTACHMENT)
#define REMOVED (EDITED | TAG_ISSUE | TAG_TIME_ENTRIES | TAG_TIME_ENTRY)

void watched_issues_release(struct watched_issues *issues)
{
	free(issues->known);
	*issues = (struct watched_issues){0};
}

/* What a look finds, before it becomes what is known. */
struct findings {
	struct known_issue *known;
	size_t known_count, changed;
	size_t fresh; /* of what changed: not known before, while the rest is told once more */
	uint64_t created, total, id_max;
	int64_t now_us, newest_s;
	bool wide;       /* goes back as far as the overlap */
	bool incomplete; /* there may be more changes than were looked at */
};

static void add_one(struct tags *tags, const char *kind, uint64_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s:%llu", kind, (unsigned long long)number);
	tags_add_name(tags, name);
}

static void tell_edited(const struct watch_round *round, const struct issue_row *row)
{
	struct tags tags = {0};

	tags_add_classes(&tags, EDITED);
	add_one(&tags, "issue", row->id);
	tags_add_name(&tags, "issue:?");
	if (row->parent > 0)
		add_one(&tags, "issue", row->parent);
	snprintf(tags.own, sizeof(tags.own), "issue:%llu", (unsigned long long)row->id);
	lookout_found(round, &tags);
}

static void tell_all(const struct watch_round *round, unsigned classes)
{
	struct tags tags = {0};

	tags_add_classes(&tags, classes);
	lookout_found(round, &tags);
}

static const struct known_issue *find(const struct known_issue *known, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (known[i].row.id == id)
			return &known[i];
	return NULL;
}

static void keep(struct findings *findings, const struct issue_row *row, int64_t again_us)
{
	if (findings->known_count < WATCH_KNOWN_MAX)
		findings->known[findings->known_count++] = (struct known_issue){.row = *row, .again_us = again_us};
}

static void tell_change(const struct watch_round *round, struct findings *findings, const struct issue_row *row)
{
	if (++findings->changed <= SINGLES_MAX)
		tell_edited(round, row);
}

/* A time is a whole second: what changed in it may change in it once more, and is dropped until that is over. */
static void compare(const struct watch_round *round, const struct watched_issues *issues, const struct issue_row *row,
        struct findings *findings)
{
	const struct known_issue *known = find(issues->known, issues->known_count, row->id);
	bool same = known && known->row.updated_s == row->updated_s && known->row.digest == row->digest;
	int64_t again_us = 0;

	if (find(findings->known, findings->known_count, row->id))
		return; /* moved to the next page meanwhile */
	if (issues->begun && !same)
		again_us = findings->now_us + SECOND_US;
	else if (same && known->again_us > findings->now_us)
		again_us = known->again_us;
	keep(findings, row, again_us);
	if (!issues->begun)
		return;
	findings->created += row->id > issues->id_max;
	findings->fresh += !same;
	if (!same || known->again_us > 0)
		tell_change(round, findings, row);
}

/* Nothing can come to light any more that is older than the newest: who was late has committed. */
static bool is_quiet(const struct watched_issues *issues)
{
	return issues->begun && clock_wall_ms() - issues->newest_seen_ms > 2 * OVERLAP_S * INT64_C(1000);
}

/* The clock may have been set back. */
static bool is_wide(const struct watched_issues *issues, int64_t now_ms)
{
	return now_ms - issues->wide_ms >= WIDE_MS || now_ms < issues->wide_ms;
}

static size_t first_rows(const struct watched_issues *issues, bool wide)
{
	size_t rows = 0;

	if (is_quiet(issues))
		return ROWS_QUIET;
	for (size_t i = 0; i < issues->known_count; i++)
		rows += wide || issues->known[i].row.updated_s >= issues->newest_s - NEAR_S;
	return (rows < ROWS_AGAIN ? rows : ROWS_AGAIN) + ROWS_MORE;
}

/* The rows of a page. True: what follows them is known, or too old to have changed. */
static bool compare_rows(const struct watch_round *round, const struct watched_issues *issues, struct issue_rows *rows,
        struct findings *findings)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct issue_row *row = &rows->items[i];

		if (row->updated_s > findings->newest_s)
			findings->newest_s = row->updated_s;
		if (row->id > findings->id_max)
			findings->id_max = row->id;
		if (row->updated_s < (issues->begun ? issues->newest_s : findings->newest_s) - OVERLAP_S)
			return true;
		compare(round, issues, row, findings);
	}
	return false;
}

/* Rows from the newest on, until they are older than what was looked at before. False: no answer to go by. */
static bool look(const struct watch_round *round, const struct watched_issues *issues, struct findings *findings)
{
	size_t limit = first_rows(issues, findings->wide), offset = 0;
	struct issue_rows rows;

	for (size_t page = 0; page < PAGES_MAX; page++) {
		CLEANUP(buf_release) struct buf body = BUF_INIT(BODY_CEILING);
		size_t fresh = findings->fresh;
		char target[160];

		snprintf(target, sizeof(target),
		        "/issues.json?status_id=%%2A&sort=updated_on%%3Adesc&limit=%zu&offset=%zu", limit, offset);
		if (lookout_ask(round, target, &body) != 200 || issue_rows_read(&rows, body.data, body.size) < 0)
			return false;
		if (page == 0)
			findings->total = rows.total; /* what is made meanwhile shows on the first page the next time */
		if (compare_rows(round, issues, &rows, findings) || rows.count < limit)
			return true;
		/* all that is near is there yet, or so many rows that nothing is new in hold all that is */
		if (issues->begun && findings->fresh - fresh <= (page == 0 && limit > ROWS_QUIET ? ROWS_MORE : 0))
			return true;
		if (findings->changed > SINGLES_MAX)
			break;
		offset += rows.count;
		limit = page == 0 ? ROWS_NEXT : ISSUE_ROWS_MAX;
	}
	findings->incomplete = true;
	return true;
}

/* What was known and not looked at, if it is within the overlap still. */
static void keep_rest(const struct watch_round *round, const struct watched_issues *issues, struct findings *findings)
{
	for (size_t i = 0; i < issues->known_count; i++) {
		const struct known_issue *known = &issues->known[i];

		if (find(findings->known, findings->known_count, known->row.id))
			continue;
		if (known->again_us > 0)
			tell_change(round, findings, &known->row);
		keep(findings, &known->row, known->again_us > findings->now_us ? known->again_us : 0);
	}
}

/* Those that the next look has to compare. */
static void keep_recent(struct findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->known_count; i++)
		if (findings->known[i].row.updated_s >= findings->newest_s - OVERLAP_S)
			findings->known[kept++] = findings->known[i];
	findings->known_count = kept;
}

static void settle(struct watched_issues *issues, struct findings *findings, int64_t now_ms)
{
	bool moved = !issues->begun || findings->newest_s != issues->newest_s;

	keep_recent(findings);
	free(issues->known);
	*issues = (struct watched_issues){
	        .begun = true,
	        .total = findings->total,
	        .id_max = findings->id_max,
	        .newest_s = findings->newest_s,
	        .newest_seen_ms = moved ? clock_wall_ms() : issues->newest_seen_ms,
	        .wide_ms = findings->wide ? now_ms : issues->wide_ms,
	        .known = findings->known,
	        .known_count = findings->known_count,
	};
}

bool watch_issues(const struct watch_round *round, struct watched_issues *issues)
{
	int64_t now_ms = clock_wall_ms();
	struct findings findings = {.id_max = issues->id_max,
	        .newest_s = issues->newest_s,
	        .now_us = clock_monotonic_us(),
	        .wide = is_wide(issues, now_ms)};

	findings.known = calloc(WATCH_KNOWN_MAX, sizeof(*findings.known));
	if (!findings.known)
		return false;
	if (!look(round, issues, &findings)) {
		free(findings.known);
		return false;
	}
	keep_rest(round, issues, &findings);
	if (issues->begun && (findings.incomplete || findings.changed > SINGLES_MAX))
		tell_all(round, REMOVED);
	else if (issues->begun && findings.total != issues->total + findings.created)
		tell_all(round, REMOVED); /* deleted, or out of sight, or back: which ones is not said */
	settle(issues, &findings, now_ms);
	return true;
}
