#include "flow/named_session.h"

#include "base/base64.h"
#include "conf/secret.h"
#include "flow/flow.h"
#include "redmine/request_fields.h"

#include <errno.h>
#include <strings.h>

#define CREDENTIAL_CEILING (16 * 1024)

static bool holds_text(const struct text_list *list, const char *text)
{
	for (size_t i = 0; text && i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static bool holds_number(const uint32_t *numbers, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* All that the session demands of its clients; the settings see to it that it demands something. */
static bool is_permitted(const struct conf_session *session, const struct request *r)
{
	const char *token = fields_get(&r->fields, TOKEN_FIELD);
	const struct request_door *door = &r->door;

	if (session->listeners.count > 0 && !holds_text(&session->listeners, door->listener))
		return false;
	if (session->uids.count + session->gids.count > 0 &&
	        !(door->has_peer && (holds_number(session->uid_numbers, session->uids.count, door->uid) ||
	                                    holds_number(session->gid_numbers, session->gids.count, door->gid))))
		return false;
	if (session->token && !secret_is(session->token, token))
		return false;
	return session->listeners.count + session->uids.count + session->gids.count > 0 || session->token;
}

static bool has_credential(const struct conf_session *session)
{
	return session->key || session->username;
}

/* True when the client sent one of its own, or a cookie, which may be one. */
static bool brings_credential(struct request *r)
{
	struct identity identity;

	identity_of(&identity, &r->fields, &r->query, r->flow->secret);
	return !identity.anonymous || identity.cookie;
}

static bool refuse(struct request *r, unsigned status, const char *text)
{
	request_answer_error(r, status, 0, "%s", text);
	return false;
}

/* The session that the client names, if it may; NULL: r is answered. */
static const struct conf_session *choose(struct request *r, const char *name)
{
	const struct conf_session *session = conf_session(r->conf, name);

	if (fields_count(&r->fields, SESSION_FIELD) > 1) {
		refuse(r, 400, SESSION_FIELD ": there is more than one.");
		return NULL;
	}
	if (request_of_foreign_page(r)) {
		refuse(r, 403, SESSION_FIELD ": a web page of another origin cannot use a session.");
		return NULL;
	}
	if (!session || !is_permitted(session, r)) {
		refuse(r, 400, SESSION_FIELD ": there is no session of that name for this client.");
		return NULL;
	}
	if (has_credential(session) && brings_credential(r)) {
		refuse(r, 400,
		        SESSION_FIELD ": the session has a credential, and so has the request; one of them must go.");
		return NULL;
	}
	return session;
}

static void wipe(struct buf *text)
{
	if (text->data)
		explicit_bzero(text->data, text->size);
	buf_release(text);
}

/* RFC 7617 section 2. */
static int add_basic(struct fields *fields, const struct conf_session *session)
{
	CLEANUP(wipe) struct buf pair = BUF_INIT(CREDENTIAL_CEILING);
	CLEANUP(wipe) struct buf text = BUF_INIT(CREDENTIAL_CEILING * 2);

	if (buf_printf(&pair, "%s:%s", session->username, session->password) < 0 || buf_add_text(&text, "Basic ") < 0 ||
	        base64_add(&text, pair.data, pair.size) < 0)
		return -ENOMEM;
	return fields_set(fields, "Authorization", text.data);
}

/* Empty ones that the client may have sent go. An inner request of a client's has them from that one already. */
static int add_credential(struct request *r)
{
	const struct conf_session *session = r->session;

	if (!has_credential(session) || brings_credential(r))
		return 0;
	if (session->key && fields_set(&r->fields, "X-Redmine-API-Key", session->key) < 0)
		return -ENOMEM;
	if (session->username && add_basic(&r->fields, session) < 0)
		return -ENOMEM;
	if (session->impersonate && fields_set(&r->fields, "X-Redmine-Switch-User", session->impersonate) < 0)
		return -ENOMEM;
	return 0;
}

static void set_route(struct request *r)
{
	static const enum route_verify verifies[] = {[CONF_VERIFY_UPSTREAM] = ROUTE_VERIFY_AS_SESSION,
	        [CONF_VERIFY_YES] = ROUTE_VERIFY_YES,
	        [CONF_VERIFY_NO] = ROUTE_VERIFY_NO};
	static const enum route_http versions[] = {[CONF_HTTP_AUTO] = ROUTE_HTTP_AS_SESSION,
	        [CONF_HTTP_1_1] = ROUTE_HTTP_1_1,
	        [CONF_HTTP_2] = ROUTE_HTTP_2};
	const struct conf_session *session = r->session;

	r->route = (struct route){
	        .proxy = session->proxy && strcmp(session->proxy, "none") == 0 ? "" : session->proxy,
	        .ca_file = session->ca_file,
	        .client_certificate = session->client_certificate,
	        .client_key = session->client_key,
	        .verify = verifies[session->verify],
	        .http = versions[session->http_version],
	};
}

bool named_session_enter(struct request *r)
{
	const char *name = fields_get(&r->fields, SESSION_FIELD);

	if (!r->session && name)
		r->session = choose(r, name);
	if (!r->session)
		return !name;
	fields_remove(&r->fields, SESSION_FIELD);
	fields_remove(&r->fields, TOKEN_FIELD);
	if (add_credential(r) < 0)
		return refuse(r, 503, "Out of memory.");
	set_route(r);
	if (r->preferences.workers == 0)
		r->preferences.workers = r->session->workers;
	if (r->session->engine)
		r->engine = engines_find(r->flow->engines, r->session->engine);
	return true;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* The way to Redmine as it is in force for r. */
struct way {
	const char *proxy, *ca_file;
	bool verify;
};

static struct way way_of(const struct request *r)
{
	const struct conf *conf = r->conf;
	const struct route *route = &r->route;

	return (struct way){
	        .proxy = or_empty(route->proxy ? route->proxy : conf->upstream.proxy),
	        .ca_file = or_empty(route->ca_file ? route->ca_file : conf->upstream.ca_file),
	        .verify = route->verify == ROUTE_VERIFY_AS_SESSION ? conf->upstream.verify
	                                                           : route->verify == ROUTE_VERIFY_YES,
	};
}

bool named_session_is_apart(const struct request *r)
{
	const struct conf *conf = r->conf;
	struct way way = way_of(r);

	return r->session && (way.verify != conf->upstream.verify || r->route.client_certificate ||
	                             strcmp(way.proxy, or_empty(conf->upstream.proxy)) != 0 ||
	                             strcmp(way.ca_file, or_empty(conf->upstream.ca_file)) != 0);
}

void named_session_narrow(const struct request *r, struct identity *identity)
{
	struct way way = way_of(r);

	if (!named_session_is_apart(r))
		return;
	identity_narrow(identity,
	        (const char *const[]){way.proxy, way.ca_file, or_empty(r->route.client_certificate),
	                or_empty(r->route.client_key), way.verify ? "verified" : ""},
	        5, r->flow->secret);
}

int64_t named_session_timeout_ms(const struct request *r)
{
	if (r->preferences.wait_ms > 0)
		return r->preferences.wait_ms;
	return r->session && r->session->timeout_ms > 0 ? r->session->timeout_ms : r->conf->upstream.timeout_ms;
}

int64_t named_session_connect_timeout_ms(const struct request *r)
{
	int64_t limit = r->session && r->session->connect_timeout_ms > 0 ? r->session->connect_timeout_ms
	                                                                 : r->conf->upstream.connect_timeout_ms;

	return r->preferences.wait_ms > 0 && r->preferences.wait_ms < limit ? r->preferences.wait_ms : limit;
}
