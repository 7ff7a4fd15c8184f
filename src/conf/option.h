/*
 * The rows of options.h as a table, and the sections they stand in.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct option_type; /* conf/type.h */

/* The struct that a row's member is of. */
enum option_scope {
	OPTION_OF_CONF,     /* struct conf */
	OPTION_OF_ENGINE,   /* struct conf_engine: [engine "NAME"] */
	OPTION_OF_SESSION,  /* struct conf_session: [session "NAME"] */
	OPTION_OF_LIFETIME, /* struct conf_lifetime; the row's name stands for any */
};

struct option {
	enum option_scope scope;
	const char *section;
	const char *name;
	size_t offset; /* of the member in its struct */
	const struct option_type *type;
	const char *words; /* what the type takes besides: schemes, choices; separated by one space */
	const char *default_text;
	const char *min, *max; /* "" where the type has no bounds */
	bool reload;           /* SIGHUP puts it in force */
	const char *help;
};

struct section {
	const char *name;
	const char *named; /* "NAME" where [section "NAME"] exists, else "" */
	const char *help;
};

/* The rows in the order of options.h; NULL past the end. Static. */
const struct option *option_at(size_t index);
const struct section *section_at(size_t index);

/* The section of that name (of that word in front of a quoted name), or NULL. */
const struct section *section_find(const char *name);

/* True when the row stands in [section "NAME"]. */
static inline bool option_is_named(const struct option *option)
{
	return option->scope == OPTION_OF_ENGINE || option->scope == OPTION_OF_SESSION;
}

/* The row of that name, or NULL. named: within [section "NAME"]. */
const struct option *option_find(const char *section, bool named, const char *name);

/* "[upstream], [listen], [engine "NAME"]...", and "workers, queue, path, options": what the errors offer. 0, -ENOMEM, -ENOBUFS. */
int section_list(struct buf *out) MUST_CHECK;
int option_list(const char *section, bool named, struct buf *out) MUST_CHECK;

/* The known name that differs least from what was written, or NULL when none comes near. Static. */
const char *section_nearest(const char *name);
const char *option_nearest(const char *section, bool named, const char *name);

/* The same among names separated by ", ", as a copy in ret. False when none comes near. size: at least 1. */
bool names_nearest(const char *names, const char *name, char *ret, size_t size);

/* The member of a row in its struct. */
static inline void *option_member(const struct option *option, void *owner)
{
	return (char *)owner + option->offset;
}

#endif
