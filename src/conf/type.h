/*
 * What a setting's value may be: each type reads, prints and explains itself.
 * Pure but for memory; any thread.
 */
#ifndef CONF_TYPE_H
#define CONF_TYPE_H

#include "base/buf.h"
#include "base/fail.h"
#include "conf/option.h"

struct option_type {
	const char *name; /* for the manual: "SPAN" */
	bool repeatable;  /* the member is a struct text_list: parse adds one, print writes one of them a line */

	/*
	 * Reads a value into the member, which holds a valid value already (what it owns is freed). 0; -EINVAL or
	 * -ERANGE with what is wrong and what is allowed in fail (the member is left alone); -ENOMEM.
	 */
	int (*parse)(const struct option *option, const char *text, void *member, struct fail *fail);

	/* Appends the value as the file would have it; a list: one a line, each but the last followed by '\n'. */
	int (*print)(const struct option *option, const void *member, struct buf *out);

	/* Appends what is allowed, as "100ms to 5m" or "yes or no". */
	int (*allowed)(const struct option *option, struct buf *out);

	/* Makes one member the same as another. 0, or -ENOMEM (it is left alone). */
	int (*copy)(void *to, const void *from);

	/* Frees what the member owns and empties it; NULL when it owns nothing. */
	void (*release)(void *member);
};

extern const struct option_type type_url;       /* char *; NULL when empty; words: the schemes */
extern const struct option_type type_path;      /* char *; absolute, or one of the words; NULL when empty */
extern const struct option_type type_object;    /* char *; an absolute path, or without any "/"; NULL when empty */
extern const struct option_type type_bool;      /* bool */
extern const struct option_type type_number;    /* int */
extern const struct option_type type_count;     /* int; 0 is written "auto" */
extern const struct option_type type_size;      /* uint64_t, bytes */
extern const struct option_type type_span;      /* int64_t, milliseconds */
extern const struct option_type type_choice;    /* an enum that counts the words from 0 */
extern const struct option_type type_engine;    /* char *; a name that engine_name_valid() accepts */
extern const struct option_type type_addresses; /* struct text_list; each accepted by address_parse() */
extern const struct option_type
        type_origins; /* struct text_list; origins of web pages as browsers write them: http://HOST[:PORT] or https:// */
extern const struct option_type
        type_hosts; /* struct text_list; host names and addresses, with a port or without, or "*" */

extern const struct option_type type_reads;     /* struct text_list; "SESSION /path" with one space between */
extern const struct option_type type_times;     /* struct text_list; each accepted by schedule_parse() */
extern const struct option_type type_text;      /* char *; NULL when empty */
extern const struct option_type type_secret;    /* char *; an absolute path or "credential:NAME"; NULL when empty */
extern const struct option_type type_proxy;     /* char *; as type_url, or "none"; NULL when empty */
extern const struct option_type type_listeners; /* struct text_list; words accepted by address_parse() */
extern const struct option_type
        type_accounts; /* struct text_list; words that are numbers or names of users or groups */

/* A name that can stand in [section "NAME"]: 1 to 32 letters, digits, "_" and "-". */
bool engine_name_valid(const char *name);

/* Appends "a, b or c" for the words "a b c", each followed by the suffix. 0, -ENOMEM, -ENOBUFS. */
int words_list(const char *words, const char *suffix, struct buf *out) MUST_CHECK;

/* Which of the space-separated words that is, counted from 0; -1 for none. */
int words_find(const char *words, const char *word);

#endif
