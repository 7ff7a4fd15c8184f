#include "engine/worker.h"

#include "base/clock.h"
#include "engine/confine.h"
#include "engine/forget.h"
#include "engine/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of a request's body waits here at most before the daemon is left to wait. */
#define UPLOAD_LIMIT (256 * 1024)
#define OUT_CEILING  (WIRE_FRAME_MAX + 4096)
/* So long a worker waits for a further job of the same client before it forgets the last one. */
#define FORGET_AFTER_US (5 * 1000)
/* So often the daemon hears that a job is looked after, also while Redmine or the client takes its time. */
#define ALIVE_EVERY_US (1000 * 1000)

struct worker {
	int fd;
	struct session *session;
	struct wire_reader in;
	struct buf out; /* for the daemon, not sent yet: what one step brings goes together, so that it is woken once */
	struct job job;
	char *text; /* method and target of the job */
	bool running;
	int64_t said_us; /* when the daemon was last told that all is well; monotonic */
	struct pipe upload;
	uint64_t asker; /* of the last job */
	bool remembers; /* something of that may be left */
};

/* All of it, waiting for the daemon where it must: that is how its back-pressure reaches Redmine. */
static int send_all(struct worker *w)
{
	for (size_t sent = 0; sent < w->out.size;) {
		ssize_t n = send(w->fd, w->out.data + sent, w->out.size - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -EPIPE;
		if (n > 0)
			sent += (size_t)n;
	}
	buf_clear(&w->out);
	return 0;
}

/* Large bodies are sent as they come; the rest waits for the end of the step. */
static int send_if_much(struct worker *w)
{
	return w->out.size < WIRE_BODY_MAX ? 0 : send_all(w);
}

static void on_interim(struct job *job, const struct job_head *head)
{
	struct worker *w = job->owner;
	int r = wire_add_head(&w->out, head);

	(void)r; /* an interim answer may be lost */
}

static int on_head(struct job *job, const struct job_head *head)
{
	struct worker *w = job->owner;

	return wire_add_head(&w->out, head) < 0 ? -ENOMEM : send_if_much(w);
}

static int on_body(struct job *job, const char *data, size_t size)
{
	struct worker *w = job->owner;

	for (size_t at = 0; at < size;) {
		size_t part = size - at < WIRE_BODY_MAX ? size - at : WIRE_BODY_MAX;

		if (wire_add(&w->out, WIRE_BODY, data + at, part) < 0)
			return -ENOMEM;
		at += part;
	}
	return send_if_much(w);
}

static void listen_to_daemon(struct worker *w, bool on);

static ssize_t on_upload(struct job *job, char *room, size_t size)
{
	struct worker *w = job->owner;
	ssize_t n = pipe_read(&w->upload, room, size);

	if (pipe_waiting(&w->upload) < UPLOAD_LIMIT / 2)
		listen_to_daemon(w, true);
	return n;
}

static void on_done(struct job *job, const struct job_result *result)
{
	struct worker *w = job->owner;

	w->running = false;
	if (wire_add(&w->out, WIRE_DONE, result, sizeof(*result)) < 0)
		_exit(EXIT_FAILURE);
}

static const struct job_client client = {
        .interim = on_interim, .head = on_head, .body = on_body, .upload = on_upload, .done = on_done};

static void wake_job(void *arg)
{
	job_wake(arg);
}

static void forget(struct worker *w)
{
	session_forget(w->session);
	forget_freed();
	w->remembers = false;
}

/* Before a job of somebody else is even read nothing is left of the last one. */
static int start_job(struct worker *w, const struct wire_frame *frame)
{
	uint64_t asker = wire_job_asker(frame);

	if (w->remembers && asker != w->asker)
		forget(w);
	w->asker = asker;
	job_init(&w->job, &client, w);
	pipe_init(&w->upload, UPLOAD_LIMIT);
	pipe_set_reader(&w->upload, wake_job, &w->job);
	w->running = true;
	return wire_read_job(frame, &w->job, &w->text);
}

static void end_job(struct worker *w)
{
	buf_release(&w->out);
	pipe_release(&w->upload);
	job_release(&w->job);
	free(w->text);
	w->text = NULL;
	wire_reader_forget(&w->in);
	w->remembers = true;
}

static int take_frame(struct worker *w, const struct wire_frame *frame)
{
	switch (frame->kind) {
	case WIRE_JOB:
		return w->running ? -EPROTO : start_job(w, frame);
	case WIRE_UPLOAD:
		return w->running && pipe_push(&w->upload, frame->bytes, frame->size) == -ENOMEM ? -ENOMEM : 0;
	case WIRE_UPLOAD_END:
		if (w->running)
			pipe_end(&w->upload, 0);
		return 0;
	case WIRE_CANCEL:
		if (w->running)
			job_cancel(&w->job);
		return 0;
	default:
		return -EPROTO;
	}
}

/* Looks at what has arrived; a job that is started leaves the frames behind it for when it runs. */
static int take_frames(struct worker *w)
{
	struct wire_frame frame;
	int r;

	while ((r = wire_reader_next(&w->in, &frame)) == 1) {
		bool starts = frame.kind == WIRE_JOB;

		wire_reader_skip(&w->in, &frame);
		r = take_frame(w, &frame);
		if (r < 0 || starts)
			return r;
	}
	return r;
}

/* While a job runs. The daemon's end is the end of everything. */
static void on_readable(void *arg)
{
	struct worker *w = arg;
	ssize_t n = wire_reader_fill(&w->in, w->fd);

	if (n == 0 || (n < 0 && n != -EAGAIN) || take_frames(w) < 0)
		_exit(n == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	if (w->running && pipe_waiting(&w->upload) >= UPLOAD_LIMIT)
		listen_to_daemon(w, false);
}

static void listen_to_daemon(struct worker *w, bool on)
{
	session_watch(w->session, on ? w->fd : -1, on_readable, w);
}

static void say_alive(struct worker *w)
{
	int64_t now_us = clock_monotonic_us();

	if (!w->running || now_us - w->said_us < ALIVE_EVERY_US)
		return;
	w->said_us = now_us;
	if (wire_add(&w->out, WIRE_ALIVE, NULL, 0) < 0)
		_exit(EXIT_FAILURE);
}

/* The daemon stays listened to, which costs nothing between two jobs: read() waits for the next one. */
static int run_job(struct worker *w)
{
	w->said_us = clock_monotonic_us();
	listen_to_daemon(w, true);
	session_start(w->session, &w->job);
	while (w->running && session_active(w->session) > 0) {
		if (take_frames(w) < 0)
			return -EPROTO;
		session_step(w->session, -1);
		say_alive(w);
		if (send_all(w) < 0)
			return -EPIPE;
	}
	if (send_all(w) < 0)
		return -EPIPE;
	end_job(w);
	return 0;
}

/* Between two jobs. What is left of the last one is forgotten when none comes soon. As wire_reader_fill(). */
static ssize_t wait_for_job(struct worker *w)
{
	struct pollfd fds = {.fd = w->fd, .events = POLLIN};

	if (!w->remembers)
		poll(&fds, 1, -1);
	return wire_reader_fill(&w->in, w->fd);
}

/* read() comes back without anything after that time. */
static int limit_read(int fd)
{
	const struct timeval limit = {.tv_usec = FORGET_AFTER_US};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int worker_main(int fd, const struct session_settings *settings)
{
	struct worker w = {.fd = fd, .out = BUF_INIT(OUT_CEILING)};

	prctl(PR_SET_NAME, "rc-worker");
	confine_worker();
	forget_begin();
	if (limit_read(fd) < 0)
		return EXIT_FAILURE;
	wire_reader_init(&w.in);
	w.session = session_new(settings, NULL);
	if (!w.session)
		return EXIT_FAILURE;
	for (;;) {
		ssize_t n = 1;

		if (take_frames(&w) < 0)
			return EXIT_FAILURE;
		if (w.running) {
			if (run_job(&w) < 0)
				return EXIT_FAILURE;
			continue;
		}
		n = wait_for_job(&w);
		if (n == -EAGAIN && w.remembers)
			forget(&w);
		else if (n <= 0 && n != -EAGAIN)
			break;
	}
	session_free(w.session);
	wire_reader_release(&w.in);
	return EXIT_SUCCESS;
}
