/*
 * What the files and the command line say, before anyone asks whether it makes
 * sense: a list of section, name and value, each with the place it stands at.
 */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include "base/buf.h"
#include "base/fail.h"

#include <stdbool.h>

#define SETTING_LINE_MAX    4096      /* bytes of one line of a file */
#define SETTING_SECTION_MAX 49        /* bytes between the brackets: inih cuts longer ones */
#define SETTING_FILE_MAX    (1 << 20) /* bytes of a file */

struct setting {
	char *section; /* the word */
	char *named;   /* the NAME of [section "NAME"], NULL for none */
	char *name;    /* NULL: a section's heading, which has a place but sets nothing */
	char *value;
	char *place;   /* "FILE:LINE" or "-o" */
	bool override; /* from the command line */
};

struct settings {
	struct setting *items;
	size_t count;
	size_t room;
};

#define PROBLEM_MAX 2048 /* bytes of one error, the NUL included; longer ones are cut */

/* The errors found on the way. */
struct problems {
	struct buf *text;  /* the first 20, "\n" between them; NULL: not wanted */
	struct fail first; /* the very first; code 0: none */
	unsigned count;
};

/* One error: "PLACE: ...", code a negative errno. */
void problem_add(struct problems *problems, int code, const char *place, const char *format, ...) PRINTF_LIKE(4, 5);

/* The same for a setting: in a file its name stands behind the line's number. */
void setting_problem(struct problems *problems, const struct setting *setting, int code, const char *format, ...)
        PRINTF_LIKE(4, 5);

/* Frees the items and what they own; the list is empty afterwards and may be used again. */
void settings_release(struct settings *settings);

/*
 * Appends what a file says; what is not in the form of a setting is a problem
 * and left out. 0 (problems may have come), -ENOMEM.
 */
int settings_read_file(struct settings *settings, const char *path, struct problems *problems);

/* The same for every *.conf in the folder conf.d beside the file, in the order of their bytes. No folder is no problem. */
int settings_read_drop_ins(struct settings *settings, const char *path, struct problems *problems);

/* Appends "SECTION.NAME=VALUE" or "SECTION.NAMED.NAME=VALUE"; also 'SECTION "NAMED".NAME=VALUE'. 0, -ENOMEM. */
int settings_add_override(struct settings *settings, const char *text, struct problems *problems);

#endif
