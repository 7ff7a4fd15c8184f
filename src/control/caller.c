#include "control/caller.h"

#include "control/command.h"
#include "control/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_all(struct caller *caller, const char *data, size_t size)
{
	while (size > 0 && !caller->gone) {
		ssize_t sent = send(caller->fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			caller->gone = true;
			return;
		}
		data += sent;
		size -= (size_t)sent;
	}
}

/* {"kind": object} and a newline. */
static void send_line(struct caller *caller, const char *kind, struct json_object *object)
{
	struct json_object *line = json_object_new_object();
	size_t size = 0;
	const char *text;

	json_object_object_add(line, kind, object);
	text = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	send_all(caller, text, size);
	send_all(caller, "\n", 1);
	json_object_put(line);
}

int caller_row(struct caller *caller, struct json_object *object)
{
	send_line(caller, "row", object);
	return caller_should_stop(caller) ? -EPIPE : 0;
}

void caller_result(struct caller *caller, struct json_object *object)
{
	send_line(caller, "result", object);
}

void caller_error(struct caller *caller, const char *code, const char *format, ...)
{
	struct json_object *object = json_object_new_object();
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_object_object_add(object, "code", json_object_new_string(code));
	json_object_object_add(object, "text", json_object_new_string(text));
	send_line(caller, "error", object);
}

bool caller_should_stop(struct caller *caller)
{
	struct pollfd fd = {.fd = caller->fd, .events = POLLRDHUP};

	if (!caller->gone && poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLRDHUP)))
		caller->gone = true;
	return caller->gone || atomic_load(caller->ending);
}

const char *caller_text(struct json_object *arguments, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(arguments, name, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

bool caller_flag(struct json_object *arguments, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(arguments, name, &value) && json_object_is_type(value, json_type_boolean) &&
	       json_object_get_boolean(value);
}

bool caller_line(struct caller *caller, char **ret)
{
	size_t looked = 0;
	char room[65536];

	for (;;) {
		char *end = caller->in.size > looked ? memchr(caller->in.data + looked, '\n', caller->in.size - looked)
		                                     : NULL;
		ssize_t got;

		if (end) {
			size_t size = (size_t)(end - caller->in.data), rest = caller->in.size - size - 1;

			*ret = strndup(caller->in.data, size);
			memmove(caller->in.data, end + 1, rest);
			caller->in.size = rest;
			return *ret != NULL;
		}
		looked = caller->in.size;
		got = recv(caller->fd, room, sizeof(room), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		if (buf_add(&caller->in, room, (size_t)got) < 0) {
			caller_error(caller, "bad-request", "A line is longer than %d bytes.", CONTROL_LINE_MAX);
			return false;
		}
	}
}

static void run(struct caller *caller, struct json_object *line)
{
	struct json_object *protocol, *arguments = NULL, *none = json_object_new_object();
	const char *name = caller_text(line, "command");
	const struct command *command = name ? command_find(name) : NULL;

	if (!json_object_object_get_ex(line, "arguments", &arguments) ||
	        !json_object_is_type(arguments, json_type_object))
		arguments = none;
	if (!json_object_object_get_ex(line, "protocol", &protocol) ||
	        json_object_get_int(protocol) != CONTROL_PROTOCOL)
		caller_error(caller, "protocol", "This daemon speaks protocol %d.", CONTROL_PROTOCOL);
	else if (!command)
		caller_error(caller, "unknown-command", "There is no command \"%s\"; there are %s.", name ? name : "",
		        command_names());
	else
		command->run(caller, arguments);
	json_object_put(none);
}

void caller_serve(struct caller *caller)
{
	char *text;

	while (!caller_should_stop(caller) && caller_line(caller, &text)) {
		struct json_object *line = json_tokener_parse(text);

		if (line && json_object_is_type(line, json_type_object))
			run(caller, line);
		else
			caller_error(caller, "bad-request", "That line is no JSON object.");
		json_object_put(line);
		free(text);
	}
}
