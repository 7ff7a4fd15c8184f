/*
 * bare - the ceiling of our stack: libmicrohttpd answering every request from one prepared response.
 *
 * No look-up, no cache, no log. It uses the library in the way that was found cheapest and does not hang: each
 * thread has its own daemon, its own SO_REUSEPORT listener and its own loop, which polls the daemon's
 * epoll descriptor and an eventfd and then calls MHD_run(). (When libmicrohttpd 0.9.75 blocks in epoll_wait()
 * itself it forgets sockets if exactly 128, 256… become ready at once.) The response is queued in the handler's second
 * call, since queuing in the first one closes the connection, and the connection pool is 8 KiB, since it is
 * zeroed for each request. For benchmarks on loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <getopt.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS_MOST = 64 };

/*
 * Redmine's headers for a 200, and what a cache says besides, so that the bytes on the wire are those of a cached
 * answer. (Date and Connection are the library's own.)
 */
static const struct header {
	const char *name, *value;
	bool body; /* only where there is a body */
} headers[] = {
        {"X-Frame-Options", "SAMEORIGIN", false},
        {"X-XSS-Protection", "1; mode=block", false},
        {"X-Content-Type-Options", "nosniff", false},
        {"X-Download-Options", "noopen", false},
        {"X-Permitted-Cross-Domain-Policies", "none", false},
        {"Referrer-Policy", "strict-origin-when-cross-origin", false},
        {"Content-Type", "application/json; charset=utf-8", true},
        {"ETag", "W/\"35b4d5f0a8e1c2937b6e4f1a0d9c8b7e\"", false},
        {"Cache-Control", "max-age=0, private, must-revalidate", false},
        {"X-Request-Id", "0c2f54a1-5b6e-4f0e-9a3d-6f1d2c3b4a59", false},
        {"X-Runtime", "0.091997", false},
        {"Via", "1.1 bare", false},
        {"Age", "1", false},
        {"Cache-Status", "bare; hit; ttl=59", false},
};

struct server {
	pthread_t thread;
	struct MHD_Daemon *daemon;
	int wake; /* eventfd; nobody writes to it here, but a daemon that resumes connections needs it in its poll() */
};

static struct MHD_Response *response;
static unsigned status = MHD_HTTP_OK;

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static enum MHD_Result handle(void *unused, struct MHD_Connection *connection, const char *url, const char *method,
        const char *version, const char *upload, size_t *upload_size, void **state)
{
	static char seen;

	(void)unused, (void)url, (void)method, (void)version, (void)upload;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, status, response);
}

static void *serve(void *argument)
{
	struct server *s = argument;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd polled[] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = s->wake, .events = POLLIN}};

	for (;;) {
		MHD_UNSIGNED_LONG_LONG wait;
		int limit = MHD_get_timeout(s->daemon, &wait) == MHD_YES ? (int)(wait < 60000 ? wait : 60000) : -1;

		poll(polled, 2, limit);
		MHD_run(s->daemon);
	}
	return NULL;
}

static int listener_open(unsigned short port)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
		give_up("bare: listening");
	return fd;
}

static void response_make(size_t size)
{
	char *body = malloc(size + 1);

	if (!body)
		give_up("bare");
	memset(body, 'x', size);
	response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if (!response || ((size || !headers[i].body) && MHD_add_response_header(response, headers[i].name,
		                                                        headers[i].value) != MHD_YES))
			give_up("bare: the response");
}

static void server_start(struct server *s, unsigned short port, size_t memory)
{
	s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET,
	        listener_open(port), MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_LIMIT, 8192u,
	        MHD_OPTION_CONNECTION_TIMEOUT, 120u, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (s->wake < 0 || !s->daemon)
		give_up("bare: the daemon");
	if (pthread_create(&s->thread, NULL, serve, s))
		give_up("bare: a thread");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"port", required_argument, NULL, 'p'},
	        {"size", required_argument, NULL, 's'},
	        {"threads", required_argument, NULL, 't'},
	        {"memory", required_argument, NULL, 'm'},
	        {"not-modified", no_argument, NULL, 'n'},
	        {NULL, 0, NULL, 0},
	};
	static struct server servers[THREADS_MOST];
	long port = 0, size = 2048, threads = 1, memory = 8192;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = atol(optarg);
			break;
		case 's':
			size = atol(optarg);
			break;
		case 't':
			threads = atol(optarg);
			break;
		case 'm':
			memory = atol(optarg);
			break;
		case 'n':
			status = MHD_HTTP_NOT_MODIFIED;
			size = 0;
			break;
		default:
			return 2;
		}
	}
	if (port < 1 || port > 65535 || size < 0 || threads < 1 || threads > THREADS_MOST || memory < 1024 ||
	        optind < argc) {
		fprintf(stderr,
		        "usage: bare --port PORT [--size BYTES | --not-modified] [--threads 1..%d]"
		        " [--memory BYTES]\n",
		        THREADS_MOST);
		return 2;
	}
	response_make((size_t)size);
	for (long i = 0; i < threads; i++)
		server_start(&servers[i], (unsigned short)port, (size_t)memory);
	for (;;)
		pause();
}
