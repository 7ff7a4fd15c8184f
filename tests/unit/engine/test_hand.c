#include "engine/process.h"

#include "../unit.h"

#include "../support/ask.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One hand whose worker is a process that only waits, and the test speaks for it. */
struct desk {
	struct engine engine;
	struct process process;
	struct hand hand;
	struct ask ask;
	struct buf out;
	int line; /* the worker's end */
};

static pid_t idle_process(void)
{
	pid_t pid = unit_fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void make(struct desk *d)
{
	int fds[2];

	*d = (struct desk){.out = BUF_INIT(WIRE_FRAME_MAX)};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	d->line = fds[0];
	d->process = (struct process){
	        .engine = &d->engine, .epoll = epoll_create1(EPOLL_CLOEXEC), .event = eventfd(0, EFD_CLOEXEC)};
	d->hand = (struct hand){.process = &d->process, .pid = idle_process(), .fd = fds[1], .hired = true};
	wire_reader_init(&d->hand.in);
	d->hand.out = BUF_INIT(WIRE_FRAME_MAX);
	ask_init(&d->ask, "GET", "/");
	hand_start(&d->hand, &d->ask.job);
}

static void add_head(struct desk *d, unsigned status)
{
	struct fields fields = FIELDS_INIT;

	ck_assert_int_eq(
	        wire_add_head(&d->out, &(struct job_head){.status = status, .reason = "", .fields = &fields}), 0);
}

static void add_end(struct desk *d, enum job_outcome outcome)
{
	struct job_result result = {.outcome = outcome};

	ck_assert_int_eq(wire_add(&d->out, WIRE_DONE, &result, sizeof(result)), 0);
}

/* The daemon reads what the worker has said so far. */
static void say(struct desk *d)
{
	ck_assert_int_eq(write(d->line, d->out.data, d->out.size), (ssize_t)d->out.size);
	hand_work(&d->hand, true);
}

/* It was killed for what it said, and its job is looked after. */
static void assert_killed(struct desk *d, struct job **ret_again)
{
	int status;

	ck_assert_int_eq(d->hand.fd, -1);
	ck_assert_int_eq(waitpid(d->hand.pid, &status, 0), d->hand.pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	*ret_again = NULL;
	hand_lose(&d->hand, ret_again);
	ck_assert_ptr_null(d->hand.job);
}

static void clear(struct desk *d)
{
	ask_release(&d->ask);
	buf_release(&d->out);
	close(d->line);
	close(d->process.epoll);
	close(d->process.event);
}

START_TEST(answer)
{
	struct job *again = NULL;
	struct desk d;

	make(&d);
	add_head(&d, 200);
	ck_assert_int_eq(wire_add(&d.out, WIRE_BODY, "hello", 5), 0);
	add_end(&d, JOB_DONE);
	say(&d);
	ask_assert_done(&d.ask, 200, "hello");
	kill(d.hand.pid, SIGKILL);
	waitpid(d.hand.pid, NULL, 0);
	hand_lose(&d.hand, &again);
	ck_assert_ptr_null(again);
	clear(&d);
}
END_TEST

START_TEST(second_head)
{
	struct job *again;
	struct desk d;

	make(&d);
	add_head(&d, 200);
	add_head(&d, 404);
	say(&d);
	assert_killed(&d, &again);
	ck_assert_ptr_null(again);
	ask_assert_outcome(&d.ask, JOB_CUT);
	ck_assert_int_eq(d.ask.heads, 1);
	ck_assert_uint_eq(d.ask.status, 200);
	clear(&d);
}
END_TEST

/* Nothing of it is told: another worker may do the read. */
START_TEST(no_head)
{
	for (int with_body = 0; with_body < 2; with_body++) {
		struct job *again;
		struct desk d;

		make(&d);
		if (with_body)
			ck_assert_int_eq(wire_add(&d.out, WIRE_BODY, "hello", 5), 0);
		else
			add_end(&d, JOB_DONE);
		say(&d);
		assert_killed(&d, &again);
		ck_assert_ptr_eq(again, &d.ask.job);
		ck_assert_int_eq(d.ask.heads, 0);
		ck_assert_int_eq(d.ask.dones, 0);
		ck_assert_uint_eq(d.ask.taken, 0);
		clear(&d);
	}
}
END_TEST

UNIT_MAIN("hand", answer, second_head, no_head)
