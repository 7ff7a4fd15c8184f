#include "control/command.h"

#include "../unit.h"

#include <string.h>

/* What a caller is told that there is, is there. */
START_TEST(every_name_is_found)
{
	CLEANUP(freep) char *names = strdup(command_names());
	size_t count = 0;

	for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", "), count++) {
		ck_assert_ptr_nonnull(command_find(name));
		ck_assert_str_eq(command_find(name)->name, name);
		ck_assert_ptr_nonnull(command_find(name)->run);
	}
	ck_assert_uint_ge(count, 11);
	ck_assert_ptr_null(command_find("explode"));
	ck_assert_ptr_null(command_find(""));
}
END_TEST

UNIT_MAIN("command", every_name_is_found)
