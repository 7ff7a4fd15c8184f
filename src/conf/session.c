#include "conf/session.h"

#include "conf/address.h"
#include "conf/secret.h"
#include "conf/unit.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define ACCOUNT_ROOM (64 * 1024)

struct conf_session *conf_session_add(struct conf *conf, const char *name)
{
	struct conf_session *items;

	for (size_t i = 0; i < conf->session.count; i++)
		if (strcmp(conf->session.items[i].name, name) == 0)
			return &conf->session.items[i];
	items = realloc(conf->session.items, (conf->session.count + 1) * sizeof(*items));
	if (!items)
		return NULL;
	conf->session.items = items;
	items += conf->session.count;
	*items = conf->session.defaults; /* owns nothing */
	items->name = strdup(name);
	if (!items->name)
		return NULL;
	conf->session.count++;
	return items;
}

const struct conf_session *conf_session(const struct conf *conf, const char *name)
{
	CHECK(conf, CONF_MAGIC);
	for (size_t i = 0; i < conf->session.count; i++)
		if (strcmp(conf->session.items[i].name, name) == 0)
			return &conf->session.items[i];
	return NULL;
}

void conf_session_release(struct conf_session *session)
{
	secret_free(session->key);
	secret_free(session->password);
	secret_free(session->token);
	free(session->uid_numbers);
	free(session->gid_numbers);
	free(session->name);
}

static void check_file(
        const struct check *check, const struct conf_session *session, const char *name, const char *file)
{
	if (file && access(file, R_OK) < 0)
		check_wrong(check, "session", session->name, name, NULL, "%s: %s", file, strerror(errno));
}

/* The number of a user or group by its name or number. 0, -ENOENT. */
static int account_number(const char *name, bool group, uint32_t *ret)
{
	char room[ACCOUNT_ROOM];
	struct passwd user, *found_user = NULL;
	struct group groups, *found_group = NULL;
	int number;

	if (number_read(name, &number) == 0) {
		*ret = (uint32_t)number;
		return 0;
	}
	if (group && getgrnam_r(name, &groups, room, sizeof(room), &found_group) == 0 && found_group)
		*ret = found_group->gr_gid;
	else if (!group && getpwnam_r(name, &user, room, sizeof(room), &found_user) == 0 && found_user)
		*ret = found_user->pw_uid;
	else
		return -ENOENT;
	return 0;
}

static int look_up(const struct check *check, const struct conf_session *session, bool group)
{
	const struct text_list *list = group ? &session->gids : &session->uids;
	uint32_t *numbers = group ? session->gid_numbers : session->uid_numbers;

	for (size_t i = 0; i < list->count; i++)
		if (account_number(list->items[i], group, &numbers[i]) < 0)
			check_wrong(check, "session", session->name, group ? "gids" : "uids", NULL,
			        "there is no %s \"%s\"", group ? "group" : "user", list->items[i]);
	return 0;
}

static void check_credentials(const struct check *check, const struct conf_session *session)
{
	const char *name = session->name;

	if (session->key_file && session->username)
		check_wrong(check, "session", name, "username", NULL, "beside key_file; allowed: one of the two");
	if (session->username && !session->password_file)
		check_wrong(check, "session", name, "username", NULL, "without password_file");
	if (session->password_file && !session->username)
		check_wrong(check, "session", name, "password_file", NULL, "without username");
	if (session->username && strchr(session->username, ':'))
		check_wrong(check, "session", name, "username", NULL, "a login for HTTP Basic has no \":\"");
	if (session->impersonate && !session->key_file && !session->username)
		check_wrong(check, "session", name, "impersonate", NULL,
		        "without key_file or username: whose right would it be");
}

static void check_connection(const struct check *check, const struct conf_session *session)
{
	check_file(check, session, "ca_file", session->ca_file);
	check_file(check, session, "client_certificate", session->client_certificate);
	check_file(check, session, "client_key", session->client_key);
	if (session->client_key && !session->client_certificate)
		check_wrong(check, "session", session->name, "client_key", NULL, "without client_certificate");
	if (session->workers > check->conf->session.workers_limit)
		check_wrong(check, "session", session->name, "workers", NULL,
		        "%d is more than session.workers_limit, %d", session->workers,
		        check->conf->session.workers_limit);
}

/* The default one, and those that have a section of their own. */
static bool engine_runs(const struct check *check, const char *name)
{
	for (size_t i = 0; i < check->conf->engine.count; i++)
		if (strcmp(check->conf->engine.items[i].name, name) == 0)
			return true;
	return false;
}

static bool is_listened_on(const struct check *check, const char *text)
{
	const struct text_list *list = &check->conf->listen.address;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

/* True when one of the addresses is a Unix socket. */
static bool any_unix(const struct text_list *list)
{
	struct address address;

	for (size_t i = 0; i < list->count; i++)
		if (address_parse(list->items[i], &address, NULL) == 0 && address.kind == ADDRESS_UNIX)
			return true;
	return false;
}

static void check_listeners(const struct check *check, const struct conf_session *session)
{
	const struct text_list *list = &session->listeners;
	struct address address;

	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->items[i];

		if (!is_listened_on(check, text))
			check_wrong(check, "session", session->name, "listeners", NULL,
			        "%s is not one of listen.address", text);
		else if (address_parse(text, &address, NULL) == 0 && !address_is_local(&address) &&
		         !session->token_file)
			check_wrong(check, "session", session->name, "listeners", NULL,
			        "other machines can reach %s; allowed: with token_file", text);
	}
}

/* The one that the daemon watches with need not be for anybody else. */
static bool is_the_daemons(const struct check *check, const struct conf_session *session)
{
	return check->conf->watch.session && strcmp(check->conf->watch.session, session->name) == 0;
}

/* Who may use it: nobody by accident, and not nobody at all. */
static void check_permissions(const struct check *check, const struct conf_session *session)
{
	bool peer = session->uids.count + session->gids.count > 0;
	const struct text_list *where = session->listeners.count ? &session->listeners : &check->conf->listen.address;
	const char *peer_name = session->uids.count ? "uids" : "gids";

	check_listeners(check, session);
	if (peer && !any_unix(where))
		check_wrong(check, "session", session->name, peer_name, NULL,
		        "only a Unix socket tells who connects, and none is among %s",
		        session->listeners.count ? "listeners" : "listen.address");
	if (!peer && session->listeners.count == 0 && !session->token_file && !is_the_daemons(check, session))
		check_wrong(check, "session", session->name, NULL, NULL,
		        "session \"%s\" does not say who may use it; allowed: one or more of listeners, uids, gids, token_file",
		        session->name);
}

int conf_session_complete(const struct check *check, struct conf_session *session)
{
	session->uid_numbers = calloc(session->uids.count + 1, sizeof(uint32_t));
	session->gid_numbers = calloc(session->gids.count + 1, sizeof(uint32_t));
	if (!session->uid_numbers || !session->gid_numbers ||
	        check_secret(check, "session", session->name, "key_file", session->key_file, true, &session->key) < 0 ||
	        check_secret(check, "session", session->name, "password_file", session->password_file, false,
	                &session->password) < 0 ||
	        check_secret(
	                check, "session", session->name, "token_file", session->token_file, true, &session->token) < 0)
		return -ENOMEM;
	look_up(check, session, false);
	look_up(check, session, true);
	check_credentials(check, session);
	check_connection(check, session);
	check_permissions(check, session);
	if (session->engine && !engine_runs(check, session->engine))
		check_wrong(check, "session", session->name, "engine", NULL,
		        "no engine \"%s\" runs; allowed: the default one, or one with a section of its own",
		        session->engine);
	return 0;
}
