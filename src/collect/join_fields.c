#include "collect/join_fields.h"

#include "collect/collect.h"

#include <errno.h>

static const char *const not_for_pages[] = {LIMIT_FIELD, WORKERS_FIELD, "Accept", "Accept-Encoding", "If-None-Match",
        "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range", "Prefer"};
static const char *const of_session[] = {"X-Redmine-API-Key", "Authorization", "X-Redmine-Switch-User"};

int join_fields_copy(struct fields *ret, const struct request *r)
{
	if (fields_copy(ret, &r->fields) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(not_for_pages); i++)
		fields_remove(ret, not_for_pages[i]);
	for (size_t i = 0; r->session && i < ARRAY_SIZE(of_session); i++)
		fields_remove(ret, of_session[i]);
	return 0;
}
