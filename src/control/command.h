/*
 * The table of commands: a row and a function each.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include "control/caller.h"

/* Ends with one caller_result() or caller_error(). arguments: an object, borrowed. The caller's thread; may block. */
typedef void command_run(struct caller *caller, struct json_object *arguments);

struct command {
	const char *name;
	command_run *run;
};

/* NULL: there is none of that name. Static. */
const struct command *command_find(const char *name);

/* "status, purge, ...". Static. */
const char *command_names(void);

/* command_figures.c */
command_run command_status; /* the object of /-/status.json */
command_run command_engines;
command_run command_sessions; /* those of the settings, without their secrets */

/* command_settings.c */
command_run command_reload;
command_run command_check;

/* command_entries.c */
command_run command_entries; /* rows: what is stored, by a selection */
command_run command_purge;

/* command_dump.c */
command_run command_dump;    /* rows: the lines of a dump (control/dump.h) but its end, which is the result */
command_run command_restore; /* arguments: a dump's header; its other lines follow the command's */

/* command_explain.c */
command_run command_explain;

/* command_watch.c */
command_run command_tail; /* rows: requests as they end */
command_run command_top;  /* rows: once a second the status, and the busiest targets since the row before */

/* command_warm.c */
command_run command_warm; /* rows: how far it is */

#endif
