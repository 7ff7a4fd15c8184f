/*
 * What one setting alone cannot tell: whether the settings agree with each
 * other and with this machine.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/conf.h"
#include "conf/setting.h"

/* The settings being checked and where they stand; all borrowed. */
struct check {
	struct conf *conf;
	const struct conf_source *source;
	const struct settings *settings;
	struct problems *problems;
};

/*
 * An error of a setting, at the place that it was last given: "FILE:LINE: name: ...", "-o section.name: ..." or, where
 * it never was, "section.name: ...". named: of [section "NAME"], or "". name NULL: the section itself.
 * value: only where it was given with that one; NULL: any.
 */
void check_wrong(const struct check *check, const char *section, const char *named, const char *name, const char *value,
        const char *format, ...) PRINTF_LIKE(6, 7);

/*
 * Reads what the file of a setting holds into *ret, which is the caller's to give to secret_free(); file NULL: nothing. A
 * word may have no space. What is wrong with it is told as by check_wrong(). 0, -ENOMEM.
 */
int check_secret(const struct check *check, const char *section, const char *named, const char *name, const char *file,
        bool word, char **ret) MUST_CHECK;

/* The row of that [engine "NAME"], added with the defaults if there is none; NULL without memory. Borrowed. */
struct conf_engine *conf_engine_add(struct conf *conf, const char *name);

/*
 * Fills in what the environment decides (cache.path = auto), adds the row of
 * the default engine, and checks the whole; an error goes to problems with the
 * place of its setting. 0, -ENOMEM.
 */
int conf_complete(struct conf *conf, const struct conf_source *source, const struct settings *settings,
        struct problems *problems);

#endif
