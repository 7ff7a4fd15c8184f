#include "cachectl/dump_file.h"

#include "base/macros.h"
#include "cachectl/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PRINT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
static const char *volatile draft_to_remove; /* by a signal; NULL: none */

static void remove_and_end(int number)
{
	if (draft_to_remove)
		unlink(draft_to_remove);
	signal(number, SIG_DFL);
	raise(number);
}

int dump_file_create(struct dump_file *dump, const char *path, struct fail *fail)
{
	int fd;

	*dump = (struct dump_file){.path = path, .file = stdout};
	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return fail_set(
			        fail, -EINVAL, "dump -: standard output is a terminal; give it a file or a pipe");
		return 0;
	}
	if (asprintf(&dump->draft, "%s.XXXXXX", path) < 0) {
		dump->draft = NULL;
		return fail_set(fail, -ENOMEM, "out of memory");
	}
	fd = mkostemp(dump->draft, O_CLOEXEC); /* mode 0600 */
	dump->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!dump->file)
		return fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	draft_to_remove = dump->draft;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		signal(ending[i], remove_and_end);
	return 0;
}

int dump_file_add(struct dump_file *dump, struct json_object *line, struct fail *fail)
{
	size_t size;
	const char *text = json_object_to_json_string_length(line, PRINT, &size);

	if (fwrite(text, 1, size, dump->file) == size && putc('\n', dump->file) != EOF)
		return 0;
	return fail_set(fail, -errno, "%s: %s", dump->path, strerror(errno));
}

int dump_file_finish(struct dump_file *dump, struct json_object *result, struct fail *fail)
{
	struct json_object *line = json_object_new_object();
	int r;

	json_object_object_add(line, "end", json_object_get(result));
	r = dump_file_add(dump, line, fail);
	json_object_put(line);
	if (r < 0)
		return r;
	if (fflush(dump->file) == EOF ||
	        (dump->draft && (fsync(fileno(dump->file)) < 0 || rename(dump->draft, dump->path) < 0)))
		return fail_set(fail, -errno, "%s: %s", dump->path, strerror(errno));
	draft_to_remove = NULL;
	free(TAKE(dump->draft));
	return 0;
}

void dump_file_release(struct dump_file *dump)
{
	if (dump->file && dump->file != stdout)
		fclose(dump->file);
	if (dump->draft && dump->file)
		unlink(dump->draft);
	draft_to_remove = NULL;
	free(dump->draft);
	*dump = (struct dump_file){0};
}

int dump_file_open(const char *path, FILE **ret, struct json_object **ret_header, struct fail *fail)
{
	bool given = strcmp(path, "-") == 0;
	FILE *file = given ? stdin : fopen(path, "re");
	CLEANUP(freep) char *line = NULL;
	size_t room = 0;

	if (!file || getline(&line, &room, file) < 0) {
		int r = fail_set(fail, file && !ferror(file) ? -EINVAL : -errno, "%s: %s", path,
		        file && !ferror(file) ? "it is empty" : strerror(errno));

		if (file && !given)
			fclose(file);
		return r;
	}
	*ret_header = json_tokener_parse(line);
	if (!*ret_header || !json_object_is_type(*ret_header, json_type_object)) {
		json_object_put(TAKE(*ret_header));
		if (!given)
			fclose(file);
		return fail_set(fail, -EINVAL, "%s: it is no dump of a redmine-cached", path);
	}
	*ret = file;
	return 0;
}

int dump_file_send(FILE *file, const char *path, struct connection *connection, struct fail *fail)
{
	char room[65536];
	size_t size;

	while ((size = fread(room, 1, sizeof(room), file)) > 0)
		if (connection_send(connection, room, size) < 0)
			return 0; /* turned away: why is there to be read */
	if (ferror(file))
		return fail_set(fail, -EIO, "%s: %s", path, strerror(EIO));
	/* For a file that lacks its end: the daemon says so, and waits for nothing. */
	connection_send(connection, "\n", 1);
	return 0;
}
