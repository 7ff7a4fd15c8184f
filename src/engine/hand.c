#include "engine/process.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPLOAD_AT_ONCE (16 * 1024)
#define OUT_ENOUGH     (128 * 1024)
/* A worker has time limits of its own, and says that it lives; one that is silent for so much longer has lost its senses. */
#define STUCK_GRACE_MS 5000

/* job->poke: any thread, under the job's lock. */
static void poke(struct job *job)
{
	struct hand *hand = job->worker;
	uint64_t one = 1;

	atomic_store(&hand->poked, true);
	if (write(hand->process->event, &one, sizeof(one)) < 0 && errno != EAGAIN)
		WRONG("eventfd");
}

static void attach(struct hand *hand, struct job *job)
{
	pthread_mutex_lock(&job->lock);
	job->worker = hand;
	job->poke = poke;
	pthread_mutex_unlock(&job->lock);
}

static void detach(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	job->worker = NULL;
	job->poke = NULL;
	pthread_mutex_unlock(&job->lock);
}

static void finish(struct hand *hand, struct job_result *result)
{
	struct job *job = TAKE(hand->job);
	struct engine *engine = hand->process->engine;

	detach(job);
	hand->jobs++;
	result->upstream_us = clock_monotonic_us() - hand->started_us;
	atomic_fetch_sub(&engine->busy, 1);
	atomic_fetch_add(&engine->done, 1);
	job_tell_done(job, result);
}

void hand_start(struct hand *hand, struct job *job)
{
	ASSERT(!hand->job);
	hand->job = job;
	hand->head_told = hand->body_held = hand->given_up = false;
	hand->uploaded = !job->has_body;
	hand->started_us = hand->heard_us = clock_monotonic_us();
	atomic_fetch_add(&hand->process->engine->busy, 1);
	attach(hand, job);
	if (wire_add_job(&hand->out, job) < 0) {
		struct job_result refused = {.outcome = JOB_REFUSED, .text = "out of memory"};

		finish(hand, &refused);
		return;
	}
	hand_work(hand, false);
}

/* The worker is told once that nobody wants the answer; what it still sends is thrown away. */
static void give_up(struct hand *hand)
{
	if (hand->given_up)
		return;
	hand->given_up = true;
	hand->body_held = false;
	hand->uploaded = true;
	if (wire_add(&hand->out, WIRE_CANCEL, NULL, 0) < 0)
		kill(hand->pid, SIGKILL); /* it cannot be told, so it is made to stop */
}

/* Adds of the request's body what there is. True: it stopped only because enough is waiting to be sent. */
static bool pump_upload(struct hand *hand)
{
	char room[UPLOAD_AT_ONCE];

	while (!hand->uploaded) {
		ssize_t n;
		int r = 0;

		if (hand->out.size - hand->sent >= OUT_ENOUGH)
			return true;
		n = hand->job->client->upload(hand->job, room, sizeof(room));
		if (n == JOB_HOLD)
			return false;
		if (n > 0)
			r = wire_add(&hand->out, WIRE_UPLOAD, room, (size_t)n);
		else if (n == 0)
			r = wire_add(&hand->out, WIRE_UPLOAD_END, NULL, 0);
		hand->uploaded = n == 0;
		if (n < 0 || r < 0)
			give_up(hand);
	}
	return false;
}

/* What was sent makes room. */
static void forget_sent(struct hand *hand)
{
	memmove(hand->out.data, hand->out.data + hand->sent, hand->out.size - hand->sent);
	hand->out.size -= hand->sent;
	hand->sent = 0;
}

/* False: the worker is gone. */
static bool send_some(struct hand *hand)
{
	while (hand->sent < hand->out.size) {
		ssize_t n = send(hand->fd, hand->out.data + hand->sent, hand->out.size - hand->sent, MSG_NOSIGNAL);

		if (n < 0) {
			forget_sent(hand);
			return errno == EAGAIN || errno == EINTR;
		}
		hand->sent += (size_t)n;
	}
	buf_clear(&hand->out);
	hand->sent = 0;
	return true;
}

/* Sends as much as the worker takes now. False: it is gone. */
static bool send_all(struct hand *hand)
{
	bool more;

	do {
		more = hand->job && pump_upload(hand);
		if (!send_some(hand))
			return false;
	} while (more && hand->out.size == 0);
	return true;
}

static int take_head(struct hand *hand, const struct wire_frame *frame)
{
	struct fields fields = FIELDS_INIT;
	struct job_head head = {.fields = &fields};
	int r = hand->head_told ? -EPROTO : wire_read_head(frame, &head);

	if (r == 0 && job_is_interim(head.status)) {
		job_tell_interim(hand->job, &head);
	} else if (r == 0) {
		hand->head_told = true;
		if (job_tell_head(hand->job, &head) < 0)
			give_up(hand);
	}
	fields_release(&fields);
	return r;
}

/* As job.h has it, however far the worker had come. */
static enum job_outcome outcome_of_given_up(const struct hand *hand)
{
	return hand->head_told && !atomic_load(&hand->job->cancelled) ? JOB_CUT : JOB_CANCELLED;
}

static int take_done(struct hand *hand, const struct wire_frame *frame)
{
	struct job_result result;
	int r = wire_read_result(frame, &result);

	if (r < 0)
		return r;
	if (result.outcome == JOB_DONE && !hand->head_told && !hand->given_up)
		return -EPROTO;
	if (hand->given_up) {
		result.outcome = outcome_of_given_up(hand);
		snprintf(result.text, sizeof(result.text), "given up on this side");
	}
	finish(hand, &result);
	return 0;
}

/* 1: taken; 0: held, to be offered again; negative: the worker talks nonsense. */
static int take_frame(struct hand *hand, const struct wire_frame *frame)
{
	int r = 0;

	if (!hand->job)
		return -EPROTO;
	switch (frame->kind) {
	case WIRE_HEAD:
		r = hand->given_up ? 0 : take_head(hand, frame);
		break;
	case WIRE_BODY:
		if (!hand->head_told && !hand->given_up)
			return -EPROTO;
		r = hand->given_up ? 0 : hand->job->client->body(hand->job, frame->bytes, frame->size);
		if (r == JOB_HOLD) {
			hand->body_held = true;
			return 0;
		}
		if (r < 0)
			give_up(hand);
		r = 0;
		break;
	case WIRE_ALIVE: /* that it came is all there is to it */
		break;
	case WIRE_DONE:
		r = take_done(hand, frame);
		break;
	default:
		return -EPROTO;
	}
	return r < 0 ? r : 1;
}

/* False: the worker talks nonsense. */
static bool take_frames(struct hand *hand)
{
	struct wire_frame frame;
	int r;

	while (!hand->body_held && (r = wire_reader_next(&hand->in, &frame)) != 0) {
		if (r == 1)
			r = take_frame(hand, &frame);
		if (r < 0)
			return false;
		if (r == 1)
			wire_reader_skip(&hand->in, &frame);
	}
	return true;
}

/* What is waiting in the socket stays there while the client holds: that is the back-pressure. False: the worker is gone. */
static bool read_some(struct hand *hand)
{
	ssize_t n = wire_reader_fill(&hand->in, hand->fd);

	hand->heard_us = clock_monotonic_us();
	return n > 0 || n == -EAGAIN;
}

/*
 * Where nothing is waited for the socket is taken out of epoll, which would else tell of a worker's death, that is
 * looked at only when its client goes on, again and again.
 */
static void watch(struct hand *hand)
{
	uint32_t events = 0;
	struct epoll_event event = {.data.ptr = hand};
	int operation;

	if (!hand->body_held)
		events |= EPOLLIN;
	if (hand->out.size > hand->sent)
		events |= EPOLLOUT;
	if (events == hand->events)
		return;
	operation = events == 0 ? EPOLL_CTL_DEL : hand->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	hand->events = events;
	event.events = events;
	epoll_ctl(hand->process->epoll, operation, hand->fd, &event);
}

/* Ends the connection: the process's thread then sees that there is no worker. */
static void hang_up(struct hand *hand)
{
	close(hand->fd);
	hand->fd = -1;
}

void hand_work(struct hand *hand, bool readable)
{
	bool alive = true;

	if (hand->fd < 0)
		return;
	if (atomic_exchange(&hand->poked, false) && hand->job) {
		hand->body_held = false;
		hand->heard_us = clock_monotonic_us();
	}
	if (hand->job && atomic_load(&hand->job->cancelled))
		give_up(hand);
	if (readable && !hand->body_held)
		alive = read_some(hand);
	/* What was sent before the end counts. */
	if (!take_frames(hand)) {
		kill(hand->pid, SIGKILL);
		alive = false;
	}
	if (!alive || !send_all(hand))
		hang_up(hand);
	else
		watch(hand);
}

void hand_lose(struct hand *hand, struct job **ret_again)
{
	struct job_result result = {.maybe_sent = true, .text = "the worker process ended"};
	struct job *job = hand->job;

	if (hand->fd >= 0) {
		kill(hand->pid, SIGKILL);
		hang_up(hand);
	}
	wire_reader_release(&hand->in);
	buf_release(&hand->out);
	hand->hired = false;
	hand->sent = 0;
	hand->jobs = 0;
	hand->grown = false;
	if (!job)
		return;
	if (job->safe && !job->has_body && !hand->head_told && !hand->given_up && !hand->retried) {
		hand->job = NULL;
		atomic_fetch_sub(&hand->process->engine->busy, 1);
		detach(job);
		*ret_again = job;
		return;
	}
	if (hand->given_up)
		result.outcome = outcome_of_given_up(hand);
	else
		result.outcome = hand->head_told ? JOB_CUT : JOB_NO_ANSWER;
	finish(hand, &result);
}

bool hand_is_stuck(const struct hand *hand, int64_t now_us)
{
	return hand->job && !hand->body_held &&
	       now_us - hand->heard_us > (hand->job->timeout_ms + STUCK_GRACE_MS) * 1000;
}
