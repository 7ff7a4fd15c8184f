#include "engine/spawner.h"

#include "engine/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_WITHIN_S 5
#define FIRST_FREE_FD   3

/* Only fd is left open, as FIRST_FREE_FD. */
static int keep_only(int fd)
{
	if (fd != FIRST_FREE_FD && dup2(fd, FIRST_FREE_FD) < 0)
		_exit(EXIT_FAILURE);
	syscall(SYS_close_range, FIRST_FREE_FD + 1, ~0U, 0);
	return FIRST_FREE_FD;
}

/* The end of the parent is the end of this process; if it came before the call, getppid() shows it. */
static void end_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_SUCCESS);
}

/* Sends pid with the descriptor; pid < 0: a negative errno, without one. */
static void answer(int to, pid_t pid, int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec bytes = {.iov_base = &pid, .iov_len = sizeof(pid)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (pid > 0) {
		struct cmsghdr *control;

		message.msg_control = room;
		message.msg_controllen = sizeof(room);
		control = CMSG_FIRSTHDR(&message);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	}
	if (sendmsg(to, &message, MSG_NOSIGNAL) < 0)
		_exit(EXIT_SUCCESS);
}

static void fork_worker(int to, const struct session_settings *settings)
{
	pid_t self = getpid(), pid;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		answer(to, -errno, -1);
		return;
	}
	pid = fork();
	if (pid == 0) {
		int fd = keep_only(ends[1]);

		end_with_parent(self);
		_exit(worker_main(fd, settings));
	}
	answer(to, pid < 0 ? -errno : pid, ends[0]);
	close(ends[0]);
	close(ends[1]);
}

static void run(int fd, pid_t parent, const struct session_settings *settings)
{
	char request;

	fd = keep_only(fd);
	end_with_parent(parent);
	prctl(PR_SET_NAME, "rc-spawner");
	signal(SIGCHLD, SIG_IGN); /* the kernel takes the dead away */
	while (recv(fd, &request, 1, 0) == 1)
		fork_worker(fd, settings);
	_exit(EXIT_SUCCESS);
}

int spawner_start(struct spawner *s, const struct session_settings *settings, struct fail *fail)
{
	struct timeval limit = {.tv_sec = ANSWER_WITHIN_S};
	pid_t self = getpid();
	int ends[2];

	*s = (struct spawner){.fd = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_set(fail, -errno, "starting the spawner: %s", strerror(errno));
	s->pid = fork();
	if (s->pid < 0) {
		int r = fail_set(fail, -errno, "starting the spawner: %s", strerror(errno));

		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (s->pid == 0)
		run(ends[1], self, settings);
	close(ends[1]);
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	s->fd = ends[0];
	return 0;
}

int spawner_fork(struct spawner *s, pid_t *ret_pid, int *ret_fd)
{
	pid_t pid = -EIO;
	char room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec bytes = {.iov_base = &pid, .iov_len = sizeof(pid)};
	struct msghdr message = {
	        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
	struct cmsghdr *control;

	if (send(s->fd, "f", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	if (recvmsg(s->fd, &message, MSG_CMSG_CLOEXEC) != sizeof(pid))
		return -EIO;
	if (pid < 0)
		return pid;
	control = CMSG_FIRSTHDR(&message);
	if (!control || control->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(ret_fd, CMSG_DATA(control), sizeof(*ret_fd));
	fcntl(*ret_fd, F_SETFL, O_NONBLOCK);
	*ret_pid = pid;
	return 0;
}

void spawner_stop(struct spawner *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	waitpid(s->pid, NULL, 0);
}
