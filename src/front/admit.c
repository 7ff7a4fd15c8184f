#include "front/admit.h"

#include "conf/secret.h"
#include "front/batch_page.h"
#include "front/browser.h"
#include "front/hosts.h"
#include "front/pages.h"
#include "redmine/redact.h"

#include <ctype.h>
#include <strings.h>

#define TARGET_SHOWN     1024
#define FULL_RETRY_AFTER 1

char *admit_show(const char *target)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	return redact_target(target, TARGET_SHOWN, &shown) < 0 ? NULL : strdup(buf_text(&shown));
}

struct copied {
	struct fields *fields;
	const char *end; /* of the value before */
	bool malformed; /* a name that is no token, a value with a NUL (RFC 9110 sections 5.1 and 5.5) or of two lines */
};

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	return size > 0;
}

/*
 * libmicrohttpd 0.9 hands out the bytes as they came, the ends of lines made NULs, and takes a value to end at its first
 * one. When neither another NUL nor the next name follows on that, it was the client's.
 */
static bool is_cut(const char *end, const char *next_name)
{
	return end && end[1] && end + 1 != next_name;
}

/* A value that goes on in a second line (RFC 9112 section 5.2): that line it appends to a copy of the name, behind what came. */
static bool is_folded(const char *name, const char *value)
{
	return (uintptr_t)value < (uintptr_t)name;
}

static enum MHD_Result copy_field(
        void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value, size_t value_size)
{
	struct copied *copied = arg;

	if (!value)
		return MHD_YES;
	if (!is_token(name, name_size) || is_folded(name, value) || is_cut(copied->end, name))
		copied->malformed = true;
	copied->end = value + value_size;
	return fields_add_slice(copied->fields, name, name_size, value, value_size) < 0 ? MHD_NO : MHD_YES;
}

/* "http://host/path" to its path; its authority counts instead of Host (RFC 9112 3.2.2). */
static int split_absolute(const char *target, const char **ret_path, char **ret_authority)
{
	const char *host;
	size_t size;

	*ret_path = target;
	if (strncasecmp(target, "http://", 7) == 0)
		host = target + 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		host = target + 8;
	else
		return 0;
	size = strcspn(host, "/?");
	*ret_authority = strndup(host, size);
	*ret_path = host[size] == '/' ? host + size : "/";
	return *ret_authority ? 0 : -1;
}

/* The length the head gives: -1 chunked, -2 when it contradicts itself (RFC 9112 section 6.3: an attempt to smuggle), -3 for a coding that is not known. */
static int64_t body_size(const struct fields *fields)
{
	const char *length = fields_get(fields, "Content-Length");
	const char *coding = fields_get(fields, "Transfer-Encoding");

	if (fields_count(fields, "Content-Length") > 1 || (coding && length))
		return -2;
	if (coding)
		return strcasecmp(coding, "chunked") == 0 && fields_count(fields, "Transfer-Encoding") == 1 ? -1 : -3;
	if (!length)
		return 0;
	if (!length[0] || strspn(length, "0123456789") != strlen(length) || strlen(length) > 18)
		return -2;
	return strtoll(length, NULL, 10);
}

/* The last member of a list, as Redmine reads X-Forwarded-Host. */
static const char *last_member(const char *value)
{
	const char *comma = strrchr(value, ',');

	if (comma)
		value = comma + 1;
	return value + strspn(value, " \t");
}

static int set_authority(const struct admission *a, struct request *r, char *absolute)
{
	const char *host = fields_get(&r->fields, "Host");
	const char *forwarded = fields_get(&r->fields, "X-Forwarded-Host");
	const char *scheme = fields_get(&r->fields, "X-Forwarded-Proto");

	if (absolute) {
		r->authority = absolute;
	} else {
		if (a->conf->listen.trust_forwarded && forwarded)
			host = last_member(forwarded);
		r->authority = strdup(host && host[0] ? host : a->guest->listener->authority);
	}
	r->secure = a->guest->listener->tls;
	if (a->conf->listen.trust_forwarded && scheme)
		r->secure = strcasecmp(last_member(scheme), "https") == 0;
	return r->authority ? 0 : -1;
}

static bool refuse(struct request *r, unsigned status, const char *text)
{
	request_answer_error(r, status, status == 503 ? FULL_RETRY_AFTER : 0, "%s", text);
	return false;
}

/* RFC 9110 section 11.6.1: a 401 names a scheme. This one no browser asks its user about. */
static bool refuse_access(struct request *r)
{
	request_answer_error(r, 401, 0, ACCESS_FIELD ": this address needs the token that listen.token_file holds.");
	if (fields_add(&r->answer.fields, "WWW-Authenticate", ACCESS_FIELD " realm=\"redmine-cached\"") < 0)
		return refuse(r, 503, "Out of memory.");
	return false;
}

/*
 * Whether the client may use this listener. A reload may have taken the token away where only a restart can bring the
 * client certificates that were to replace it: then nobody may.
 */
static bool may_enter(const struct admission *a, struct request *r)
{
	const struct listener *listener = a->guest->listener;
	const struct conf *conf = a->conf;
	bool one = fields_count(&r->fields, ACCESS_FIELD) == 1;

	if (a->guest->unproved)
		return refuse(r, 403, "A client certificate is needed that listen.client_ca vouches for.");
	if (!listener->tls && !listener->remote)
		return true;
	if (conf->listen.token && !(one && secret_is(conf->listen.token, fields_get(&r->fields, ACCESS_FIELD))))
		return refuse_access(r);
	if (!conf->listen.token && listener->remote && !conf->listen.allow_remote && !a->front->client_ca)
		return refuse(r, 403, "Neither listen.token_file nor listen.client_ca says who may use this address.");
	return true;
}

static bool check(const struct admission *a, struct request *r)
{
	uint64_t limit = a->conf->listen.body_limit;

	if (a->guest->refused)
		return refuse(r, 503, "Too many connections: listen.max_connections is reached.");
	if (r->body_size == -3)
		return refuse(r, 501, "Transfer-Encoding: only chunked is understood.");
	if (r->body_size == -2)
		return refuse(r, 400, "Content-Length and Transfer-Encoding contradict each other.");
	if (fields_count(&r->fields, "Host") > 1)
		return refuse(r, 400, "There is more than one Host field.");
	if (a->guest->listener->unix_socket && !hosts_well_formed(r->authority))
		return refuse(r, 400, "Host: that is no name.");
	if (!a->guest->listener->unix_socket && !hosts_allowed(a->conf, a->guest->listener->authority, r->authority))
		return refuse(r, 421,
		        "Host: this name is not one that redmine-cached answers to; listen.allowed_hosts lists them.");
	if (limit > 0 && r->body_size > 0 && (uint64_t)r->body_size > limit)
		return refuse(r, 413, "Content-Length: the body is larger than listen.body_limit allows.");
	return true;
}

bool admit_request(const struct admission *a, const char *method, const char *target, const struct request_front *front,
        void *visit, struct request **ret)
{
	char *absolute = NULL;
	struct copied copied = {0};
	struct fail fail = {0};
	const char *path;
	struct request *r;

	*ret = NULL;
	if (split_absolute(target, &path, &absolute) < 0)
		return false;
	r = request_new(front, visit, a->conf, method, path);
	if (!r) {
		free(absolute);
		return false;
	}
	copied.fields = &r->fields;
	MHD_get_connection_values_n(a->connection, MHD_HEADER_KIND, copy_field, &copied);
	if (set_authority(a, r, absolute) < 0) {
		request_unref(r);
		return false;
	}
	r->door = a->guest->door;
	r->body_size = body_size(&r->fields);
	r->has_body = r->body_size != 0 || (fields_get(&r->fields, "Content-Length") && strcmp(method, "GET") != 0 &&
	                                           strcmp(method, "HEAD") != 0);
	*ret = r;
	if (copied.malformed || is_cut(copied.end, NULL))
		return refuse(
		        r, 400, "A field has a name that is no token, or a value with a NUL or of more than one line.");
	if (!check(a, r) || browser_preflight(r) || !may_enter(a, r))
		return false;
	fields_remove(&r->fields, ACCESS_FIELD);
	if (batch_page_own(r)) {
		if (!batch_page_admit(r))
			return false;
	} else if (pages_own(r->raw_target)) {
		pages_answer(a->front, r);
		return false;
	}
	if (preferences_read(&r->preferences, &r->fields, a->conf, &fail) < 0)
		return refuse(r, 400, fail.text);
	return true;
}
