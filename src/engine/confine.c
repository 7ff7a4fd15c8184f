#include "engine/confine.h"

#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Everything of Landlock's first version that changes the file system or runs programs: reading stays allowed. */
#define LANDLOCK_DENIED                                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                  \
	        LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |          \
	        LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |            \
	        LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static void forbid_writing(void)
{
	struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_DENIED};
	long fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);

	if (fd < 0)
		return;
	syscall(SYS_landlock_restrict_self, (int)fd, 0);
	close((int)fd);
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
/* The calls of the x32 ABI come under the same architecture, with numbers from here on: the same calls by other numbers. */
#define OTHER_NUMBERS 0x40000000
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
#define DENY(name)                                                                                                     \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

/* Not only what looks into others or runs programs: io_uring would do any of it by another way, and a signal ends the daemon. */
static void forbid_calls(void)
{
	struct sock_filter filter[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef OTHER_NUMBERS
	        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_NUMBERS, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
#endif
	        DENY(execve),
	        DENY(execveat),
	        DENY(ptrace),
	        DENY(process_vm_readv),
	        DENY(process_vm_writev),
	        DENY(listen),
	        DENY(accept),
	        DENY(accept4),
	        DENY(mount),
	        DENY(umount2),
	        DENY(setns),
	        DENY(unshare),
	        DENY(bpf),
	        DENY(keyctl),
	        DENY(add_key),
	        DENY(io_uring_setup),
	        DENY(io_uring_enter),
	        DENY(io_uring_register),
	        DENY(pidfd_getfd),
	        DENY(pidfd_send_signal),
	        DENY(process_madvise),
	        DENY(kill),
	        DENY(tkill),
	        DENY(rt_sigqueueinfo),
	        DENY(rt_tgsigqueueinfo),
	        /* abort() signals the process itself. */
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void forbid_calls(void)
{
}
#endif

void confine_worker(void)
{
	struct rlimit none = {0};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	forbid_writing();
	forbid_calls();
}
