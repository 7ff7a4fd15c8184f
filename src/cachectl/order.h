/*
 * The commands of redmine-cachectl: what each takes and how its answer is
 * shown.
 */
#ifndef CACHECTL_ORDER_H
#define CACHECTL_ORDER_H

#include "base/fail.h"

#include <json-c/json.h>
#include <stdbool.h>

/* What the answer's lines are shown with. */
struct view {
	FILE *out;     /* where what came of a dump is told: not where it goes */
	bool terminal; /* standard output is one */
	bool quiet;    /* a bar is not drawn: standard error is no terminal */
	unsigned rows;
	unsigned failed;            /* of them, as the order's row_failed says */
	unsigned most;              /* rows to show; 0: all that come */
	struct json_object *before; /* top: the status of the row before */
};

struct order {
	const char *name;
	const char *usage;   /* behind the name */
	const char *help;    /* one line */
	const char *options; /* the long options that it takes, " " around each */
	const char *
	        operand; /* the argument that its operands become: "url" one, "urls" several; "file": none, it is own_options.file; NULL: it takes none */
	/* Print a row, and the result; NULL: nothing is printed of it. */
	void (*row)(struct view *view, struct json_object *row);
	void (*result)(struct view *view, struct json_object *result);
	bool (*row_failed)(struct json_object *row); /* NULL: a row is no failure */
};

/* NULL past the end. Static. */
const struct order *order_at(size_t index);
/* NULL: there is none of that name. Static. */
const struct order *order_find(const char *name);

/* What is for the program itself, wherever on the command line it stands. */
struct own_options {
	const char *socket; /* NULL: not given. Borrowed of argv */
	const char *file;   /* that dump and restore are about; "-": standard output or input. Borrowed of argv */
	bool json, help;
	unsigned most; /* of --count; 0: not given */
};

/*
 * The words behind the command, argv[0] its name, to its arguments (the caller's to put); NULL with fail set. What is for the
 * program goes into *own, which keeps what it has where nothing is said. With --help the operands may be missing. An
 * option's name counts whole only: "--al" must not purge all.
 */
struct json_object *order_arguments(
        const struct order *order, int argc, char **argv, struct own_options *own, struct fail *fail);

/* show_*.c */
void show_status(struct view *view, struct json_object *status);
void show_engines(struct view *view, struct json_object *engines);
void show_sessions(struct view *view, struct json_object *sessions);
void show_said(struct view *view, struct json_object *said);
void show_entry(struct view *view, struct json_object *entry);
void show_entries_sum(struct view *view, struct json_object *sum);
void show_purged(struct view *view, struct json_object *sum);
void show_dumped(struct view *view, struct json_object *sum);
void show_restored(struct view *view, struct json_object *sum);
void show_explained(struct view *view, struct json_object *explained);
void show_request(struct view *view, struct json_object *request);
void show_top(struct view *view, struct json_object *top);
void show_warmed(struct view *view, struct json_object *warmed);
bool show_warm_failed(struct json_object *warmed); /* Redmine gave no answer, or an error */
void show_warm_sum(struct view *view, struct json_object *sum);

#endif
