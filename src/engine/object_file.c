#include "engine/object_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is the same in 32 and 64 bits: e_ident, e_type, e_machine. */
struct start {
	unsigned char ident[EI_NIDENT];
	uint16_t type, machine;
};

static int read_start(const char *path, struct start *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t n = 0;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (S_ISDIR(status.st_mode))
		r = -EISDIR;
	else if (S_ISREG(status.st_mode) && (n = read(fd, ret, sizeof(*ret))) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && (n != sizeof(*ret) || memcmp(ret->ident, ELFMAG, SELFMAG) != 0))
		r = -ENOEXEC;
	return r;
}

int object_file_check(const char *path, struct fail *fail)
{
	struct start object, own;
	int r = read_start(path, &object);

	if (r == -ENOEXEC)
		return fail_set(fail, r, "%s: not a shared object (no ELF file)", path);
	if (r < 0)
		return fail_set(fail, r, "%s: %s", path, strerror(-r));
	if (read_start("/proc/self/exe", &own) == 0 &&
	        (object.ident[EI_CLASS] != own.ident[EI_CLASS] || object.ident[EI_DATA] != own.ident[EI_DATA] ||
	                object.machine != own.machine))
		return fail_set(fail, -ENOEXEC,
		        "%s: for another kind of machine (ELF machine %u, %s bits; this daemon: %u, %s bits)", path,
		        (unsigned)object.machine, object.ident[EI_CLASS] == ELFCLASS64 ? "64" : "32",
		        (unsigned)own.machine, own.ident[EI_CLASS] == ELFCLASS64 ? "64" : "32");
	if (object.type != ET_DYN)
		return fail_set(fail, -ENOEXEC, "%s: not a shared object (link it with -shared)", path);
	return 0;
}
