/*
 * A dump of the cache as a file: what dump writes and restore reads (control/dump.h says what is in it).
 */
#ifndef CACHECTL_DUMP_FILE_H
#define CACHECTL_DUMP_FILE_H

#include "base/fail.h"

#include <stdbool.h>
#include <json-c/json.h>

struct connection;

/* One that is written: beside its place until it is whole, mode 0600. There is one at a time: a signal that ends the program removes it. */
struct dump_file {
	FILE *file;
	const char *path; /* "-": standard output. Borrowed */
	char *draft;      /* what it is called until it is whole; NULL: standard output */
};

/* 0 or a negative errno with fail set. */
int dump_file_create(struct dump_file *dump, const char *path, struct fail *fail);
/* One line. 0 or a negative errno with fail set. */
int dump_file_add(struct dump_file *dump, struct json_object *line, struct fail *fail);
/* Its last line, from the daemon's result; then it is in its place, and on the disk. 0 or a negative errno with fail set. */
int dump_file_finish(struct dump_file *dump, struct json_object *result, struct fail *fail);
/* Closes it; without dump_file_finish() nothing is left of it. */
void dump_file_release(struct dump_file *dump);

/* Opens one to read ("-": standard input) and reads its header, the caller's to put. 0 or a negative errno with fail set. */
int dump_file_open(const char *path, FILE **ret, struct json_object **ret_header, struct fail *fail);

/* Sends what follows the header until the daemon takes no more. 0; a negative errno with fail set: it cannot be read. */
int dump_file_send(FILE *file, const char *path, struct connection *connection, struct fail *fail);

#endif
