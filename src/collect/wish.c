#include "collect/wish.h"

#include "collect/collect.h"
#include "collect/plan.h"
#include "redmine/paging.h"

#include <string.h>

#define LIMIT_DIGITS 9
#define LINES_TYPE   "application/x-ndjson"

static enum wish_kind refuse(struct request *r, const char *text)
{
	request_answer_error(r, 400, 0, "%s", text);
	return WISH_REFUSED;
}

/* Cheap: nearly every request says no. */
static bool may_wish(const struct request *r)
{
	return (r->target.query && memmem(r->target.query, r->target.query_size, "=all", 4)) ||
	       fields_get(&r->fields, LIMIT_FIELD);
}

/* 1 to 999999999, or "all": PLAN_ALL. 0: malformed. */
static int64_t read_limit(const char *text)
{
	size_t size = strlen(text);

	if (strcmp(text, "all") == 0)
		return PLAN_ALL;
	if (size == 0 || size > LIMIT_DIGITS || strspn(text, "0123456789") != size)
		return 0;
	return strtoll(text, NULL, 10);
}

/* The order in which Redmine gives the rows of this list (redmine-api.md 3.1). */
static void read_order(struct wish *wish, const struct resource *list, const struct paging *paging)
{
	bool issues = strcmp(list->name, "issues") == 0;

	wish->falling = issues && !paging->sorted;
	wish->fixed = (issues && (!paging->sorted || paging->by_id)) || strcmp(list->name, "memberships") == 0;
	wish->keyset = wish->falling && paging->below;
	wish->looks = issues && !wish->fixed && paging->looks && wish->rows == PLAN_ALL && wish->offset == 0;
	wish->typed = strcmp(list->name, "search") == 0;
}

static enum wish_kind refuse_what_cannot_be_joined(struct request *r, const struct paging *paging)
{
	if (paging->page > 1 && paging->offset < 0)
		return refuse(r, "page: a list that is joined has no pages; offset says where it begins.");
	if (paging->offset == -2)
		return refuse(r, "offset must be a number.");
	if (paging->nometa || r->query.nometa || fields_get(&r->fields, "X-Redmine-Nometa"))
		return refuse(r, "nometa: a list is joined by its counts.");
	if (r->query.jsonp)
		return refuse(r, "callback, jsonp: a list that is joined is not wrapped into a call.");
	return WISH_JOIN;
}

enum wish_kind wish_read(struct wish *ret, struct request *r)
{
	const struct resource *list;
	const char *field;
	struct paging paging;
	struct wish wish = {0};

	if (!may_wish(r) || r->directives.no_transform)
		return WISH_NONE;
	list = resource_match(&r->target, false);
	if (!list || !(list->traits & RESOURCE_PAGED))
		return WISH_NONE; /* whole already */
	if (!paging_read(&paging, r->target.query, r->target.query ? r->target.query_size : 0))
		return WISH_NONE;
	field = fields_get(&r->fields, LIMIT_FIELD);
	wish.rows = paging.all ? PLAN_ALL : field ? read_limit(field) : -1;
	if (wish.rows < 0)
		return WISH_NONE;
	if (wish.rows == 0 || fields_count(&r->fields, LIMIT_FIELD) > 1)
		return refuse(r, LIMIT_FIELD " must be a number of rows, or all.");
	if (wish.rows <= PAGING_MAX)
		return refuse(r, LIMIT_FIELD " is for more than 100 rows; limit= does the rest.");
	if (refuse_what_cannot_be_joined(r, &paging) == WISH_REFUSED)
		return WISH_REFUSED;
	wish.offset = paging.offset > 0 ? paging.offset : 0;
	wish.lines = fields_has_token(&r->fields, "Accept", LINES_TYPE) && r->target.format == TARGET_FORMAT_JSON;
	read_order(&wish, list, &paging);
	*ret = wish;
	return WISH_JOIN;
}
