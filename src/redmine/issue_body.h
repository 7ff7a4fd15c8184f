/*
 * How far the change of one issue reaches, by the fields that its body sets:
 * a note stays with the issue, a date moves parents and successors, a project
 * takes time entries along (redmine-api.md 5.2). The only reader of bodies of writes.
 */
#ifndef REDMINE_ISSUE_BODY_H
#define REDMINE_ISSUE_BODY_H

#include <stdbool.h>
#include <stddef.h>

enum issue_reach {
	ISSUE_REACH_ITSELF, /* this issue, and the lists that show or find it */
	ISSUE_REACH_ISSUES, /* other issues too: parents, children, successors, duplicates; hours of versions */
	ISSUE_REACH_ALL,    /* what hangs on issues too: who may see it, and to whom it belongs */
};

/*
 * Of a PUT or PATCH (create: of a POST) to an issue, whose whole body that is, and whose query has no parameters but
 * credentials. content_type: the field's value, NULL for none. Only what is JSON, says so, and has no member but
 * "issue" with known ones in it reaches less than ISSUE_REACH_ALL. A created issue has no others yet: ITSELF where
 * nothing names one. Pure.
 */
enum issue_reach issue_body_reach(const char *content_type, const char *body, size_t size, bool create);

#endif
