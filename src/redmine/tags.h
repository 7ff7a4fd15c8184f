/*
 * What a read depends on and what a write may have changed (redmine-api.md
 * section 5), as 64-bit tags of one origin. A class stands for a kind of
 * answers ("issues": every list of issues, "issue": every single one); where a
 * read is about one thing and a write names one, there is a tag for that
 * too ("issue:12"). Reads of a project carry no tag of that project: lists show subprojects, and
 * which these are changes where the daemon does not see it.
 */
#ifndef REDMINE_TAGS_H
#define REDMINE_TAGS_H

#include "redmine/method.h"
#include "redmine/query.h"
#include "redmine/resource.h"

#define TAGS_OF_REQUEST_MAX 12

/* The classes; TAG_NAMES has their names in the same order. */
enum tag_class {
	TAG_ANY = 1 << 0,           /* everything but META: who may see what, and names that show everywhere */
	TAG_META = 1 << 1,          /* settings lists: no API write changes them but by who may read at all */
	TAG_ISSUES = 1 << 2,        /* lists of issues, and what is filtered by issues' fields */
	TAG_ISSUE = 1 << 3,         /* single issues */
	TAG_RELATIONS = 1 << 4,     /* lists of relations and single ones */
	TAG_TIME_ENTRIES = 1 << 5,  /* lists */
	TAG_TIME_ENTRY = 1 << 6,    /* single ones */
	TAG_VERSIONS = 1 << 7,      /* lists of versions, single ones, and what names them */
	TAG_VERSION_HOURS = 1 << 8, /* single versions: they add up their issues' hours */
	TAG_CATEGORIES = 1 << 9,    /* issue categories */
	TAG_PROJECTS = 1 << 10,     /* lists of projects and single ones */
	TAG_FILES = 1 << 11,        /* lists of projects' files */
	TAG_NEWS = 1 << 12,
	TAG_WIKI = 1 << 13,
	TAG_ATTACHMENT = 1 << 14, /* attachments: what is said of them, and their bytes */
	TAG_MIXED = 1 << 15,      /* searches, feeds, and every path that the table of resources does not know */
	TAG_ISSUES_DETAILS =
	        1 << 16, /* lists of issues asked for with more than plain fields (watchers, relations, files...) */
	TAG_ISSUE_DETAILS = 1 << 17, /* single ones, such with journals, children, ... */
	TAG_PEOPLE = 1 << 18,        /* users, groups, members; what lists find by them has TAG_ISSUES_DETAILS */
};

struct tags {
	size_t count;
	uint64_t items[TAGS_OF_REQUEST_MAX];
	unsigned classes; /* of a write: enum tag_class */
	char own[32];     /* of a write: "issue:12" when it is about that one, else "" */
	bool late;        /* of a write: raised when it is answered only, by what the answer is */
	bool settles;     /* of a write: Redmine goes on with it after its answer (deletion of a project) */
};

/* A tag's number: "issue:12", "any", ... Never 0. Pure. */
uint64_t tag_number(const char *name);

/* The name of one class, NULL for what is none. Static text. */
const char *tag_class_name(enum tag_class class);

/*
 * Adds the classes to tags. They must fit in. Pure.
 */
void tags_add_classes(struct tags *tags, unsigned classes);

/* Adds the tag of that name. It must fit in. Pure. */
void tags_add_name(struct tags *tags, const char *name);

/*
 * "KIND:12" for a segment that Redmine reads as the number 12 ("12", "012"). A segment of other bytes than digits may be
 * any number to it ("1%32", "12abc"): "KIND:?" and false, the tag of reads of which that cannot be told. Pure.
 */
bool tag_of_one(char *room, size_t size, const char *kind, const struct target_segment *segment);

/*
 * The tags that an answer to a read is stored with. resource: NULL for a path that the table does not know. query: of the
 * same request. Pure.
 */
void tags_of_read(struct tags *ret, const struct resource *resource, const struct target *target,
        const struct query_parts *query);

#endif
