#include "control/socket.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/control-XXXXXX";
static char path[128];

static void begin(void)
{
	strcpy(folder, "/tmp/control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run/control.sock", folder);
}

static void end(void)
{
	char run[128];

	unlink(path);
	snprintf(run, sizeof(run), "%s/run", folder);
	rmdir(run);
	ck_assert_int_eq(rmdir(folder), 0);
}

static int reach(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	strcpy(name.sun_path, path);
	r = connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 ? 0 : -errno;
	close(fd);
	return r;
}

START_TEST(made_with_its_folder_and_mode)
{
	struct fail fail = {0};
	struct stat status;
	int fd;

	begin();
	fd = control_socket_open(path, 0660, &fail);
	ck_assert_msg(fd >= 0, "%s", fail.text);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0660);
	ck_assert_int_eq(reach(), 0);
	close(fd);
	end();
}
END_TEST

START_TEST(what_was_left_is_replaced_and_what_lives_is_not)
{
	struct fail fail = {0};
	int fd, second;

	begin();
	fd = control_socket_open(path, 0600, &fail);
	ck_assert_int_ge(fd, 0);
	second = control_socket_open(path, 0600, &fail);
	ck_assert_int_eq(second, -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(fail.text, "another process"));
	close(fd);
	ck_assert_int_eq(reach(), -ECONNREFUSED);
	fd = control_socket_open(path, 0600, &fail);
	ck_assert_int_ge(fd, 0);
	close(fd);
	end();
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
	struct fail fail = {0};
	FILE *file;

	begin();
	close(control_socket_open(path, 0600, &fail));
	unlink(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(control_socket_open(path, 0600, &fail), -EEXIST);
	ck_assert_int_eq(access(path, F_OK), 0);
	end();
}
END_TEST

START_TEST(too_long_a_path)
{
	struct fail fail = {0};
	char longest[200];

	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(control_socket_open(longest, 0600, &fail), -ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(fail.text, "longer than 107"));
}
END_TEST

UNIT_MAIN("socket", made_with_its_folder_and_mode, what_was_left_is_replaced_and_what_lives_is_not,
        what_is_no_socket_stays, too_long_a_path)
