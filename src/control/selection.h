/*
 * Which stored answers a command is about: by URL, pattern, tag, identity, or
 * all. Those of every identity, since what is stored does not say whose it is.
 */
#ifndef CONTROL_SELECTION_H
#define CONTROL_SELECTION_H

#include "cache/entry.h"
#include "control/caller.h"
#include "redmine/query.h"
#include "redmine/target.h"
#include "upstream/origin.h"

/* Of what is given all must hold; nothing given: everything. */
struct selection {
	const char *prefix;       /* the origin's sub-URI, which targets may carry */
	char *url;                /* as a target; NULL: any */
	struct target target;     /* of url */
	struct query_parts query; /* of url */
	const char *pattern;      /* fnmatch(3) over path and query; NULL: any. Borrowed */
	bool tagged, identified;
	uint64_t tag, identity; /* tag numbers */
	bool all;               /* said so */
};

/*
 * From the arguments "url", "pattern", "tag", "identity", "all" of a command. 0; or a negative errno after the caller was told
 * what is wrong. The arguments are borrowed for as long as the selection lives.
 */
int selection_read(struct selection *ret, struct caller *caller, struct json_object *arguments);
void selection_release(struct selection *selection);

/* True when nothing restricts it. Pure. */
bool selection_is_open(const struct selection *selection);

/* Pure. */
bool selection_has(const struct selection *selection, const struct entry *entry);

/* From what people paste to a target: with the scheme, host and sub-URI of the origin or without. malloc'ed, NULL: not one, out of memory. Pure. */
char *selection_target(const struct origin *origin, const char *url);

/* True when both are the same question, however their parameters are ordered. Credentials do not count. Pure. */
bool selection_same(const struct target *target, const struct query_parts *query, const char *other);

#endif
