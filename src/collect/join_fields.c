#include "collect/join_fields.h"

#include "collect/collect.h"

#include <errno.h>

static const char *const not_for_pages[] = {LIMIT_FIELD, WORKERS_FIELD, "Accept", "Accept-Encoding", "If-None-Match",
        "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range", "Prefer"};

int join_fields_copy(struct fields *ret, const struct request *r)
{
	if (fields_copy(ret, &r->fields) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(not_for_pages); i++)
		fields_remove(ret, not_for_pages[i]);
	return 0;
}
