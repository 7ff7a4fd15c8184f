/*
 * The command line of redmine-cached(8).
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "base/fail.h"

#define OVERRIDES_MAX 256

enum action {
	ACTION_RUN,
	ACTION_CHECK_CONFIG,
	ACTION_PRINT_CONFIG,
	ACTION_PRINT_SAMPLE,
	ACTION_PRINT_MANUAL,
	ACTION_PRINT_VERSION,
	ACTION_PRINT_HELP,
};

struct arguments {
	enum action action;
	const char *config; /* NULL: none. Borrowed from argv. */
	const char *overrides[OVERRIDES_MAX];
	size_t override_count;
};

/* 0, or -EINVAL with what was wrong in fail. */
int arguments_parse(struct arguments *ret, int argc, char **argv, struct fail *fail);

/* What --help prints. */
extern const char arguments_help[];

#endif
