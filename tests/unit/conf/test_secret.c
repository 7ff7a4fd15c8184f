#include "conf/secret.h"

#include "conf_text.h"

#include <errno.h>
#include <sys/stat.h>

static void secret_freep(char **secret)
{
	secret_free(*secret);
}

/* The error that a file of that content and mode brings, its folder cut away; "" for none, with *ret_secret set. */
static const char *problem_of(const char *content, size_t size, mode_t mode, char **ret_secret)
{
	static struct fail fail;
	const char *path;
	int r;

	fail = (struct fail){0};
	conf_folder_make();
	path = conf_bytes("secret", content, size);
	ck_assert_int_eq(chmod(path, mode), 0);
	r = secret_read(path, ret_secret, &fail);
	ck_assert_int_eq(r, fail.code);
	conf_folder_remove();
	return r < 0 ? fail.text + strlen(conf_folder) + 1 : "";
}

static void assert_secret(const char *content, const char *expected)
{
	CLEANUP(secret_freep) char *secret = NULL;

	ck_assert_str_eq(problem_of(content, strlen(content), 0600, &secret), "");
	ck_assert_str_eq(secret, expected);
}

static void assert_problem(const char *content, mode_t mode, const char *expected)
{
	CLEANUP(secret_freep) char *secret = NULL;

	ck_assert_str_eq(problem_of(content, strlen(content), mode, &secret), expected);
	ck_assert_ptr_null(secret);
}

START_TEST(one_line_without_its_end)
{
	assert_secret("0123abc", "0123abc");
	assert_secret("0123abc\n", "0123abc");
	assert_secret("0123abc\r\n", "0123abc");
	assert_secret("pass word \xc3\xa9\n", "pass word \xc3\xa9");
}
END_TEST

START_TEST(what_is_no_line)
{
	CLEANUP(secret_freep) char *secret = NULL;
	char large[5000];

	memset(large, 'x', sizeof(large));
	assert_problem("", 0600, "secret: it is empty");
	assert_problem("\n", 0600, "secret: it is empty");
	assert_problem("a\nb\n", 0600, "secret: it holds a control character or more than one line");
	ck_assert_str_eq(
	        problem_of("a\0b", 3, 0600, &secret), "secret: it holds a control character or more than one line");
	ck_assert_str_eq(problem_of(large, sizeof(large), 0600, &secret), "secret: it is larger than 4096 bytes");
	ck_assert_str_eq(problem_of(large, 4096, 0400, &secret), "");
	ck_assert_uint_eq(strlen(secret), 4096);
}
END_TEST

START_TEST(others_cannot_read_it)
{
	static const mode_t modes[] = {0604, 0602, 0620, 0610, 0666};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		char expected[256];

		snprintf(expected, sizeof(expected),
		        "secret: others than its owner can read or write it (mode %04o); allowed: 0600, 0400, or 0640 for a "
		        "file of root's with the group of the daemon",
		        (unsigned)modes[i]);
		assert_problem("x", modes[i], expected);
	}
}
END_TEST

/* Whoever runs the tests: as root the file is of root's with the group of this process. */
START_TEST(the_group_of_the_daemon_may_where_root_owns_it)
{
	CLEANUP(secret_freep) char *secret = NULL;
	const char *problem = problem_of("x", 1, 0640, &secret);

	ck_assert_int_eq(problem[0] == '\0', geteuid() == 0);
}
END_TEST

START_TEST(what_is_no_file)
{
	CLEANUP(secret_freep) char *secret = NULL;
	struct fail fail = {0};

	ck_assert_int_eq(secret_read("/nonexistent", &secret, &fail), -ENOENT);
	ck_assert_str_eq(fail.text, "/nonexistent: No such file or directory");
	ck_assert_int_eq(secret_read("/tmp", &secret, &fail), -EINVAL);
	ck_assert_str_eq(fail.text, "/tmp: it is not a regular file");
	ck_assert_int_eq(secret_read("/dev/null", &secret, &fail), -EINVAL);
}
END_TEST

START_TEST(systemd_keeps_credentials)
{
	CLEANUP(secret_freep) char *secret = NULL;
	struct fail fail = {0};

	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(secret_read("credential:key", &secret, &fail), -EINVAL);
	ck_assert_str_eq(fail.text, "credential:key: the environment has no CREDENTIALS_DIRECTORY; systemd sets it for "
	                            "LoadCredential=key:PATH");
	conf_folder_make();
	ck_assert_int_eq(chmod(conf_file("key", "of systemd\n"), 0440), 0);
	setenv("CREDENTIALS_DIRECTORY", conf_folder, 1);
	ck_assert_int_eq(secret_read("credential:key", &secret, &fail), 0);
	ck_assert_str_eq(secret, "of systemd");
	conf_folder_remove();
	unsetenv("CREDENTIALS_DIRECTORY");
}
END_TEST

START_TEST(told_from_other_texts)
{
	static const char *const others[] = {"", "abc", "abcd ", "abcde", "Abcd", "abcD", "xbcd", NULL};

	ck_assert(secret_is("abcd", "abcd"));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert(!secret_is("abcd", others[i]));
	ck_assert(!secret_is("abcd", NULL));
}
END_TEST

UNIT_MAIN("secret", told_from_other_texts, one_line_without_its_end, what_is_no_line, others_cannot_read_it,
        the_group_of_the_daemon_may_where_root_owns_it, what_is_no_file, systemd_keeps_credentials)
