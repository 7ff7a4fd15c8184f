/*
 * origin - a fake Redmine that is never the bottleneck.
 *
 * One thread, raw epoll, prepared answers sent with sendmsg(). It can hold every answer back for a while,
 * with thousands of connections waiting, as a rendering Redmine does.
 *
 *   GET /issues.json?offset=&limit=   a page of rows, ids descending; bounds as Redmine treats them
 *   GET /issues/N.json                one issue of a fixed size, whatever N is
 *   GET /users/current.json           a small user
 *   GET /bench/origin                 the counters as JSON, answered at once. ?latency=MS sets the delay of
 *                                     all later answers, ?reset=1 clears the counters once they are reported
 * Anything else is a 404, another method a 501. For benchmarks on loopback only.
 */
#define _GNU_SOURCE
#include "answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_LIMIT = 16384, /* bytes of one request's head */
	EVENTS = 512,
};

enum state { READING, WAITING, SENDING };

struct connection {
	int fd;
	enum state state;
	bool unread;  /* bytes may be there to read */
	uint64_t due; /* when to answer, nanoseconds on the monotonic clock */
	struct answer answer;
	int sent;    /* parts of the answer that are out */
	size_t have; /* bytes in input */
	char input[REQUEST_LIMIT + 1];
};

static struct {
	int epoll, listener, timer;
	struct connection **heap; /* waiting connections, soonest first */
	size_t waiting, heap_size;
} origin;

static void give_up(const char *what)
{
	fprintf(stderr, "origin: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the waiting connections: a binary heap by due time, and one timer for its top ---- */

static void timer_arm(void)
{
	struct itimerspec at = {0};

	if (origin.waiting) {
		at.it_value.tv_sec = (time_t)(origin.heap[0]->due / 1000000000u);
		at.it_value.tv_nsec = (long)(origin.heap[0]->due % 1000000000u);
	}
	timerfd_settime(origin.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void heap_put(struct connection *c)
{
	size_t at, up;

	if (origin.waiting == origin.heap_size) {
		origin.heap_size = origin.heap_size ? 2 * origin.heap_size : 1024;
		origin.heap = realloc(origin.heap, origin.heap_size * sizeof(struct connection *));
		if (!origin.heap)
			give_up("waiting connections");
	}
	for (at = origin.waiting++; at > 0; at = up) {
		up = (at - 1) / 2;
		if (origin.heap[up]->due <= c->due)
			break;
		origin.heap[at] = origin.heap[up];
	}
	origin.heap[at] = c;
}

static struct connection *heap_take(void)
{
	struct connection *top = origin.heap[0], *moved = origin.heap[--origin.waiting];
	size_t at = 0, down;

	while ((down = 2 * at + 1) < origin.waiting) {
		if (down + 1 < origin.waiting && origin.heap[down + 1]->due < origin.heap[down]->due)
			down++;
		if (moved->due <= origin.heap[down]->due)
			break;
		origin.heap[at] = origin.heap[down];
		at = down;
	}
	origin.heap[at] = moved;
	return top;
}

/* ---- connections ---- */

/* Take a whole request from the input and make its answer. False when there is none yet. */
static bool connection_take(struct connection *c)
{
	char request[REQUEST_LIMIT + 1], *end;
	size_t length;

	c->input[c->have] = '\0';
	end = strstr(c->input, "\r\n\r\n");
	if (!end)
		return false;
	length = (size_t)(end + 4 - c->input);
	memcpy(request, c->input, length);
	request[length] = '\0';
	c->have -= length;
	memmove(c->input, end + 4, c->have);
	answer_make(&c->answer, request);
	c->sent = 0;
	if (c->answer.counted && ++answer_counters.in_flight > answer_counters.in_flight_most)
		answer_counters.in_flight_most = answer_counters.in_flight;
	return true;
}

/* Read once. True when there is more to look at, false when there is not; *ret_over when the client left. */
static bool connection_read(struct connection *c, bool *ret_over)
{
	size_t room = REQUEST_LIMIT - c->have;
	ssize_t got = read(c->fd, c->input + c->have, room);

	if (got < 0 && errno == EAGAIN) {
		c->unread = false;
		return false;
	}
	*ret_over = got <= 0;
	if (got <= 0)
		return false;
	c->unread = (size_t)got == room; /* edge-triggered: a short read says that the socket is empty */
	c->have += (size_t)got;
	*ret_over = c->have == REQUEST_LIMIT;
	return !*ret_over;
}

/* Send what is left. 1 when all is out, 0 when the socket is full, -1 when the client is gone. */
static int connection_send(struct connection *c)
{
	struct answer *a = &c->answer;

	while (c->sent < a->parts) {
		struct msghdr message = {.msg_iov = a->part + c->sent, .msg_iovlen = (size_t)(a->parts - c->sent)};
		ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		while (c->sent < a->parts && (size_t)sent >= a->part[c->sent].iov_len)
			sent -= (ssize_t)a->part[c->sent++].iov_len;
		if (c->sent < a->parts) {
			a->part[c->sent].iov_base = (char *)a->part[c->sent].iov_base + sent;
			a->part[c->sent].iov_len -= (size_t)sent;
		}
	}
	return 1;
}

static void connection_free(struct connection *c)
{
	close(c->fd);
	free(c);
}

/* Begin to answer, or put the connection among the waiting. */
static void connection_answer(struct connection *c)
{
	if (!c->answer.counted || !answer_counters.latency) {
		c->state = SENDING;
		return;
	}
	c->state = WAITING;
	c->due = now() + answer_counters.latency;
	heap_put(c);
	if (origin.heap[0] == c)
		timer_arm();
}

/* Go on with a connection as far as it goes without waiting. It is freed when it is over. */
static void connection_run(struct connection *c)
{
	bool over = false;

	while (c->state != WAITING) {
		int sent;

		if (c->state == READING) {
			if (c->have && connection_take(c))
				connection_answer(c);
			else if (!c->unread || !connection_read(c, &over))
				break;
			continue;
		}
		sent = connection_send(c);
		if (sent == 0)
			break;
		answer_counters.in_flight -= c->answer.counted;
		c->state = READING;
		over = sent < 0 || c->answer.last;
		if (over)
			break;
	}
	if (over)
		connection_free(c);
}

static void connections_accept(void)
{
	int fd, on = 1;

	while ((fd = accept4(origin.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};

		if (!c)
			give_up("a connection");
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (epoll_ctl(origin.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			give_up("epoll_ctl");
		answer_counters.connections++;
	}
}

static void answers_send_due(void)
{
	uint64_t expirations, time = now();

	if (read(origin.timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		give_up("timerfd");
	while (origin.waiting && origin.heap[0]->due <= time) {
		struct connection *c = heap_take();

		c->state = SENDING;
		connection_run(c);
	}
	timer_arm();
}

static _Noreturn void loop(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		bool due = false;
		int count = epoll_wait(origin.epoll, events, EVENTS, -1);

		if (count < 0 && errno != EINTR)
			give_up("epoll_wait");
		for (int i = 0; i < count; i++) {
			struct connection *c = events[i].data.ptr;

			if (events[i].data.ptr == &origin.timer) {
				due = true;
			} else if (events[i].data.ptr == &origin.listener) {
				connections_accept();
			} else {
				c->unread |= (events[i].events & ~(uint32_t)EPOLLOUT) != 0;
				connection_run(c);
			}
		}
		if (due) /* last: it may free connections that this batch of events names */
			answers_send_due();
	}
}

/* ---- start ---- */

static void watch(int fd, void *which)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = which};

	if (epoll_ctl(origin.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		give_up("epoll_ctl");
}

static void listen_on(unsigned short port)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;

	origin.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(origin.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(origin.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	        listen(origin.listener, 4096) < 0)
		give_up("listening");
	origin.epoll = epoll_create1(EPOLL_CLOEXEC);
	origin.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	watch(origin.listener, &origin.listener);
	watch(origin.timer, &origin.timer);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"port", required_argument, NULL, 'p'},
	        {"latency", required_argument, NULL, 'l'},
	        {"total", required_argument, NULL, 't'},
	        {"row-size", required_argument, NULL, 'r'},
	        {"issue-size", required_argument, NULL, 's'},
	        {NULL, 0, NULL, 0},
	};
	unsigned total = 10000, row_size = 818, issue_size = 2048;
	long port = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = atol(optarg);
			break;
		case 'l':
			answer_counters.latency = (uint64_t)atol(optarg) * 1000000u;
			break;
		case 't':
			total = (unsigned)atol(optarg);
			break;
		case 'r':
			row_size = (unsigned)atol(optarg);
			break;
		case 's':
			issue_size = (unsigned)atol(optarg);
			break;
		default:
			return 2;
		}
	}
	if (port < 1 || port > 65535 || optind < argc || row_size < 320 || issue_size < 256 || total > 1000000) {
		fprintf(stderr, "usage: origin --port PORT [--latency MS] [--total ROWS] [--row-size BYTES]"
		                " [--issue-size BYTES]\n");
		return 2;
	}
	answers_prepare(total, row_size, issue_size);
	listen_on((unsigned short)port);
	loop();
}
