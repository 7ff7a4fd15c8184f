/* What a worker process may not do any more, tried out in a process that is thrown away. */
#include "engine/confine.h"

#include "../unit.h"

#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit status of what a confined process tries: 0 as it should be, else the line that says otherwise. */
static int confined(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		confine_worker();
		_exit(what());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define WANT(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return __LINE__ & 0xff;                                                                        \
	} while (0)

static int try_to_run(void)
{
	char *const arguments[] = {(char *)"true", NULL};

	execv("/bin/true", arguments);
	WANT(errno == EPERM || errno == EACCES);
	return 0;
}

START_TEST(runs_nothing)
{
	ck_assert_int_eq(confined(try_to_run), 0);
}
END_TEST

static int try_to_listen(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	WANT(fd >= 0);
	WANT(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	WANT(listen(fd, 1) < 0 && errno == EPERM);
	WANT(accept(fd, NULL, NULL) < 0 && errno == EPERM);
	return 0;
}

START_TEST(listens_on_nothing)
{
	ck_assert_int_eq(confined(try_to_listen), 0);
}
END_TEST

static int try_to_look(void)
{
	WANT(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && errno == EPERM);
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return 0;
}

START_TEST(looks_into_nobody)
{
	ck_assert_int_eq(confined(try_to_look), 0);
}
END_TEST

static int try_to_signal(void)
{
	WANT(kill(getppid(), 0) < 0 && errno == EPERM);
	WANT(syscall(SYS_tkill, getppid(), 0) < 0 && errno == EPERM);
	WANT(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 && errno == EPERM);
	WANT(syscall(SYS_rt_sigqueueinfo, getppid(), 0, NULL) < 0 && errno == EPERM);
	WANT(raise(0) == 0);
	return 0;
}

/* Of the daemon's user it may not even end the daemon; itself it may. */
START_TEST(signals_nobody)
{
	ck_assert_int_eq(confined(try_to_signal), 0);
}
END_TEST

static int try_to_abort(void)
{
	abort();
}

START_TEST(aborts)
{
	ck_assert_int_eq(confined(try_to_abort), -SIGABRT);
}
END_TEST

/* What does the same by another way: io_uring, descriptors of other processes, the numbers of another ABI. */
static int try_other_ways(void)
{
	char parameters[256] = {0};

	WANT(syscall(SYS_io_uring_setup, 1, parameters) < 0 && errno == EPERM);
	WANT(syscall(SYS_pidfd_getfd, 0, 0, 0) < 0 && errno == EPERM);
#ifdef __x86_64__
	WANT(syscall(0x40000000 + 520, "/bin/true", NULL, NULL) < 0 && errno == ENOSYS); /* execve of x32 */
	WANT(syscall(0x40000000 + SYS_getpid) < 0 && errno == ENOSYS);
#endif
	return 0;
}

START_TEST(finds_no_other_way)
{
	ck_assert_int_eq(confined(try_other_ways), 0);
}
END_TEST

static int look_at_core_limit(void)
{
	struct rlimit limit;

	WANT(getrlimit(RLIMIT_CORE, &limit) == 0);
	WANT(limit.rlim_cur == 0 && limit.rlim_max == 0);
	return 0;
}

START_TEST(dumps_no_core)
{
	ck_assert_int_eq(confined(look_at_core_limit), 0);
}
END_TEST

static bool kernel_has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static char path[] = "/tmp/test_confine.XXXXXX";

static int try_to_write(void)
{
	WANT(open(path, O_WRONLY) < 0 && errno == EACCES);
	WANT(open("/tmp/test_confine.new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EACCES);
	WANT(unlink(path) < 0 && errno == EACCES);
	WANT(mkdir("/tmp/test_confine.folder", 0700) < 0 && errno == EACCES);
	return 0;
}

/* Where the kernel has no Landlock, this wall is not there; the others are. */
START_TEST(writes_no_file)
{
	int fd = mkstemp(path);
	bool landlock = kernel_has_landlock();

	ck_assert_int_ge(fd, 0);
	if (landlock)
		ck_assert_int_eq(confined(try_to_write), 0);
	else
		ck_assert_int_ne(confined(try_to_write), 0);
	close(fd);
	unlink(path);
}
END_TEST

/* What it is there for still works: reading certificates, looking up names, talking. */
static int try_to_work(void)
{
	struct sockaddr_in name = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(1)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	WANT(connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 && errno == ECONNREFUSED);
	WANT(open("/etc/hosts", O_RDONLY) >= 0);
	WANT(malloc(10 << 20) != NULL);
	return 0;
}

START_TEST(still_works)
{
	ck_assert_int_eq(confined(try_to_work), 0);
}
END_TEST

UNIT_MAIN("confine", runs_nothing, listens_on_nothing, looks_into_nobody, signals_nobody, aborts, finds_no_other_way,
        dumps_no_core, writes_no_file, still_works)
