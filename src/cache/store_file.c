#include "cache/store_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_ROOM 4096

#define MARK_HEAD    "redmine-cached 1 "
#define TOKEN_AT     (sizeof(MARK_HEAD) - 1)
#define TOKEN_DIGITS (2 * STORE_TOKEN_SIZE)
#define BOOT_AT      (TOKEN_AT + TOKEN_DIGITS + 1)
#define BOOT_DIGITS  36
#define STATE_AT     (BOOT_AT + BOOT_DIGITS + 1)
#define STATE_SIZE   4
#define MARK_SIZE    (STATE_AT + STATE_SIZE + 1)

static int name_of(char name[NAME_ROOM], const char *path, const char *suffix, struct fail *fail)
{
	if (snprintf(name, NAME_ROOM, "%s%s", path, suffix) >= NAME_ROOM)
		return fail_set(fail, -ENAMETOOLONG, "%s: name too long", path);
	return 0;
}

static int fail_errno(struct fail *fail, const char *name)
{
	return fail_set(fail, -errno, "%s: %s", name, strerror(errno));
}

static int make_folder(const char *path, struct fail *fail)
{
	char name[NAME_ROOM];
	char *slash;

	if (name_of(name, path, "", fail) < 0)
		return -ENAMETOOLONG;
	slash = strrchr(name, '/');
	if (!slash || slash == name)
		return 0;
	*slash = '\0';
	if (mkdir(name, 0700) < 0 && errno != EEXIST)
		return fail_errno(fail, name);
	return 0;
}

/* The kernel's boot id; all '?' where it cannot be read, which equals nothing that was written. */
static void read_boot_id(char ret[BOOT_DIGITS])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, ret, BOOT_DIGITS) != BOOT_DIGITS)
		memset(ret, '?', BOOT_DIGITS);
	if (fd >= 0)
		close(fd);
}

static bool token_parse(const char *digits, uint8_t token[STORE_TOKEN_SIZE])
{
	for (size_t i = 0; i < STORE_TOKEN_SIZE; i++) {
		unsigned byte;

		if (sscanf(digits + 2 * i, "%2x", &byte) != 1)
			return false;
		token[i] = (uint8_t)byte;
	}
	return true;
}

static bool token_is_zero(const uint8_t token[STORE_TOKEN_SIZE])
{
	static const uint8_t zero[STORE_TOKEN_SIZE];

	return memcmp(token, zero, sizeof(zero)) == 0;
}

/* Whatever is not a mark as it should be leaves the token zero: nothing is trusted. */
static void read_mark(struct store_file *file)
{
	char line[MARK_SIZE], boot[BOOT_DIGITS];

	memset(file->token, 0, sizeof(file->token));
	file->intact = false;
	if (pread(file->mark_fd, line, sizeof(line), 0) != sizeof(line) || memcmp(line, MARK_HEAD, TOKEN_AT) != 0 ||
	        line[MARK_SIZE - 1] != '\n' || !token_parse(line + TOKEN_AT, file->token))
		return;
	file->used = true;
	read_boot_id(boot);
	file->intact = memcmp(line + STATE_AT, "shut", STATE_SIZE) == 0 ||
	               (boot[0] != '?' && memcmp(line + BOOT_AT, boot, BOOT_DIGITS) == 0);
}

int store_file_create(const struct store_file *file, struct fail *fail)
{
	int fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat status;
	int r = 0;

	if (fd < 0)
		return fail_errno(fail, file->path);
	if (fstat(fd, &status) < 0)
		r = fail_errno(fail, file->path);
	else if (!S_ISREG(status.st_mode))
		r = fail_set(fail, -EINVAL, "%s: not a regular file", file->path);
	close(fd);
	return r;
}

int store_file_protect(const struct store_file *file, struct fail *fail)
{
	struct stat status;

	if (stat(file->path, &status) < 0 || ((status.st_mode & 077) != 0 && chmod(file->path, 0600) < 0))
		return fail_errno(fail, file->path);
	return 0;
}

static int open_mark(struct store_file *file, struct fail *fail)
{
	char name[NAME_ROOM];
	int r = name_of(name, file->path, "-mark", fail);

	if (r < 0)
		return r;
	file->mark_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file->mark_fd < 0)
		return fail_errno(fail, name);
	if (flock(file->mark_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return fail_set(fail, -EBUSY, "%s: in use by another process", file->path);
		return fail_errno(fail, name);
	}
	read_mark(file);
	return 0;
}

int store_file_open(struct store_file *file, const char *path, struct fail *fail)
{
	int r;

	*file = (struct store_file){.mark_fd = -1, .path = strdup(path)};
	if (!file->path)
		return fail_set(fail, -ENOMEM, "out of memory");
	r = make_folder(path, fail);
	if (r == 0)
		r = open_mark(file, fail);
	if (r == 0)
		r = store_file_create(file, fail);
	if (r < 0)
		store_file_release(file);
	return r;
}

void store_file_release(struct store_file *file)
{
	if (file->mark_fd >= 0)
		close(file->mark_fd);
	free(file->path);
	*file = (struct store_file){.mark_fd = -1};
}

bool store_file_used(const struct store_file *file)
{
	return file->used;
}

bool store_file_trusts(const struct store_file *file, const uint8_t token[STORE_TOKEN_SIZE])
{
	return file->intact && !token_is_zero(token) && memcmp(file->token, token, STORE_TOKEN_SIZE) == 0;
}

int store_file_begin(struct store_file *file, struct fail *fail)
{
	char line[MARK_SIZE + 1], digits[TOKEN_DIGITS + 1], boot[BOOT_DIGITS];

	if (getrandom(file->token, sizeof(file->token), 0) != sizeof(file->token))
		return fail_errno(fail, "getrandom");
	for (size_t i = 0; i < STORE_TOKEN_SIZE; i++)
		snprintf(digits + 2 * i, 3, "%02x", file->token[i]);
	read_boot_id(boot);
	snprintf(line, sizeof(line), MARK_HEAD "%s %.*s open\n", digits, BOOT_DIGITS, boot);
	errno = EIO;
	if (pwrite(file->mark_fd, line, MARK_SIZE, 0) != MARK_SIZE || fdatasync(file->mark_fd) < 0)
		return fail_errno(fail, file->path);
	return 0;
}

void store_file_end(struct store_file *file)
{
	/* not written: the file just counts as left open */
	if (pwrite(file->mark_fd, "shut", STATE_SIZE, STATE_AT) == STATE_SIZE)
		fdatasync(file->mark_fd);
}

int store_file_distrust(const char *path, struct fail *fail)
{
	char name[NAME_ROOM], zeros[TOKEN_DIGITS];
	int r = name_of(name, path, "-mark", fail);
	int fd;

	if (r < 0)
		return r;
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail_errno(fail, name);
	memset(zeros, '0', sizeof(zeros));
	errno = EIO;
	if (pwrite(fd, zeros, sizeof(zeros), TOKEN_AT) != sizeof(zeros) || fdatasync(fd) < 0)
		r = fail_errno(fail, name);
	close(fd);
	return r;
}

/* Removes what was set aside for that reason before, so that a bad disk does not fill up with its own remains. */
static void forget_aside(const char *path, const char *why)
{
	char folder[NAME_ROOM], start[NAME_ROOM];
	const char *slash = strrchr(path, '/');
	struct dirent *item;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 2, slash ? path : "./");
	snprintf(start, sizeof(start), "%s.%s-", slash ? slash + 1 : path, why);
	dir = opendir(folder);
	if (!dir)
		return;
	while ((item = readdir(dir)))
		if (strncmp(item->d_name, start, strlen(start)) == 0)
			unlinkat(dirfd(dir), item->d_name, 0);
	closedir(dir);
}

static int rename_if_there(const char *from, const char *to, struct fail *fail)
{
	if (rename(from, to) < 0 && errno != ENOENT)
		return fail_errno(fail, from);
	return 0;
}

int store_file_set_aside(const struct store_file *file, const char *why, char *ret_name, size_t size, struct fail *fail)
{
	char journal[NAME_ROOM], journal_to[NAME_ROOM], index[NAME_ROOM];
	int r;

	if (snprintf(ret_name, size, "%s.%s-%lld", file->path, why, (long long)time(NULL)) >= (int)size ||
	        name_of(journal, file->path, "-wal", NULL) < 0 || name_of(journal_to, ret_name, "-wal", NULL) < 0 ||
	        name_of(index, file->path, "-shm", NULL) < 0)
		return fail_set(fail, -ENAMETOOLONG, "%s: name too long", file->path);
	/*
	 * In this order: killed in the middle, it leaves a file without its journal, which must not be trusted; a
	 * journal without its file would be taken for the next file's.
	 */
	r = store_file_distrust(file->path, fail);
	if (r < 0)
		return r;
	forget_aside(file->path, why);
	unlink(index);
	r = rename_if_there(journal, journal_to, fail);
	return r < 0 ? r : rename_if_there(file->path, ret_name, fail);
}

void store_file_note_place(struct store_file *file)
{
	struct stat status = {0};

	stat(file->path, &status);
	file->device = status.st_dev;
	file->inode = status.st_ino;
}

bool store_file_in_place(const struct store_file *file)
{
	struct stat status;

	return stat(file->path, &status) == 0 && status.st_dev == file->device && status.st_ino == file->inode;
}

uint64_t store_file_bytes(const struct store_file *file)
{
	char journal[NAME_ROOM];
	struct stat status;
	uint64_t bytes = 0;

	if (stat(file->path, &status) == 0)
		bytes += (uint64_t)status.st_size;
	if (name_of(journal, file->path, "-wal", NULL) == 0 && stat(journal, &status) == 0)
		bytes += (uint64_t)status.st_size;
	return bytes;
}
