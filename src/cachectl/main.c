/*
 * redmine-cachectl(1): gives orders to a running redmine-cached over its
 * control socket.
 */
#include "cachectl/connection.h"
#include "cachectl/dump_file.h"
#include "cachectl/order.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Exit codes; redmine-cachectl(1) promises them. */
#define EXIT_REFUSED     1 /* the daemon said no */
#define EXIT_USAGE       2
#define EXIT_UNREACHABLE 3 /* no daemon, not allowed, or it went away */
#define EXIT_FILE        4 /* a dump could not be written or read */
#define EXIT_PARTLY      5 /* warm: Redmine gave no answer to a URL, or an error */

struct invocation {
	struct own_options own;
	bool version;
	const struct order *order;
	struct json_object *arguments;
	struct view view;
};

static void print_order(const struct order *order)
{
	printf("  %s%s%s\n        %s\n", order->name, order->usage[0] ? " " : "", order->usage, order->help);
}

static void print_help(const struct order *one)
{
	const struct order *order;

	if (one) {
		printf("Usage: redmine-cachectl [--socket PATH] [--json] COMMAND [OPTION]...\n\n");
		print_order(one);
		return;
	}
	printf("Usage: redmine-cachectl [--socket PATH] [--json] COMMAND [OPTION]...\n\n"
	       "Gives orders to a running redmine-cached.\n\n"
	       "  -s, --socket PATH  the daemon's control socket\n"
	       "  -j, --json         print what it answers: one JSON object a line\n"
	       "      --version      print the version, exit\n"
	       "  -h, --help         print this, exit\n\nCommands:\n");
	for (size_t i = 0; (order = order_at(i)); i++)
		print_order(order);
	printf("\nSee redmine-cachectl(1).\n");
}

/* The options before the command. */
static int read_options(struct invocation *ret, int argc, char **argv, struct fail *fail)
{
	static const struct option options[] = {{"socket", required_argument, NULL, 's'},
	        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'},
	        {0}};
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, "+:s:jh", options, NULL)) != -1) {
		switch (letter) {
		case 's':
			ret->own.socket = optarg;
			break;
		case 'j':
			ret->own.json = true;
			break;
		case 'h':
			ret->own.help = true;
			break;
		case 'v':
			ret->version = true;
			break;
		default:
			return fail_set(fail, -EINVAL, "%s %s; --help lists the options", argv[optind - 1],
			        letter == ':' ? "needs a value" : "is no option");
		}
	}
	return 0;
}

static int read_order(struct invocation *ret, int argc, char **argv, struct fail *fail)
{
	if (argc == 0)
		return fail_set(fail, -EINVAL, "a command is needed; --help lists them");
	ret->order = order_find(argv[0]);
	if (!ret->order)
		return fail_set(fail, -EINVAL, "%s is no command; --help lists them", argv[0]);
	ret->arguments = order_arguments(ret->order, argc, argv, &ret->own, fail);
	ret->view.most = ret->own.most;
	return ret->arguments ? 0 : fail->code;
}

static void print_json(FILE *out, struct json_object *object)
{
	fprintf(out, "%s\n",
	        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void show(
        struct invocation *invocation, struct json_object *object, void (*print)(struct view *, struct json_object *))
{
	if (invocation->own.json)
		print_json(invocation->view.out, object);
	else if (print)
		print(&invocation->view, object);
	fflush(stdout);
}

static int refuse(struct json_object *error)
{
	struct json_object *text = NULL;

	json_object_object_get_ex(error, "text", &text);
	fprintf(stderr, "redmine-cachectl: %s\n", text ? json_object_get_string(text) : "refused");
	return EXIT_REFUSED;
}

/* Shows one line; true: it was the last. */
static bool take_line(struct invocation *invocation, struct json_object *line, int *ret_code)
{
	struct json_object *part;

	if (json_object_object_get_ex(line, "row", &part)) {
		if (invocation->order->row_failed && invocation->order->row_failed(part))
			invocation->view.failed++;
		show(invocation, part, invocation->order->row);
		if (json_object_object_length(part) > 0)
			invocation->view.rows++;
		return invocation->view.most > 0 && invocation->view.rows >= invocation->view.most;
	}
	if (json_object_object_get_ex(line, "error", &part))
		*ret_code = refuse(part);
	else if (json_object_object_get_ex(line, "result", &part))
		show(invocation, part, invocation->order->result);
	return true;
}

static int converse(struct invocation *invocation, struct connection *connection, struct fail *fail)
{
	int code = EXIT_SUCCESS;
	bool over = false;

	if (connection_ask(connection, invocation->order->name, TAKE(invocation->arguments), fail) < 0)
		return EXIT_UNREACHABLE;
	while (!over) {
		struct json_object *line = connection_read(connection, fail);

		if (!line)
			return EXIT_UNREACHABLE;
		over = take_line(invocation, line, &code);
		json_object_put(line);
	}
	return code == EXIT_SUCCESS && invocation->view.failed > 0 ? EXIT_PARTLY : code;
}

/* Answers' lines to a file until the result. */
static int take_dump(
        struct invocation *invocation, struct connection *connection, struct dump_file *dump, struct fail *fail)
{
	struct json_object *line, *part;
	int code = EXIT_SUCCESS, r = 0;

	while ((line = connection_read(connection, fail))) {
		if (json_object_object_get_ex(line, "row", &part)) {
			r = dump_file_add(dump, part, fail);
			json_object_put(line);
			if (r < 0)
				return EXIT_FILE;
			continue;
		}
		if (json_object_object_get_ex(line, "result", &part) && dump_file_finish(dump, part, fail) < 0)
			code = EXIT_FILE;
		else
			take_line(invocation, line, &code);
		json_object_put(line);
		return code;
	}
	return EXIT_UNREACHABLE;
}

static int run_dump(struct invocation *invocation, struct connection *connection, struct fail *fail)
{
	struct dump_file dump = {0};
	int code = EXIT_UNREACHABLE;

	if (dump_file_create(&dump, invocation->own.file, fail) < 0)
		code = EXIT_FILE;
	else if (connection_ask(connection, "dump", TAKE(invocation->arguments), fail) == 0)
		code = take_dump(invocation, connection, &dump, fail);
	dump_file_release(&dump);
	return code;
}

static int run_restore(struct invocation *invocation, struct connection *connection, struct fail *fail)
{
	struct json_object *header = NULL, *line;
	int code = EXIT_SUCCESS;
	FILE *file = NULL;

	if (dump_file_open(invocation->own.file, &file, &header, fail) < 0)
		return EXIT_FILE;
	if (connection_ask(connection, "restore", header, fail) < 0)
		code = EXIT_UNREACHABLE;
	else if (dump_file_send(file, invocation->own.file, connection, fail) < 0)
		code = EXIT_FILE;
	else if (!(line = connection_read(connection, fail)))
		code = EXIT_UNREACHABLE;
	else {
		take_line(invocation, line, &code);
		json_object_put(line);
	}
	if (file != stdin)
		fclose(file);
	return code;
}

static int run_on(struct invocation *invocation, struct connection *connection, struct fail *fail)
{
	if (strcmp(invocation->order->name, "dump") == 0)
		return run_dump(invocation, connection, fail);
	if (strcmp(invocation->order->name, "restore") == 0)
		return run_restore(invocation, connection, fail);
	return converse(invocation, connection, fail);
}

static int run(struct invocation *invocation)
{
	CLEANUP(freep) char *path = invocation->own.socket ? strdup(invocation->own.socket) : connection_default_path();
	struct connection connection;
	struct fail fail = {0};
	int code = EXIT_UNREACHABLE;

	if (connection_open(&connection, path ? path : "", &fail) == 0)
		code = run_on(invocation, &connection, &fail);
	if (code == EXIT_UNREACHABLE || code == EXIT_FILE)
		fprintf(stderr, "redmine-cachectl: %s\n", fail.text);
	connection_close(&connection);
	return code;
}

int main(int argc, char **argv)
{
	struct invocation invocation = {.view = {.terminal = isatty(STDOUT_FILENO), .quiet = !isatty(STDERR_FILENO)}};
	struct fail fail = {0};
	int code = EXIT_SUCCESS;

	signal(SIGPIPE, SIG_DFL);
	if (read_options(&invocation, argc, argv, &fail) < 0)
		code = EXIT_USAGE;
	else if (invocation.own.help)
		print_help(NULL);
	else if (invocation.version)
		printf("redmine-cachectl %s\n", PACKAGE_VERSION);
	else if (read_order(&invocation, argc - optind, argv + optind, &fail) < 0)
		code = EXIT_USAGE;
	else if (invocation.own.help)
		print_help(invocation.order);
	else {
		bool piped = invocation.own.file && strcmp(invocation.own.file, "-") == 0 &&
		             strcmp(invocation.order->name, "dump") == 0;

		invocation.view.out = piped ? stderr : stdout;
		code = run(&invocation);
	}
	if (code == EXIT_USAGE)
		fprintf(stderr, "redmine-cachectl: %s\n", fail.text);
	json_object_put(invocation.view.before);
	json_object_put(invocation.arguments);
	return code;
}
