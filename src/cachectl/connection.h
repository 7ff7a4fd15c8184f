/*
 * The client's end of the control socket (control/protocol.h).
 */
#ifndef CACHECTL_CONNECTION_H
#define CACHECTL_CONNECTION_H

#include "base/buf.h"
#include "base/fail.h"

#include <json-c/json.h>

struct connection {
	int fd;
	struct buf in; /* read, not looked at */
};

/* The socket of the daemon on this machine: by REDMINE_CACHED_SOCKET, else where systemd or the user's session has it. malloc'ed; NULL: out of memory. */
char *connection_default_path(void);

/* 0 or a negative errno with fail set. */
int connection_open(struct connection *connection, const char *path, struct fail *fail);
void connection_close(struct connection *connection);

/* Sends a command. Takes over arguments. 0 or a negative errno. */
int connection_ask(
        struct connection *connection, const char *command, struct json_object *arguments, struct fail *fail);

/* Sends bytes that belong to a command. 0 or a negative errno; -EPIPE, -ECONNRESET: the daemon takes no more, and may have said why. */
int connection_send(struct connection *connection, const char *data, size_t size);

/* The next line of the answer, the caller's to put; NULL with fail set: the connection ended, or it is none. */
struct json_object *connection_read(struct connection *connection, struct fail *fail);

#endif
