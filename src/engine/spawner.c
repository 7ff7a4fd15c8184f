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

/* What it can be asked for, a byte each; it answers with a process and the end of a socket to that. */
#define ASK_WORKER 'w'
#define ASK_SPARE  's'

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

static void run(int fd, const struct session_settings *settings);

/* In the new process. A spare one is nobody's child, so that what ends this process and its children leaves it alone; the
 * end of the daemon it sees by its socket. */
static void begin_child(char what, int fd, pid_t parent, const struct session_settings *settings)
{
	fd = keep_only(fd);
	if (what == ASK_WORKER) {
		end_with_parent(parent);
		_exit(worker_main(fd, settings));
	}
	if (fork() == 0)
		run(fd, settings);
	_exit(EXIT_SUCCESS);
}

static void fork_child(int to, char what, const struct session_settings *settings)
{
	pid_t self = getpid(), pid;
	int ends[2];

	if (socketpair(AF_UNIX, (what == ASK_WORKER ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, ends) < 0) {
		answer(to, -errno, -1);
		return;
	}
	pid = fork();
	if (pid == 0)
		begin_child(what, ends[1], self, settings);
	answer(to, pid < 0 ? -errno : pid, ends[0]);
	close(ends[0]);
	close(ends[1]);
}

/* Until the daemon closes its end, or ends. */
static void run(int fd, const struct session_settings *settings)
{
	char what;

	prctl(PR_SET_NAME, "rc-spawner");
	signal(SIGCHLD, SIG_IGN); /* the kernel takes the dead away */
	while (recv(fd, &what, 1, 0) == 1)
		fork_child(fd, what, settings);
	_exit(EXIT_SUCCESS);
}

static void limit_wait(int fd)
{
	struct timeval limit = {.tv_sec = ANSWER_WITHIN_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

/* 0, what the spawner says went wrong, or -EPIPE: it does not answer. */
static int ask(int of, char what, pid_t *ret_pid, int *ret_fd)
{
	pid_t pid = 0;
	char room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec bytes = {.iov_base = &pid, .iov_len = sizeof(pid)};
	struct msghdr message = {
	        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
	struct cmsghdr *control;

	if (send(of, &what, 1, MSG_NOSIGNAL) != 1 || recvmsg(of, &message, MSG_CMSG_CLOEXEC) != sizeof(pid))
		return -EPIPE;
	if (pid < 0)
		return pid;
	control = CMSG_FIRSTHDR(&message);
	if (!control || control->cmsg_type != SCM_RIGHTS)
		return -EPIPE;
	memcpy(ret_fd, CMSG_DATA(control), sizeof(*ret_fd));
	*ret_pid = pid;
	return 0;
}

/* Its socket is open, and it has not said what nobody waits for any more. */
static bool is_there(int fd)
{
	char byte;

	return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void lose(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void ask_for_spare(struct spawner *s)
{
	pid_t between;

	lose(&s->spare);
	if (ask(s->fd, ASK_SPARE, &between, &s->spare) == 0)
		limit_wait(s->spare);
}

/* The spare one takes the place of one that is lost. */
static void promote(struct spawner *s)
{
	lose(&s->fd);
	if (s->pid > 0) {
		kill(s->pid, SIGKILL); /* which may hang */
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	s->fd = s->spare;
	s->spare = -1;
}

int spawner_start(struct spawner *s, const struct session_settings *settings, struct fail *fail)
{
	pid_t self = getpid();
	int ends[2];

	*s = (struct spawner){.fd = -1, .spare = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_set(fail, -errno, "starting the spawner: %s", strerror(errno));
	s->pid = fork();
	if (s->pid < 0) {
		int r = fail_set(fail, -errno, "starting the spawner: %s", strerror(errno));

		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (s->pid == 0) {
		int fd = keep_only(ends[1]);

		end_with_parent(self);
		run(fd, settings);
	}
	close(ends[1]);
	limit_wait(ends[0]);
	s->fd = ends[0];
	ask_for_spare(s);
	return 0;
}

void spawner_mend(struct spawner *s)
{
	if (!is_there(s->fd))
		promote(s);
	if (s->fd >= 0 && !is_there(s->spare))
		ask_for_spare(s);
}

int spawner_fork(struct spawner *s, pid_t *ret_pid, int *ret_fd)
{
	int r = ask(s->fd, ASK_WORKER, ret_pid, ret_fd);

	if (r == -EPIPE) {
		promote(s);
		spawner_mend(s);
		r = ask(s->fd, ASK_WORKER, ret_pid, ret_fd);
	}
	if (r == 0)
		fcntl(*ret_fd, F_SETFL, O_NONBLOCK);
	return r;
}

void spawner_stop(struct spawner *s)
{
	lose(&s->spare);
	lose(&s->fd);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	s->pid = 0;
}
