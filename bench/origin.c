/*
 * origin - a fake Redmine that is never the bottleneck.
 *
 * One thread, raw epoll, answers made once and sent with sendmsg(). It has Redmine's own set of headers
 * and pages of issues with total_count, and can hold every answer back for a while with thousands of
 * connections waiting, as a rendering Redmine does.
 *
 *   GET /issues.json?offset=&limit=   a page of rows, ids descending; bounds as Redmine treats them
 *   GET /issues/N.json                one issue of a fixed size, whatever N is
 *   GET /users/current.json           a small user
 *   GET /bench/origin                 the counters as JSON, answered at once. ?latency=MS sets the delay of
 *                                     all later answers, ?reset=1 clears the counters after reporting them
 * Anything else is a 404, another method a 501. For benchmarks on loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_LIMIT = 16384, /* bytes of one request's head */
	HEAD_LIMIT = 1024,
	PARTS = 4,
	EVENTS = 512,
};

enum state { READING, WAITING, SENDING };

struct connection {
	int fd;
	enum state state;
	bool unread;   /* bytes arrived while an answer was under way */
	bool last;     /* the client wants the connection closed */
	uint64_t due;  /* when to answer, nanoseconds on the monotonic clock */
	size_t have;   /* bytes in input */
	struct iovec part[PARTS];
	int parts, sent_parts;
	char head[HEAD_LIMIT], lead[192], tail[96];
	char input[REQUEST_LIMIT + 1];
};

struct request {
	const char *path, *query, *if_none_match; /* borrowed from the connection's input; query may be "" */
};

static struct {
	int epoll, listener, timer;
	unsigned total, row_size, issue_size;
	char *rows;   /* total rows of row_size bytes, commas between them */
	char *filler; /* issue_size bytes of text */
	uint64_t latency;
	uint64_t requests, connections, not_modified;
	unsigned in_flight, in_flight_most;
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
		origin.heap = realloc(origin.heap, origin.heap_size * sizeof(*origin.heap));
		if (!origin.heap)
			give_up("out of memory");
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

/* ---- requests ---- */

/* The number that the last parameter of this name says; otherwise if there is none or it is no number. */
static long query_number(const char *query, const char *name, long otherwise)
{
	size_t length = strlen(name);
	long found = otherwise;

	for (const char *at = query; *at; at += strcspn(at, "&"), at += *at == '&') {
		char *end;
		long value;

		if (strncmp(at, name, length) || at[length] != '=')
			continue;
		value = strtol(at + length + 1, &end, 10);
		found = end > at + length + 1 && (*end == '&' || !*end) ? value : otherwise;
	}
	return found;
}

/* Cut the head at text, which ends with an empty line, into its parts. False for what is no GET. */
static bool request_parse(struct connection *c, char *text, struct request *ret)
{
	char *line = strsep(&text, "\r"), *method = strsep(&line, " "), *target = strsep(&line, " ");

	*ret = (struct request){.path = target, .query = "", .if_none_match = ""};
	while (text && *text == '\n' && text[1] != '\r') {
		char *value = strsep(&text, "\r") + 1, *name = strsep(&value, ":");

		if (!value)
			continue;
		value += strspn(value, " ");
		if (!strcasecmp(name, "connection") && !strcasecmp(value, "close"))
			c->last = true;
		else if (!strcasecmp(name, "if-none-match"))
			ret->if_none_match = value;
	}
	if (!target || strcmp(method, "GET"))
		return false;
	strsep(&target, "?");
	if (target)
		ret->query = target;
	return true;
}

/* ---- answers ---- */

static void part_add(struct connection *c, const char *bytes, size_t length)
{
	c->part[c->parts++] = (struct iovec){.iov_base = (char *)bytes, .iov_len = length};
}

/* A weak tag as Redmine's: 32 hex digits; of the target, as equal targets have equal bodies here. */
static void etag_print(const struct request *r, char ret[40])
{
	uint64_t hash = 14695981039346656037u;

	for (const char *s = r->path; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211u;
	for (const char *s = r->query; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211u;
	snprintf(ret, 40, "W/\"%016jx%016jx\"", (uintmax_t)hash, (uintmax_t)(hash * 0x9e3779b97f4a7c15u));
}

/* Redmine's headers of a 200, in its order; the body is what was added as parts before. */
static void head_print(struct connection *c, const struct request *r, bool cookie)
{
	const char *set_cookie = cookie ? "Set-Cookie: Redmine=bmNoIGNvb2tpZSBvZiBhIGZha2UgUmVkbWluZQ%3D%3D"
					  "--6e0a1f7c; path=/; HttpOnly\r\n"
					: "";
	size_t body = 0;
	char etag[40];
	bool same;

	for (int i = 1; i < c->parts; i++)
		body += c->part[i].iov_len;
	etag_print(r, etag);
	same = !strcmp(r->if_none_match, etag);
	c->part[0].iov_base = c->head;
	c->part[0].iov_len = (size_t)snprintf(
		c->head, sizeof(c->head),
		"HTTP/1.1 %s\r\n"
		"X-Frame-Options: SAMEORIGIN\r\n"
		"X-XSS-Protection: 1; mode=block\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"X-Download-Options: noopen\r\n"
		"X-Permitted-Cross-Domain-Policies: none\r\n"
		"Referrer-Policy: strict-origin-when-cross-origin\r\n"
		"%s"
		"ETag: %s\r\n"
		"Cache-Control: max-age=0, private, must-revalidate\r\n"
		"X-Request-Id: 0c2f54a1-5b6e-4f0e-9a3d-%012jx\r\n"
		"X-Runtime: 0.091997\r\n"
		"%s",
		same ? "304 Not Modified" : "200 OK",
		same ? "" : "Content-Type: application/json; charset=utf-8\r\n", etag, (uintmax_t)origin.requests,
		set_cookie);
	if (same) {
		c->parts = 1;
		origin.not_modified++;
	} else {
		c->part[0].iov_len += (size_t)snprintf(c->head + c->part[0].iov_len,
						       sizeof(c->head) - c->part[0].iov_len,
						       "Content-Length: %zu\r\n", body);
	}
	memcpy(c->head + c->part[0].iov_len, "\r\n", 2);
	c->part[0].iov_len += 2;
}

static void answer_plain(struct connection *c, const char *status)
{
	c->part[0].iov_base = c->head;
	c->part[0].iov_len = (size_t)snprintf(c->head, sizeof(c->head), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
					      status);
}

static void answer_list(struct connection *c, const struct request *r)
{
	long limit = query_number(r->query, "limit", 25), offset = query_number(r->query, "offset", 0);
	size_t stride = origin.row_size + 1u, rows = 0;

	limit = limit > 100 ? 100 : limit < 1 ? 25 : limit;
	offset = offset < 0 ? 0 : offset;
	if (offset < (long)origin.total)
		rows = (size_t)(offset + limit > (long)origin.total ? (long)origin.total - offset : limit);
	part_add(c, "{\"issues\":[", 11);
	if (rows)
		part_add(c, origin.rows + (size_t)offset * stride, rows * stride - 1);
	part_add(c, c->tail,
		 (size_t)snprintf(c->tail, sizeof(c->tail), "],\"total_count\":%u,\"offset\":%ld,\"limit\":%ld}",
				  origin.total, offset, limit));
	head_print(c, r, true);
}

static void answer_issue(struct connection *c, const struct request *r)
{
	static const char tail[] = "\"}}";
	int lead = snprintf(c->lead, sizeof(c->lead),
			    "{\"issue\":{\"id\":%.18s,\"project\":{\"id\":1,\"name\":\"Bench\"},"
			    "\"subject\":\"One issue\",\"description\":\"",
			    r->path + strlen("/issues/"));

	/* The id ends where ".json" begins. */
	char *dot = memmem(c->lead, (size_t)lead, ".json", 5);

	memmove(dot, dot + 5, (size_t)(c->lead + lead - dot - 5));
	lead -= 5;
	part_add(c, c->lead, (size_t)lead);
	part_add(c, origin.filler, origin.issue_size - (size_t)lead - strlen(tail));
	part_add(c, tail, strlen(tail));
	head_print(c, r, false);
}

/* The counters, and what the query asks to change. Not a request that counts. */
static void answer_control(struct connection *c, const struct request *r)
{
	long latency = query_number(r->query, "latency", -1);
	int length = snprintf(c->lead, sizeof(c->lead),
			      "{\"requests\":%ju,\"connections\":%ju,\"not_modified\":%ju,\"in_flight_most\":%u}\n",
			      (uintmax_t)origin.requests, (uintmax_t)origin.connections,
			      (uintmax_t)origin.not_modified, origin.in_flight_most);

	if (latency >= 0)
		origin.latency = (uint64_t)latency * 1000000u;
	if (query_number(r->query, "reset", 0) == 1) {
		origin.requests = origin.connections = origin.not_modified = 0;
		origin.in_flight_most = 0;
	}
	part_add(c, c->lead, (size_t)length);
	c->part[0].iov_base = c->head;
	c->part[0].iov_len =
		(size_t)snprintf(c->head, sizeof(c->head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", length);
}

static bool path_is_issue(const char *path)
{
	size_t digits;

	if (strncmp(path, "/issues/", 8))
		return false;
	digits = strspn(path + 8, "0123456789");
	return digits > 0 && digits <= 12 && !strcmp(path + 8 + digits, ".json");
}

/* Make the answer to a request; true when it may be sent without waiting. */
static bool answer_make(struct connection *c, const struct request *r)
{
	c->parts = 1; /* the head, filled last */
	c->sent_parts = 0;
	if (!strcmp(r->path, "/bench/origin")) {
		answer_control(c, r);
		return true;
	}
	origin.requests++;
	if (++origin.in_flight > origin.in_flight_most)
		origin.in_flight_most = origin.in_flight;
	if (path_is_issue(r->path)) {
		answer_issue(c, r);
	} else if (!strcmp(r->path, "/issues.json")) {
		answer_list(c, r);
	} else if (!strcmp(r->path, "/users/current.json")) {
		part_add(c, c->lead,
			 (size_t)snprintf(c->lead, sizeof(c->lead),
					  "{\"user\":{\"id\":1,\"login\":\"bench\",\"firstname\":\"Bench\"}}"));
		head_print(c, r, false);
	} else {
		answer_plain(c, "404 Not Found");
	}
	return origin.latency == 0;
}

/* ---- connections ---- */

static void connection_free(struct connection *c)
{
	close(c->fd);
	free(c);
}

/* Send what is left. True when all is out, false when the socket is full; the connection is gone on -1. */
static int connection_send(struct connection *c)
{
	while (c->sent_parts < c->parts) {
		struct msghdr message = {.msg_iov = c->part + c->sent_parts,
					 .msg_iovlen = (size_t)(c->parts - c->sent_parts)};
		ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			return 0;
		if (sent < 0)
			return -1;
		while (c->sent_parts < c->parts && (size_t)sent >= c->part[c->sent_parts].iov_len)
			sent -= (ssize_t)c->part[c->sent_parts++].iov_len;
		if (c->sent_parts < c->parts) {
			c->part[c->sent_parts].iov_base = (char *)c->part[c->sent_parts].iov_base + sent;
			c->part[c->sent_parts].iov_len -= (size_t)sent;
		}
	}
	return 1;
}

/* Take the first whole request from the input; true if there was one, and its answer is ready. */
static bool connection_take(struct connection *c, bool *ret_at_once)
{
	struct request request;
	char *end, saved[REQUEST_LIMIT + 1];
	size_t length;

	c->input[c->have] = '\0';
	end = strstr(c->input, "\r\n\r\n");
	if (!end)
		return false;
	length = (size_t)(end + 4 - c->input);
	memcpy(saved, c->input, length);
	saved[length] = '\0';
	c->have -= length;
	memmove(c->input, end + 4, c->have);
	if (request_parse(c, saved, &request)) {
		*ret_at_once = answer_make(c, &request);
	} else {
		c->parts = 1;
		c->sent_parts = 0;
		c->last = true;
		answer_plain(c, "501 Not Implemented");
		*ret_at_once = true;
		origin.requests++;
		origin.in_flight++;
	}
	return true;
}

/* Go on with a connection as far as it can go without waiting. Frees it when it is over. */
static void connection_run(struct connection *c)
{
	for (;;) {
		bool at_once;
		ssize_t got;
		int sent;

		if (c->state == WAITING)
			return;
		if (c->state == SENDING) {
			sent = connection_send(c);
			if (sent == 0)
				return;
			if (c->part[1].iov_base != c->lead || strncmp(c->lead, "{\"requests\"", 11))
				origin.in_flight--;
			if (sent < 0 || c->last) {
				connection_free(c);
				return;
			}
			c->state = READING;
		}
		if (c->have && connection_take(c, &at_once)) {
			c->state = at_once ? SENDING : WAITING;
			if (!at_once) {
				c->due = now() + origin.latency;
				heap_put(c);
				if (origin.heap[0] == c)
					timer_arm();
			}
			continue;
		}
		if (!c->unread)
			return;
		got = read(c->fd, c->input + c->have, REQUEST_LIMIT - c->have);
		if (got < 0 && errno == EAGAIN) {
			c->unread = false;
			return;
		}
		if (got <= 0) {
			connection_free(c);
			return;
		}
		c->unread = (size_t)got == REQUEST_LIMIT - c->have; /* edge-triggered: a short read emptied it */
		c->have += (size_t)got;
		if (c->have == REQUEST_LIMIT) {
			connection_free(c);
			return;
		}
	}
}

static void connections_accept(void)
{
	int fd, on = 1;

	while ((fd = accept4(origin.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};

		if (!c)
			give_up("out of memory");
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (epoll_ctl(origin.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			give_up("epoll_ctl");
		origin.connections++;
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

static void loop(void)
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
				c->unread |= (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
				connection_run(c);
			}
		}
		if (due) /* last: it may free connections that this batch of events names */
			answers_send_due();
	}
}

/* ---- start ---- */

static void bodies_make(void)
{
	size_t stride = origin.row_size + 1u;

	origin.filler = malloc(origin.issue_size + origin.row_size);
	origin.rows = malloc(origin.total * stride + 1);
	if (!origin.filler || !origin.rows)
		give_up("out of memory");
	for (unsigned i = 0; i < origin.issue_size + origin.row_size; i++)
		origin.filler[i] = "lorem ipsum dolor sit amet "[i % 27];
	for (unsigned i = 0; i < origin.total; i++) {
		char *row = origin.rows + i * stride;
		int used = snprintf(row, stride,
				    "{\"id\":%u,\"project\":{\"id\":1,\"name\":\"Bench\"},\"tracker\":{\"id\":1,"
				    "\"name\":\"Bug\"},\"status\":{\"id\":1,\"name\":\"New\",\"is_closed\":false},"
				    "\"subject\":\"Issue\",\"created_on\":\"2024-01-02T03:04:05Z\",\"updated_on\":"
				    "\"2024-01-02T03:04:05Z\",\"description\":\"",
				    origin.total - i);

		memcpy(row + used, origin.filler, origin.row_size - 2u - (unsigned)used);
		memcpy(row + origin.row_size - 2, "\"},", 3);
	}
}

static void listen_on(unsigned short port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &origin.listener};
	int on = 1;

	origin.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(origin.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(origin.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(origin.listener, 4096) < 0)
		give_up("listening");
	origin.epoll = epoll_create1(EPOLL_CLOEXEC);
	origin.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (epoll_ctl(origin.epoll, EPOLL_CTL_ADD, origin.listener, &event) < 0)
		give_up("epoll_ctl");
	event.data.ptr = &origin.timer;
	if (epoll_ctl(origin.epoll, EPOLL_CTL_ADD, origin.timer, &event) < 0)
		give_up("epoll_ctl");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},       {"latency", required_argument, NULL, 'l'},
		{"total", required_argument, NULL, 't'},      {"row-size", required_argument, NULL, 'r'},
		{"issue-size", required_argument, NULL, 's'}, {NULL, 0, NULL, 0},
	};
	long port = 0;
	int option;

	origin.total = 10000;
	origin.row_size = 818;
	origin.issue_size = 2048;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p': port = atol(optarg); break;
		case 'l': origin.latency = (uint64_t)atol(optarg) * 1000000u; break;
		case 't': origin.total = (unsigned)atol(optarg); break;
		case 'r': origin.row_size = (unsigned)atol(optarg); break;
		case 's': origin.issue_size = (unsigned)atol(optarg); break;
		default: return 2;
		}
	}
	if (port < 1 || port > 65535 || optind < argc || origin.row_size < 320 || origin.issue_size < 256 ||
	    origin.total > 1000000) {
		fprintf(stderr, "usage: origin --port PORT [--latency MS] [--total ROWS] [--row-size BYTES (320 or more)]"
				" [--issue-size BYTES (256 or more)]\n");
		return 2;
	}
	bodies_make();
	listen_on((unsigned short)port);
	loop();
}
