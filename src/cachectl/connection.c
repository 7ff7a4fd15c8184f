#include "cachectl/connection.h"

#include "control/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSTEM_PATH "/run/redmine-cached/control.sock"

char *connection_default_path(void)
{
	const char *given = getenv("REDMINE_CACHED_SOCKET"), *xdg = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (given && *given)
		return strdup(given);
	if (access(SYSTEM_PATH, F_OK) == 0 || !xdg || *xdg != '/')
		return strdup(SYSTEM_PATH);
	return asprintf(&path, "%s/redmine-cached/control.sock", xdg) < 0 ? NULL : path;
}

int connection_open(struct connection *connection, const char *path, struct fail *fail)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	*connection = (struct connection){.fd = -1, .in = BUF_INIT(64 * CONTROL_LINE_MAX)};
	if (strlen(path) >= sizeof(name.sun_path))
		return fail_set(fail, -ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	memcpy(name.sun_path, path, strlen(path));
	connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd >= 0 && connect(connection->fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return 0;
	return fail_set(fail, -errno, "%s: %s", path,
	        errno == ECONNREFUSED || errno == ENOENT
	                ? "no daemon answers there (--socket, or control.socket of its settings)"
	                : strerror(errno));
}

void connection_close(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	buf_release(&connection->in);
}

int connection_send(struct connection *connection, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(connection->fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -errno;
		data += sent;
		size -= (size_t)sent;
	}
	return 0;
}

int connection_ask(struct connection *connection, const char *command, struct json_object *arguments, struct fail *fail)
{
	struct json_object *line = json_object_new_object();
	size_t size;
	const char *text;
	int r;

	json_object_object_add(line, "protocol", json_object_new_int(CONTROL_PROTOCOL));
	json_object_object_add(line, "command", json_object_new_string(command));
	json_object_object_add(line, "arguments", arguments);
	text = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN, &size);
	r = connection_send(connection, text, size);
	if (r == 0)
		r = connection_send(connection, "\n", 1);
	json_object_put(line);
	if (r == -EPIPE)
		return 0; /* turned away: why is there to be read */
	return r < 0 ? fail_set(fail, r, "the control socket: %s", strerror(-r)) : 0;
}

static struct json_object *take_line(struct connection *connection, size_t size)
{
	size_t rest = connection->in.size - size - 1;
	struct json_object *line;

	connection->in.data[size] = '\0';
	line = json_tokener_parse(connection->in.data);
	memmove(connection->in.data, connection->in.data + size + 1, rest);
	connection->in.size = rest;
	return line;
}

struct json_object *connection_read(struct connection *connection, struct fail *fail)
{
	size_t looked = 0;
	char room[65536];

	for (;;) {
		char *end = connection->in.size > looked
		                    ? memchr(connection->in.data + looked, '\n', connection->in.size - looked)
		                    : NULL;
		struct json_object *line;
		ssize_t got;

		if (end) {
			line = take_line(connection, (size_t)(end - connection->in.data));
			if (!line)
				fail_set(fail, -EPROTO, "the control socket: a line that is no JSON");
			return line;
		}
		looked = connection->in.size;
		got = recv(connection->fd, room, sizeof(room), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || buf_add(&connection->in, room, (size_t)got) < 0) {
			fail_set(fail, -EPIPE, "the daemon ended the connection");
			return NULL;
		}
	}
}
