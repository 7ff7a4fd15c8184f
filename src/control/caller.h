/*
 * One connection to the control socket, for the commands: what they answer
 * with, and whether to go on.
 */
#ifndef CONTROL_CALLER_H
#define CONTROL_CALLER_H

#include "base/macros.h"
#include "control/control.h"

#include <json-c/json.h>
#include <stdatomic.h>

struct caller {
	const struct control_settings *settings;
	const atomic_bool *ending; /* the daemon stops */
	int fd;
	struct buf in; /* read, not looked at */
	bool gone;     /* it reads no more */
};

/* A row of a list: {"row": object}. Takes the object over. 0; -EPIPE: nobody reads any more. May block while the reader is slow. */
int caller_row(struct caller *caller, struct json_object *object);

/* The end of a command: {"result": object}. Takes the object over. */
void caller_result(struct caller *caller, struct json_object *object);

/* The other end: {"error": ...}. code: a word of the protocol, for programs. */
void caller_error(struct caller *caller, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);

/* True when the command should stop: nobody listens, or the daemon ends. */
bool caller_should_stop(struct caller *caller);

/* A member of the command's arguments: its text, or NULL where there is none or another type. Borrowed. */
const char *caller_text(struct json_object *arguments, const char *name);
/* True where the member is true. */
bool caller_flag(struct json_object *arguments, const char *name);

/* The next line without its newline into *ret, malloc'ed; waits for it. False: the connection ends, the caller was told why if it is his doing. */
bool caller_line(struct caller *caller, char **ret);

/* Serves one connection to its end. Its own thread. */
void caller_serve(struct caller *caller);

#endif
