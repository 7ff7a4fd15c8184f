/*
 * How far the change of one issue reaches, by the fields that its body sets:
 * a note stays with the issue, a date moves parents and successors, a project
 * takes time entries along (redmine-api.md 5.2). The only reader of bodies of writes.
 */
#ifndef REDMINE_ISSUE_BODY_H
#define REDMINE_ISSUE_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* Beyond the issue itself and the lists that show or find it; several may be set. */
enum issue_reach {
	ISSUE_REACH_ITSELF = 0,
	ISSUE_REACH_DETAILS = 1
	                      << 0, /* what other issues show of it when asked for their details: children's subjects */
	ISSUE_REACH_HOURS = 1 << 1, /* hours of versions */
	ISSUE_REACH_FILES = 1 << 2, /* files that become attachments */
	ISSUE_REACH_ISSUES = 1 << 3, /* other issues: parents, children, successors, duplicates */
	ISSUE_REACH_TIME = 1 << 4,   /* time entries, and the issues and versions that add them up */
	ISSUE_REACH_ALL = 1 << 5,    /* what hangs on issues too: who may see it, and to whom it belongs */
};

/*
 * Of a PUT or PATCH (create: of a POST) to an issue, whose whole body that is, and whose query has no parameters but
 * credentials. content_type: the field's value, NULL for none. Only what is JSON, says so, and has no member but
 * "issue" with known ones in it, and with an update "time_entry", reaches less than ISSUE_REACH_ALL. A created issue
 * has no others yet: ITSELF where nothing names one. Flags of enum issue_reach. Pure.
 */
unsigned issue_body_reach(const char *content_type, const char *body, size_t size, bool create);

/*
 * Of a POST of a relation: true when it may move the dates of issues (precedes, follows), or what it is cannot be told;
 * false when it only is shown, where issues are asked for with their relations. As above. Pure.
 */
bool relation_body_moves(const char *content_type, const char *body, size_t size);

#endif
