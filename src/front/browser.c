#include "front/browser.h"

#include "front/admit.h"

#include <errno.h>
#include <strings.h>

#define METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"

/* What scripts send to Redmine and to the daemon, beyond what they always may. Not Redmine-Cached-Session: see named_session.h. */
#define SENT                                                                                                                \
	"Accept, Accept-Language, Authorization, Cache-Control, Content-Type, If-Match, If-Modified-Since, If-None-Match, " \
	"Pragma, Prefer, Range, " ACCESS_FIELD                                                                              \
	", Redmine-Cached-Engine, Redmine-Cached-Workers, X-HTTP-Method-Override, "                                         \
	"X-Redmine-API-Key, X-Redmine-Nometa, X-Redmine-Switch-User, X-Requested-With"

/* What they may read, beyond what they always may. */
#define READ                                                                                                           \
	"Age, Cache-Status, Content-Disposition, Content-Encoding, Date, ETag, Link, Location, Preference-Applied, "   \
	"Redmine-Cached-Rows, Retry-After, Server-Timing, Via, WWW-Authenticate, X-Request-Id, X-Runtime"

#define PREFLIGHT_S "600"

/* The listed origin that the page of r has, or NULL. */
static const char *origin_of(const struct request *r)
{
	const struct text_list *list = &r->conf->listen.allowed_origins;
	const char *origin = list->count > 0 ? fields_get(&r->fields, "Origin") : NULL;

	for (size_t i = 0; origin && i < list->count; i++)
		if (strcasecmp(origin, list->items[i]) == 0)
			return list->items[i];
	return NULL;
}

static int add_origin(struct fields *out, const char *origin)
{
	if (fields_add(out, "Access-Control-Allow-Origin", origin) < 0)
		return -1;
	return fields_add(out, "Access-Control-Allow-Credentials", "true");
}

static int add_preflight(const struct request *r, const char *origin, struct fields *out)
{
	/* A page of the internet asks for a machine of a private network: Chromium asks for leave to. */
	const char *private_network = fields_get(&r->fields, "Access-Control-Request-Private-Network");

	if (add_origin(out, origin) < 0 || fields_add(out, "Access-Control-Allow-Methods", METHODS) < 0 ||
	        fields_add(out, "Access-Control-Allow-Headers", SENT) < 0 ||
	        fields_add(out, "Access-Control-Max-Age", PREFLIGHT_S) < 0)
		return -1;
	if (private_network && fields_add(out, "Access-Control-Allow-Private-Network", "true") < 0)
		return -1;
	return 0;
}

bool browser_preflight(struct request *r)
{
	const char *origin;

	if (strcmp(r->method, "OPTIONS") != 0 || !fields_get(&r->fields, "Access-Control-Request-Method"))
		return false;
	origin = origin_of(r);
	if (!origin)
		return false;
	r->answer.kind = ANSWER_WHOLE;
	r->answer.status = 204;
	if (add_preflight(r, origin, &r->answer.fields) < 0)
		request_answer_error(r, 503, 0, "Out of memory.");
	return true;
}

int browser_fields(const struct request *r, struct fields *out)
{
	const char *origin = origin_of(r);

	if (r->conf->listen.allowed_origins.count == 0)
		return 0;
	if (fields_add(out, "Vary", "Origin") < 0)
		return -ENOMEM;
	if (!origin || strcmp(r->method, "OPTIONS") == 0)
		return 0;
	if (add_origin(out, origin) < 0 || fields_add(out, "Access-Control-Expose-Headers", READ) < 0 ||
	        fields_add(out, "Timing-Allow-Origin", origin) < 0)
		return -ENOMEM;
	return 0;
}

bool browser_replaces(const struct request *r, const char *name)
{
	return strncasecmp(name, "Access-Control-", 15) == 0 && strcmp(r->method, "OPTIONS") != 0 && origin_of(r);
}

bool browser_is_stranger(const struct request *r)
{
	return request_of_foreign_page(r) && !origin_of(r);
}
