#include "control/socket.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

/* The last folder of the path, for daemons that nobody made one for. Errors show when the socket is bound. */
static int make_folder(const char *path)
{
	CLEANUP(freep) char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	mkdir(dirname(copy), 0700);
	return 0;
}

/* True when a process answers there. */
static bool is_alive(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int clear_path(const struct sockaddr_un *name)
{
	struct stat status;

	if (lstat(name->sun_path, &status) < 0)
		return 0;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	if (is_alive(name))
		return -EADDRINUSE;
	unlink(name->sun_path);
	return 0;
}

/* The mode is right before anybody can connect: nobody can until listen(). */
static int bind_there(int fd, const struct sockaddr_un *name, mode_t mode)
{
	int r = clear_path(name);

	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0)
		return -errno;
	if (chmod(name->sun_path, mode) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		unlink(name->sun_path);
	}
	return r;
}

int control_socket_open(const char *path, mode_t mode, struct fail *fail)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(name.sun_path))
		return fail_set(fail, -ENAMETOOLONG, "control.socket %s: longer than %zu bytes", path,
		        sizeof(name.sun_path) - 1);
	memcpy(name.sun_path, path, strlen(path));
	if (make_folder(path) < 0)
		return fail_set(fail, -ENOMEM, "out of memory");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_set(fail, -errno, "control.socket %s: %s", path, strerror(errno));
	r = bind_there(fd, &name, mode);
	if (r < 0) {
		close(fd);
		return fail_set(fail, r, "control.socket %s: %s", path,
		        r == -EADDRINUSE ? "another process answers there"
		        : r == -EEXIST   ? "something else than a socket is there"
		                         : strerror(-r));
	}
	return fd;
}
