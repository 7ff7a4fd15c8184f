#include "conf_text.h"

#include <sys/stat.h>

/* Secrets lie in a folder of their own, as that of the settings comes and goes with each reading. */
static char secrets[64];

static void secrets_make(void)
{
	strcpy(secrets, "/tmp/test_session.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(secrets));
}

static void secrets_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", secrets);
	ck_assert_int_eq(system(command), 0);
}

static void secret_put(const char *name, const char *content)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", secrets, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(content, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

/* [upstream], then the text with each "@" replaced by the folder of the secrets. Static room. */
static const char *with_secrets(const char *text)
{
	static char whole[4096];
	size_t size = (size_t)snprintf(
	        whole, sizeof(whole), URL "[listen]\naddress = 127.0.0.1:1\naddress = unix:/run/s\n");

	for (; *text; text++) {
		if (*text == '@')
			size += (size_t)snprintf(whole + size, sizeof(whole) - size, "%s", secrets);
		else
			whole[size++] = *text;
		ck_assert_uint_lt(size, sizeof(whole) - 100);
	}
	whole[size] = '\0';
	return whole;
}

START_TEST(the_secrets_are_read)
{
	CLEANUP(conf_unrefp) struct conf *conf = NULL;
	const struct conf_session *by_key, *by_password;

	secrets_make();
	secret_put("key", "0123456789abcdef\n");
	secret_put("password", "correct horse\n");
	secret_put("token", "let-me-in\n");
	conf = conf_of(
	        with_secrets("[session \"by-key\"]\nkey_file = @/key\nimpersonate = jsmith\nlisteners = 127.0.0.1:1\n"
	                     "[session \"by_password\"]\nusername = bot\npassword_file = @/password\n"
	                     "token_file = @/token\nuids = root\n"),
	        NULL);
	secrets_remove();
	by_key = conf_session(conf, "by-key");
	ck_assert_str_eq(by_key->key, "0123456789abcdef");
	ck_assert_str_eq(by_key->impersonate, "jsmith");
	ck_assert_ptr_null(by_key->password);
	by_password = conf_session(conf, "by_password");
	ck_assert_str_eq(by_password->username, "bot");
	ck_assert_str_eq(by_password->password, "correct horse");
	ck_assert_str_eq(by_password->token, "let-me-in");
	ck_assert_uint_eq(by_password->uid_numbers[0], 0);
	ck_assert_int_eq(by_password->verify, CONF_VERIFY_UPSTREAM);
	ck_assert_ptr_null(conf_session(conf, "other"));
}
END_TEST

/* Where the settings are shown the secrets are not. */
START_TEST(no_secret_is_printed)
{
	CLEANUP(conf_unrefp) struct conf *conf = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;

	secrets_make();
	secret_put("key", "0123456789abcdef\n");
	conf = conf_of(with_secrets("[session \"a\"]\nkey_file = @/key\nlisteners = 127.0.0.1:1 unix:/run/s\n"), NULL);
	secrets_remove();
	out = open_memstream(&text, &size);
	conf_print(conf, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(strstr(text, "[session \"a\"]"));
	ck_assert_ptr_nonnull(strstr(text, "listeners = 127.0.0.1:1 unix:/run/s\n"));
	ck_assert_ptr_null(strstr(text, "0123456789abcdef"));
	free(text);
}
END_TEST

START_TEST(somebody_must_be_allowed)
{
	static const char nobody[] =
	        "session \"a\" does not say who may use it; allowed: one or more of listeners, uids, "
	        "gids, token_file\n";
	char expected[256];

	snprintf(expected, sizeof(expected), "a.conf:3: %s", nobody);
	assert_problems(URL "[session \"a\"]\ntimeout = 1s\n", NULL, expected);
	snprintf(expected, sizeof(expected), "session.a: %s", nobody);
	assert_problems(URL, OVERRIDES("session.a.timeout=1s"), expected);
}
END_TEST

START_TEST(what_can_never_hold)
{
	assert_problems(with_secrets("[session \"a\"]\nlisteners = 127.0.0.1:2\n"), NULL,
	        "a.conf:7: listeners: 127.0.0.1:2 is not one of listen.address\n");
	assert_problems(with_secrets("[session \"a\"]\nlisteners = 127.0.0.1:1\ngids = 7\n"), NULL,
	        "a.conf:8: gids: only a Unix socket tells who connects, and none is among listeners\n");
	assert_problems(URL "[session \"a\"]\nuids = 7\n", NULL,
	        "a.conf:4: uids: only a Unix socket tells who connects, and none is among listen.address\n");
	assert_problems(with_secrets("[session \"a\"]\nuids = no.such.user\ngids = no-such-group\n"), NULL,
	        "a.conf:7: uids: there is no user \"no.such.user\"\n"
	        "a.conf:8: gids: there is no group \"no-such-group\"\n");
	assert_problems(URL
	        "[listen]\naddress = 0.0.0.0:1\nallow_remote = yes\n[session \"a\"]\nlisteners = 0.0.0.0:1\n",
	        NULL, "a.conf:7: listeners: other machines can reach 0.0.0.0:1; allowed: with token_file\n");
}
END_TEST

START_TEST(credentials_that_are_not_whole)
{
	secrets_make();
	secret_put("key", "0123 4567\n");
	assert_problems(
	        with_secrets("[session \"a\"]\nlisteners = unix:/run/s\nusername = a:b\nimpersonate = x\n"
	                     "[session \"b\"]\nlisteners = unix:/run/s\npassword_file = /nonexistent\n"
	                     "impersonate = x\n[session \"c\"]\nlisteners = unix:/run/s\nclient_key = /dev/null\n"
	                     "engine = a/b\nworkers = 17\n"),
	        NULL,
	        "a.conf:8: username: without password_file\n"
	        "a.conf:8: username: a login for HTTP Basic has no \":\"\n"
	        "a.conf:12: password_file: /nonexistent: No such file or directory\n"
	        "a.conf:12: password_file: without username\n"
	        "a.conf:13: impersonate: without key_file or username: whose right would it be\n"
	        "a.conf:16: client_key: without client_certificate\n"
	        "a.conf:18: workers: 17 is more than session.workers_limit, 16\n"
	        "a.conf:17: engine: no engine \"a/b\" runs; allowed: the default one, or one with a section of its own\n");
	secrets_remove();
}
END_TEST

START_TEST(values_that_cannot_be)
{
	assert_problems(URL "[session \"a\"]\nlisteners = 127.0.0.1:1 x\nuids = a/b\nkey_file = key\n"
	                    "password_file = credential:../x\nproxy = ftp://a\n[session \"a b\"]\n",
	        NULL,
	        "a.conf:4: listeners: \"x\" has no port; allowed: values of listen.address, separated by "
	        "spaces, or nothing\n"
	        "a.conf:5: uids: \"a/b\" is neither a number nor a name; allowed: numbers or names, separated by spaces, or "
	        "nothing\n"
	        "a.conf:6: key_file: that is neither an absolute path nor credential:NAME; allowed: a path that begins with "
	        "\"/\", credential:NAME, or nothing\n"
	        "a.conf:7: password_file: \"credential:../x\" is not the name of a credential; allowed: a path that begins with "
	        "\"/\", credential:NAME, or nothing\n"
	        "a.conf:8: proxy: it does not begin with http://, https://, socks5:// or socks5h://; allowed: none, nothing, or "
	        "http://, https://, socks5:// or socks5h:// and HOST, HOST:PORT or either of them with a /PATH\n"
	        "a.conf:9: \"a b\" cannot be a name; allowed: 1 to 32 letters, digits, \"_\" and \"-\"\n"
	        "a.conf:3: session \"a\" does not say who may use it; allowed: one or more of listeners, uids, gids, "
	        "token_file\n");
}
END_TEST

UNIT_MAIN("session", the_secrets_are_read, no_secret_is_printed, somebody_must_be_allowed, what_can_never_hold,
        credentials_that_are_not_whole, values_that_cannot_be)
