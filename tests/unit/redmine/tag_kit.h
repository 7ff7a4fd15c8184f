/* Tags compared with their names. */
#ifndef TAG_KIT_H
#define TAG_KIT_H

#include "redmine/tags.h"
#include "../unit.h"

#include <string.h>

/* tags are exactly those of the names, which stand between spaces; what: whose tags these are. */
static inline void tags_assert(const struct tags *tags, const char *names, const char *what)
{
	char text[256], *rest = text, *name;
	size_t count = 0;

	snprintf(text, sizeof(text), "%s", names);
	while ((name = strsep(&rest, " "))) {
		bool found = false;

		if (!*name)
			continue;
		for (size_t i = 0; i < tags->count; i++)
			found |= tags->items[i] == tag_number(name);
		ck_assert_msg(found, "%s lacks %s", what, name);
		count++;
	}
	ck_assert_msg(tags->count == count, "%s has more than %s", what, names);
}

#endif
