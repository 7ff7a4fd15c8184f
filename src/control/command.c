#include "control/command.h"

#include <string.h>

static const struct command commands[] = {
        {"check", command_check},
        {"dump", command_dump},
        {"engines", command_engines},
        {"entries", command_entries},
        {"explain", command_explain},
        {"purge", command_purge},
        {"reload", command_reload},
        {"restore", command_restore},
        {"sessions", command_sessions},
        {"status", command_status},
        {"tail", command_tail},
        {"top", command_top},
        {"warm", command_warm},
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

const char *command_names(void)
{
	return "check, dump, engines, entries, explain, purge, reload, restore, sessions, status, tail, top, warm";
}
