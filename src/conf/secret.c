#include "conf/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 4096

void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

bool secret_is(const char *secret, const char *text)
{
	size_t size = strlen(secret);
	unsigned char difference = 0;

	if (!text || strlen(text) != size)
		return false;
	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(secret[i] ^ text[i]);
	return difference == 0;
}

/* The path of the file; *ret_credential: systemd says who can read it. */
static int resolve(const char *file, char **ret, bool *ret_credential, struct fail *fail)
{
	static const char prefix[] = "credential:";
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	const char *name = file + strlen(prefix);
	int size;

	*ret_credential = strncmp(file, prefix, strlen(prefix)) == 0;
	if (*ret_credential && (!folder || *folder != '/'))
		return fail_set(fail, -EINVAL,
		        "%s: the environment has no CREDENTIALS_DIRECTORY; systemd sets it for LoadCredential=%s:PATH",
		        file, name);
	size = *ret_credential ? asprintf(ret, "%s/%s", folder, name) : asprintf(ret, "%s", file);
	if (size < 0) {
		*ret = NULL;
		return fail_set(fail, -ENOMEM, "out of memory");
	}
	return 0;
}

static int check_permissions(const char *path, const struct stat *status, struct fail *fail)
{
	bool group_may_read = status->st_uid == 0 && status->st_gid == getegid();
	mode_t allowed = group_may_read ? 0740 : 0700;

	if (status->st_uid != geteuid() && status->st_uid != 0)
		return fail_set(fail, -EINVAL,
		        "%s: it is of user %u's, who could change it; allowed: a file of this "
		        "user's (%u) or of root's",
		        path, (unsigned)status->st_uid, (unsigned)geteuid());
	if (status->st_mode & 07777 & ~allowed)
		return fail_set(fail, -EINVAL,
		        "%s: others than its owner can read or write it (mode %04o); allowed: 0600, 0400, or 0640 for a "
		        "file of root's with the group of the daemon",
		        path, (unsigned)(status->st_mode & 07777));
	return 0;
}

/* What was read, judged: one line, without its end, of characters that can stand in a field. */
static int check_text(const char *path, char *text, size_t size, struct fail *fail)
{
	if (size > 0 && text[size - 1] == '\n')
		size--;
	if (size > 0 && text[size - 1] == '\r')
		size--;
	text[size] = '\0';
	if (size == 0)
		return fail_set(fail, -EINVAL, "%s: it is empty", path);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return fail_set(fail, -EINVAL, "%s: it holds a control character or more than one line", path);
	return 0;
}

static int read_text(int fd, const char *path, char **ret, struct fail *fail)
{
	char text[SECRET_MAX + 2];
	size_t size = 0;
	ssize_t n;
	int r;

	do {
		n = read(fd, text + size, SECRET_MAX + 1 - size);
		size += n > 0 ? (size_t)n : 0;
	} while (n > 0 && size <= SECRET_MAX);
	if (n < 0)
		r = fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	else if (size > SECRET_MAX)
		r = fail_set(fail, -EINVAL, "%s: it is larger than %d bytes", path, SECRET_MAX);
	else
		r = check_text(path, text, size, fail);
	if (r == 0) {
		*ret = strdup(text);
		if (!*ret)
			r = fail_set(fail, -ENOMEM, "out of memory");
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

int secret_read(const char *file, char **ret, struct fail *fail)
{
	CLEANUP(freep) char *path = NULL;
	struct stat status;
	bool credential;
	int fd, r = resolve(file, &path, &credential, fail);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &status) < 0)
		r = fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(status.st_mode))
		r = fail_set(fail, -EINVAL, "%s: it is not a regular file", path);
	else if (!credential)
		r = check_permissions(path, &status, fail);
	if (r == 0)
		r = read_text(fd, path, ret, fail);
	close(fd);
	return r;
}
