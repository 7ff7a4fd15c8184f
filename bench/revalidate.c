/*
 * revalidate - ask over and over whether an answer has changed, and tell how fast "304 Not Modified" came.
 *
 * wrk cannot: a 304 may say the Content-Length of the body that it does not have (RFC 9110 section 8.6), and wrk then
 * waits for that body. Each connection asks again as soon as it is answered, for some seconds. Prints the line that
 * wrk's script prints: requests, microseconds, p50 and p99 in microseconds, errors (anything but a 304). For
 * benchmarks on loopback only.
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

enum { CONNECTIONS_MOST = 10000, HEAD_LIMIT = 8192, EVENTS = 512, LATENCY_MOST_US = 1000000 };

struct connection {
	int fd;
	uint64_t asked; /* microseconds */
	size_t have;
	char head[HEAD_LIMIT + 1];
};

static struct {
	char request[8192];
	size_t request_length;
	uint64_t end; /* microseconds on the monotonic clock */
	uint64_t answers, errors;
	unsigned *latency; /* how many answers took so many microseconds */
	unsigned open;
} load;

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void connection_close(struct connection *c)
{
	close(c->fd);
	load.open--;
}

static void connection_ask(struct connection *c)
{
	c->have = 0;
	c->asked = now();
	if (c->asked >= load.end) {
		connection_close(c);
	} else if (send(c->fd, load.request, load.request_length, MSG_NOSIGNAL) != (ssize_t)load.request_length) {
		load.errors++;
		connection_close(c);
	}
}

/* The answer is there: count it. False for anything but a 304, after which the connection is of no use. */
static bool connection_count(const struct connection *c)
{
	uint64_t took = now() - c->asked;

	if (strncmp(c->head, "HTTP/1.1 304 ", 13)) {
		load.errors++;
		return false;
	}
	load.answers++;
	load.latency[took < LATENCY_MOST_US ? took : LATENCY_MOST_US - 1]++;
	return true;
}

static void connection_read(struct connection *c)
{
	ssize_t got = recv(c->fd, c->head + c->have, HEAD_LIMIT - c->have, MSG_DONTWAIT);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		load.errors++;
		connection_close(c);
		return;
	}
	c->have += (size_t)got;
	c->head[c->have] = '\0';
	if (!strstr(c->head, "\r\n\r\n"))
		return;
	if (connection_count(c))
		connection_ask(c);
	else
		connection_close(c);
}

static void connection_open(struct connection *c, int epoll, unsigned short port)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		give_up("revalidate: connecting");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		give_up("revalidate: epoll_ctl");
	load.open++;
}

/* The latency that so large a part of the answers did not exceed, in microseconds. */
static unsigned percentile(double part)
{
	uint64_t seen = 0;

	for (unsigned at = 0; at < LATENCY_MOST_US; at++) {
		seen += load.latency[at];
		if ((double)seen >= part * (double)load.answers)
			return at;
	}
	return LATENCY_MOST_US;
}

static void run(unsigned short port, unsigned connections, double seconds)
{
	struct connection *all = calloc(connections, sizeof(*all));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];
	uint64_t begun, limit;

	load.latency = calloc(LATENCY_MOST_US, sizeof(*load.latency));
	if (!all || !load.latency || epoll < 0)
		give_up("revalidate");
	for (unsigned i = 0; i < connections; i++)
		connection_open(&all[i], epoll, port);
	begun = now();
	load.end = begun + (uint64_t)(seconds * 1e6);
	limit = load.end + 5000000; /* for answers that do not come */
	for (unsigned i = 0; i < connections; i++)
		connection_ask(&all[i]);
	while (load.open && now() < limit) {
		int count = epoll_wait(epoll, events, EVENTS, 100);

		for (int i = 0; i < count; i++)
			connection_read(events[i].data.ptr);
	}
	printf("BENCH %ju %ju %u %u %ju\n", (uintmax_t)load.answers, (uintmax_t)(now() - begun), percentile(0.5),
	        percentile(0.99), (uintmax_t)(load.errors + load.open));
	free(load.latency);
	free(all);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"port", required_argument, NULL, 'p'},
	        {"connections", required_argument, NULL, 'c'},
	        {"seconds", required_argument, NULL, 's'},
	        {"header", required_argument, NULL, 'h'},
	        {NULL, 0, NULL, 0},
	};
	char headers[4096] = "";
	int option, port = 0, connections = 1, length;
	double seconds = 1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'c':
			connections = atoi(optarg);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		case 'h':
			snprintf(headers + strlen(headers), sizeof(headers) - strlen(headers), "%s\r\n", optarg);
			break;
		default:
			return 2;
		}
	}
	if (port < 1 || port > 65535 || connections < 1 || connections > CONNECTIONS_MOST || seconds <= 0 ||
	        optind + 1 != argc) {
		fprintf(stderr,
		        "usage: revalidate --port PORT [--connections 1..%d] [--seconds S]"
		        " --header 'If-None-Match: TAG' [--header 'NAME: VALUE']... PATH\n",
		        CONNECTIONS_MOST);
		return 2;
	}
	length = snprintf(load.request, sizeof(load.request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n",
	        argv[optind], port, headers);
	if (length >= (int)sizeof(load.request))
		return 2;
	load.request_length = (size_t)length;
	run((unsigned short)port, (unsigned)connections, seconds);
	return 0;
}
