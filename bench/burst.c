/*
 * burst - send many requests at the same moment and tell when their answers are there.
 *
 * Opens one connection a request first; then the clock starts, all requests go out, and it ends with the last byte of
 * the last answer or with the time limit. Prints one line of JSON: answers complete, by status, the times
 * of the first, the middle and the last, and how many bodies differ from the first one. Answers need a
 * Content-Length or chunks. For benchmarks on loopback only.
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
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUESTS_MOST = 10000, HEAD_LIMIT = 16384, EVENTS = 512 };

struct exchange {
	int fd, status;
	bool in_body, chunked, done;
	size_t have, body, length; /* bytes of head so far; of body so far; of body expected */
	uint64_t hash;             /* of the body, so far */
	double seconds;            /* when the last byte came */
	char end[5];               /* the last bytes of a chunked body */
	char head[HEAD_LIMIT + 1];
};

static struct {
	unsigned short port;
	unsigned count, first, step;
	double limit;
	const char *before, *after; /* the path, around its number */
	char headers[4096];
	struct exchange *exchanges;
} burst = {.count = 1, .step = 1, .limit = 30};

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- one exchange ---- */

static void exchange_open(struct exchange *x, int epoll)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(burst.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = x};
	int on = 1;

	x->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (x->fd < 0 || connect(x->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		give_up("burst: connecting");
	setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, x->fd, &event) < 0)
		give_up("burst: epoll_ctl");
}

static void exchange_ask(struct exchange *x, unsigned number)
{
	char digits[16] = "", request[8192];
	int length;

	if (burst.after)
		snprintf(digits, sizeof(digits), "%u", number);
	length = snprintf(request, sizeof(request), "GET %s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", burst.before,
	        digits, burst.after ? burst.after : "", burst.port, burst.headers);
	if (length >= (int)sizeof(request) || send(x->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
		give_up("burst: sending");
}

static void exchange_end(struct exchange *x, bool done, double seconds)
{
	x->done = done;
	x->seconds = seconds;
	close(x->fd);
	x->fd = -1;
}

/* More bytes of the body; true when it is whole. */
static bool body_take(struct exchange *x, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		x->hash = (x->hash ^ (unsigned char)bytes[i]) * 1099511628211u;
	x->body += length;
	if (!x->chunked)
		return x->body >= x->length;
	for (size_t i = length < 5 ? 0 : length - 5; i < length; i++) {
		memmove(x->end, x->end + 1, 4);
		x->end[4] = bytes[i];
	}
	return !memcmp(x->end, "0\r\n\r\n", 5);
}

/* More bytes of the answer; true when it is whole. */
static bool exchange_take(struct exchange *x, const char *bytes, size_t length)
{
	size_t room = HEAD_LIMIT - x->have, taken = length < room ? length : room;
	char *end, *field;

	if (x->in_body)
		return body_take(x, bytes, length);
	memcpy(x->head + x->have, bytes, taken);
	x->have += taken;
	x->head[x->have] = '\0';
	end = strstr(x->head, "\r\n\r\n");
	if (!end)
		return false;
	x->in_body = true;
	x->hash = 14695981039346656037u;
	x->status = atoi(x->head + strlen("HTTP/1.1 "));
	end[2] = '\0';
	field = strcasestr(x->head, "\r\nContent-Length:");
	x->length = field ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
	x->chunked = strcasestr(x->head, "\r\nTransfer-Encoding: chunked");
	return body_take(x, bytes + length - (x->have - (size_t)(end + 4 - x->head)) - (length - taken),
	        x->have - (size_t)(end + 4 - x->head) + (length - taken));
}

/* Read what is there; true when the exchange has ended, well or not. */
static bool exchange_read(struct exchange *x, double start)
{
	static char bytes[256 * 1024];
	ssize_t got = recv(x->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0 && errno == EAGAIN)
		return false;
	if (got > 0 && !exchange_take(x, bytes, (size_t)got))
		return false;
	exchange_end(x, got > 0, now() - start);
	return true;
}

/* ---- all of them ---- */

static int by_seconds(const void *a, const void *b)
{
	const struct exchange *x = a, *y = b;

	return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

static void report(void)
{
	unsigned done = 0, ok = 0, different = 0, statuses[600] = {0};
	uint64_t hash = burst.exchanges[0].hash;
	const char *comma = "";
	size_t bytes = 0;

	qsort(burst.exchanges, burst.count, sizeof(*burst.exchanges), by_seconds);
	for (unsigned i = 0; i < burst.count; i++) {
		struct exchange *x = &burst.exchanges[i];

		done += x->done;
		ok += x->done && x->status == 200;
		different += x->done && x->hash != hash;
		bytes += x->body;
		if (x->done && x->status > 0 && x->status < 600)
			statuses[x->status]++;
	}
	printf("{\"sent\": %u, \"complete\": %u, \"ok\": %u, \"different\": %u, \"bytes\": %zu, \"first\": %.6f, "
	       "\"middle\": %.6f, \"last\": %.6f, \"status\": {",
	        burst.count, done, ok, different, bytes, burst.exchanges[0].seconds,
	        burst.exchanges[burst.count / 2].seconds, burst.exchanges[burst.count - 1].seconds);
	for (unsigned i = 0; i < 600; i++)
		if (statuses[i]) {
			printf("%s\"%u\": %u", comma, i, statuses[i]);
			comma = ", ";
		}
	printf("}}\n");
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned open = burst.count;
	double start;

	for (unsigned i = 0; i < burst.count; i++)
		exchange_open(&burst.exchanges[i], epoll);
	start = now();
	for (unsigned i = 0; i < burst.count; i++)
		exchange_ask(&burst.exchanges[i], burst.first + i * burst.step);
	while (open && now() - start < burst.limit) {
		int count = epoll_wait(epoll, events, EVENTS, 100);

		if (count < 0 && errno != EINTR)
			give_up("burst: epoll_wait");
		for (int i = 0; i < count; i++)
			open -= exchange_read(events[i].data.ptr, start);
	}
	for (unsigned i = 0; i < burst.count; i++)
		if (burst.exchanges[i].fd >= 0)
			exchange_end(&burst.exchanges[i], false, now() - start);
	close(epoll);
}

static void header_add(const char *header)
{
	size_t used = strlen(burst.headers);

	snprintf(burst.headers + used, sizeof(burst.headers) - used, "%s\r\n", header);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"port", required_argument, NULL, 'p'},
	        {"count", required_argument, NULL, 'c'},
	        {"first", required_argument, NULL, 'f'},
	        {"step", required_argument, NULL, 's'},
	        {"limit", required_argument, NULL, 'l'},
	        {"header", required_argument, NULL, 'h'},
	        {NULL, 0, NULL, 0},
	};
	char *path;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			burst.port = (unsigned short)atoi(optarg);
			break;
		case 'c':
			burst.count = (unsigned)atoi(optarg);
			break;
		case 'f':
			burst.first = (unsigned)atoi(optarg);
			break;
		case 's':
			burst.step = (unsigned)atoi(optarg);
			break;
		case 'l':
			burst.limit = atof(optarg);
			break;
		case 'h':
			header_add(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!burst.port || burst.count < 1 || burst.count > REQUESTS_MOST || optind + 1 != argc) {
		fprintf(stderr,
		        "usage: burst --port PORT [--count 1..%d] [--first N] [--step N] [--limit SECONDS]"
		        " [--header 'NAME: VALUE']... PATH\nA '#' in PATH becomes first, first + step, ...\n",
		        REQUESTS_MOST);
		return 2;
	}
	path = argv[optind];
	burst.before = strsep(&path, "#");
	burst.after = path;
	burst.exchanges = calloc(burst.count, sizeof(*burst.exchanges));
	if (!burst.exchanges)
		give_up("burst");
	run();
	report();
	free(burst.exchanges);
	return 0;
}
