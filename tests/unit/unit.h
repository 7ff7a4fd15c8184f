/*
 * The main() of a unit test program: UNIT_MAIN("buf", one_test, another_test)
 * runs the tests of Check and fails when one of them does.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * fork() for a test whose child asserts or is killed. Check's messages go through a file, by a buffer, both of
 * which the child would share with its parent: killed in the middle of a flush it leaves half a message in it
 * ("Bad message type"). So the regular files that the child inherits lead to /dev/null: what it asserts must
 * show in how it ends.
 */
static inline pid_t unit_fork(void)
{
	pid_t child = fork();
	struct dirent *name;
	struct stat about;
	DIR *list;
	int nowhere;

	if (child != 0)
		return child;
	nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	list = opendir("/proc/self/fd");
	if (nowhere < 0 || !list)
		_exit(EXIT_FAILURE);
	while ((name = readdir(list))) {
		int descriptor = atoi(name->d_name);

		if (descriptor > STDERR_FILENO && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) &&
		        dup2(nowhere, descriptor) < 0)
			_exit(EXIT_FAILURE);
	}
	closedir(list);
	close(nowhere);
	return 0;
}

/* Seconds that a test may take: it only ends one that hangs. A sanitizer on a busy machine is slow. */
#define UNIT_LIMIT_S 180

static inline int unit_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tests_case = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests_case, UNIT_LIMIT_S);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tests_case, tests[i]);
	suite_add_tcase(suite, tests_case);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...)                                                                                           \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const TTest *const tests[] = {__VA_ARGS__};                                                            \
		return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]));                                        \
	}

#endif
