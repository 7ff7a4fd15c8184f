#include "flow/lookout_inside.h"

#include "base/clock.h"
#include "flow/changes.h"

/*
 * redmine-api.md 6.1: a change shows when it is committed, with the time of when it was made; so a round looks back past
 * the newest that it has seen.
 */
#define OVERLAP_S    60
#define ROWS_LEAST   5
#define PAGES_MAX    10
#define SINGLES_MAX  50 /* more changes in a round are told as one */
#define BODY_CEILING (4 * 1024 * 1024)

#define EDITED  (TAG_ISSUES | TAG_MIXED | TAG_VERSION_HOURS | TAG_RELATIONS | TAG_ATTACHMENT)
#define REMOVED (EDITED | TAG_ISSUE | TAG_TIME_ENTRIES | TAG_TIME_ENTRY)

void watched_issues_release(struct watched_issues *issues)
{
	free(issues->known);
	*issues = (struct watched_issues){0};
}

/* What a round finds, before it becomes what is known. */
struct findings {
	struct known_issue *known;
	size_t known_count, changed;
	uint64_t created, total, id_max;
	int64_t newest_s;
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

static const struct known_issue *find(const struct watched_issues *issues, uint64_t id)
{
	for (size_t i = 0; i < issues->known_count; i++)
		if (issues->known[i].row.id == id)
			return &issues->known[i];
	return NULL;
}

static void compare(const struct watch_round *round, const struct watched_issues *issues, const struct issue_row *row,
        struct findings *findings)
{
	const struct known_issue *known = find(issues, row->id);
	bool same = known && known->row.updated_s == row->updated_s && known->row.digest == row->digest;

	for (size_t i = 0; i < findings->known_count; i++)
		if (findings->known[i].row.id == row->id)
			return; /* moved to the next page meanwhile */
	if (findings->known_count < WATCH_KNOWN_MAX)
		findings->known[findings->known_count++] = (struct known_issue){
		        .row = *row, .again = issues->begun && !same};
	if (!issues->begun)
		return;
	findings->created += row->id > issues->id_max;
	if (same && !known->again)
		return;
	if (++findings->changed <= SINGLES_MAX)
		tell_edited(round, row);
}

/* Nothing can come to light any more that is older than the newest: who was late has committed. */
static bool is_quiet(const struct watched_issues *issues)
{
	return issues->begun && clock_monotonic_us() - issues->newest_seen_us > 2 * OVERLAP_S * INT64_C(1000000);
}

/* Rows from the newest on, until they are older than what was looked at the last time. False: no answer to go by. */
static bool look(const struct watch_round *round, const struct watched_issues *issues, struct findings *findings)
{
	bool quiet = is_quiet(issues);
	size_t limit = quiet ? ROWS_LEAST : issues->known_count + ROWS_LEAST, offset = 0;
	struct issue_rows rows;

	for (size_t page = 0; page < PAGES_MAX; page++) {
		CLEANUP(buf_release) struct buf body = BUF_INIT(BODY_CEILING);
		size_t changed = findings->changed;
		char target[160];

		limit = limit > ISSUE_ROWS_MAX ? ISSUE_ROWS_MAX : limit;
		snprintf(target, sizeof(target),
		        "/issues.json?status_id=%%2A&sort=updated_on%%3Adesc&limit=%zu&offset=%zu", limit, offset);
		if (lookout_ask(round, target, &body) != 200 || issue_rows_read(&rows, body.data, body.size) < 0)
			return false;
		if (page == 0)
			findings->total =
			        rows.total; /* what is made meanwhile shows on the first page of the next round */
		for (size_t i = 0; i < rows.count; i++) {
			const struct issue_row *row = &rows.items[i];

			if (row->updated_s > findings->newest_s)
				findings->newest_s = row->updated_s;
			if (row->id > findings->id_max)
				findings->id_max = row->id;
			if (row->updated_s < (issues->begun ? issues->newest_s : findings->newest_s) - OVERLAP_S)
				return true;
			compare(round, issues, row, findings);
		}
		if (rows.count < limit || (quiet && findings->changed == changed))
			return true;
		offset += rows.count;
		limit = ISSUE_ROWS_MAX;
	}
	findings->incomplete = true;
	return true;
}

/* Those that the next round has to look at again. */
static void keep_recent(struct findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->known_count; i++)
		if (findings->known[i].row.updated_s >= findings->newest_s - OVERLAP_S)
			findings->known[kept++] = findings->known[i];
	findings->known_count = kept;
}

void watch_issues(const struct watch_round *round, struct watched_issues *issues)
{
	struct findings findings = {.id_max = issues->id_max, .newest_s = issues->newest_s};

	findings.known = calloc(WATCH_KNOWN_MAX, sizeof(*findings.known));
	if (!findings.known)
		return;
	if (!look(round, issues, &findings)) {
		free(findings.known);
		return;
	}
	if (issues->begun && (findings.incomplete || findings.changed > SINGLES_MAX))
		tell_all(round, REMOVED);
	else if (issues->begun && findings.total != issues->total + findings.created)
		tell_all(round, REMOVED); /* deleted, or out of sight, or back: which ones is not said */
	if (is_quiet(issues) && findings.changed == 0) {
		issues->total = findings.total;
		free(findings.known);
		return;
	}
	keep_recent(&findings);
	free(issues->known);
	*issues = (struct watched_issues){
	        .begun = true,
	        .total = findings.total,
	        .id_max = findings.id_max,
	        .newest_s = findings.newest_s,
	        .newest_seen_us = issues->begun && findings.newest_s == issues->newest_s ? issues->newest_seen_us
	                                                                                 : clock_monotonic_us(),
	        .known = findings.known,
	        .known_count = findings.known_count,
	};
}
