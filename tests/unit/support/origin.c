#include "origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8192
#define REQUESTS_MAX    65536
#define HEAD_MAX        (256 * 1024)
#define BODY_MAX        (64 * 1024 * 1024)

struct connection {
	struct http_origin *origin;
	pthread_t thread;
	int fd; /* -1: closed */
	unsigned number;
};

struct http_origin {
	const struct http_route *routes;
	size_t route_count;
	void *arg;
	int listener;
	char url[64];
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows, and all that was seen */
	bool ending, forgetful;
	unsigned connection_count, open_count;
	struct connection *connections[CONNECTIONS_MAX];
	size_t seen_count;
	struct http_seen *seen[REQUESTS_MAX];
};

static void must(bool well, const char *what)
{
	if (well)
		return;
	fprintf(stderr, "the origin of the test: %s: %s\n", what, strerror(errno));
	abort();
}

static void add(struct http_visit *v, struct buf *to, const char *data, size_t size)
{
	pthread_mutex_lock(&v->origin->lock);
	must(buf_add(to, data, size) == 0, "recording");
	pthread_mutex_unlock(&v->origin->lock);
}

bool http_send(struct http_visit *v, const char *data, size_t size)
{
	while (size > 0 && v->fd >= 0) {
		ssize_t n = send(v->fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			v->over = true;
			return false;
		}
		data += n;
		size -= (size_t)n;
	}
	return v->fd >= 0;
}

bool http_send_text(struct http_visit *v, const char *text)
{
	return http_send(v, text, strlen(text));
}

bool http_printf(struct http_visit *v, const char *format, ...)
{
	char *text;
	va_list arguments;
	bool sent;

	va_start(arguments, format);
	must(vasprintf(&text, format, arguments) >= 0, "printing");
	va_end(arguments);
	sent = http_send_text(v, text);
	free(text);
	return sent;
}

bool http_answer(struct http_visit *v, const char *status, const char *body)
{
	return http_printf(v, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
	        strcmp(v->seen->method, "HEAD") == 0 ? "" : body);
}

static ssize_t receive(struct http_visit *v, char *room, size_t size)
{
	ssize_t n;

	do
		n = v->fd < 0 ? -1 : recv(v->fd, room, size, 0);
	while (n < 0 && v->fd >= 0 && errno == EINTR);
	if (n <= 0)
		v->over = true;
	return n;
}

/* One line without its end; false when it broke off. */
static bool read_line(struct http_visit *v, char *line, size_t room)
{
	size_t size = 0;

	while (size + 1 < room && receive(v, line + size, 1) == 1) {
		if (line[size] == '\n') {
			line[size > 0 && line[size - 1] == '\r' ? size - 1 : size] = '\0';
			return true;
		}
		size++;
	}
	return false;
}

/* Reads the size of the next chunk. After the last one left stays 0 and chunked becomes false. */
static bool next_chunk(struct http_visit *v)
{
	char line[256];

	if (!read_line(v, line, sizeof(line)))
		return false;
	v->left = strtoll(line, NULL, 16);
	if (v->left > 0)
		return true;
	v->chunked = false;
	while (read_line(v, line, sizeof(line)))
		if (!line[0])
			return true;
	return false;
}

ssize_t http_read_some(struct http_visit *v, char *room, size_t size)
{
	char line[8];
	ssize_t n;

	if (v->chunked && v->left == 0 && !next_chunk(v))
		return -1;
	if (v->left == 0)
		return 0;
	n = receive(v, room, (long long)size < v->left ? size : (size_t)v->left);
	if (n <= 0)
		return -1;
	v->left -= n;
	if (v->chunked && v->left == 0 && !read_line(v, line, sizeof(line)))
		return -1;
	return n;
}

bool http_read_body(struct http_visit *v)
{
	char room[16384];
	ssize_t n;

	while ((n = http_read_some(v, room, sizeof(room))) > 0)
		add(v, &v->seen->body, room, (size_t)n);
	pthread_mutex_lock(&v->origin->lock);
	v->seen->whole = n == 0;
	pthread_mutex_unlock(&v->origin->lock);
	return n == 0;
}

void http_close(struct http_visit *v)
{
	v->over = true;
}

void http_reset(struct http_visit *v)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(v->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	v->over = true;
}

void http_echo(struct http_visit *v)
{
	http_read_body(v);
	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", v->seen->head.size + v->seen->body.size);
	http_send(v, buf_text(&v->seen->head), v->seen->head.size);
	http_send(v, buf_text(&v->seen->body), v->seen->body.size);
}

static void answer_not_found(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, "404 Not Found", "");
}

static const struct http_route *find_route(const struct http_visit *v)
{
	static const struct http_route none = {.act = answer_not_found};
	size_t size = strcspn(v->seen->target, "?");

	for (size_t i = 0; i < v->origin->route_count; i++) {
		const struct http_route *route = &v->origin->routes[i];

		if (route->method && strcmp(route->method, v->seen->method) != 0)
			continue;
		if (!route->path || (strlen(route->path) == size && memcmp(route->path, v->seen->target, size) == 0))
			return route;
	}
	return &none;
}

/* "Content-Length: 5" and "Transfer-Encoding: chunked" as clients of libcurl write them. */
static void find_framing(struct http_visit *v, const char *head)
{
	const char *length = strcasestr(head, "\r\nContent-Length:");

	v->chunked = strcasestr(head, "\r\nTransfer-Encoding: chunked") != NULL;
	v->left = length ? strtoll(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* As much of the head as has come, not a byte more: looks first, then takes. */
static bool read_more_of_head(struct http_visit *v, struct buf *head)
{
	char room[4096];
	size_t before = head->size, take;
	ssize_t n = recv(v->fd, room, sizeof(room), MSG_PEEK);
	const char *end;

	if (n <= 0 || buf_add(head, room, (size_t)n) < 0)
		return false;
	end = memmem(head->data, head->size, "\r\n\r\n", 4);
	take = end ? (size_t)(end + 4 - head->data) - before : (size_t)n;
	head->size = before + take;
	head->data[head->size] = '\0';
	return receive(v, room, take) == (ssize_t)take;
}

static bool read_head(struct http_visit *v)
{
	struct buf head = BUF_INIT(HEAD_MAX);
	char *method = NULL, *target = NULL;

	while (head.size < 4 || memcmp(head.data + head.size - 4, "\r\n\r\n", 4) != 0) {
		if (!read_more_of_head(v, &head)) {
			buf_release(&head);
			return false;
		}
	}
	must(sscanf(head.data, "%ms %ms", &method, &target) == 2, "a request line");
	v->seen->method = method;
	v->seen->target = target;
	v->seen->head = head;
	find_framing(v, head.data);
	return true;
}

/* False: nobody else knows of it. */
static bool record(struct http_visit *v)
{
	struct http_origin *o = v->origin;
	bool records;

	pthread_mutex_lock(&o->lock);
	records = !o->forgetful;
	must(o->seen_count < REQUESTS_MAX, "too many requests");
	if (records)
		o->seen[o->seen_count++] = v->seen;
	pthread_mutex_unlock(&o->lock);
	return records;
}

static void forget(struct http_seen *seen)
{
	http_seen_release(seen);
	free(seen);
}

static struct http_seen *seen_new(unsigned connection, unsigned number)
{
	struct http_seen *seen = calloc(1, sizeof(*seen));

	must(seen, "memory");
	*seen = (struct http_seen){.connection = connection, .number = number, .body = BUF_INIT(BODY_MAX)};
	return seen;
}

static void close_connection(struct connection *c)
{
	pthread_mutex_lock(&c->origin->lock);
	close(c->fd);
	c->fd = -1;
	c->origin->open_count--;
	pthread_mutex_unlock(&c->origin->lock);
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	struct http_visit v = {.origin = c->origin, .arg = c->origin->arg, .fd = c->fd};

	for (unsigned number = 1; !v.over; number++) {
		bool recorded;

		v.seen = seen_new(c->number, number);
		if (!read_head(&v)) {
			forget(v.seen);
			break;
		}
		recorded = record(&v);
		find_route(&v)->act(&v);
		if (!v.over && !v.seen->whole)
			http_read_body(&v);
		if (!recorded)
			forget(v.seen);
	}
	close_connection(c);
	return NULL;
}

static void welcome(struct http_origin *o, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int on = 1;

	must(c != NULL, "memory");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	pthread_mutex_lock(&o->lock);
	must(o->connection_count < CONNECTIONS_MAX, "too many connections");
	*c = (struct connection){.origin = o, .fd = fd, .number = o->connection_count + 1};
	o->connections[o->connection_count++] = c;
	o->open_count++;
	if (o->ending)
		shutdown(fd, SHUT_RDWR);
	must(pthread_create(&c->thread, NULL, serve, c) == 0, "a thread");
	pthread_mutex_unlock(&o->lock);
}

static void *accept_all(void *arg)
{
	struct http_origin *o = arg;
	int fd;

	while ((fd = accept4(o->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR)
		welcome(o, fd);
	return NULL;
}

struct http_origin *http_origin_new(const struct http_route *routes, size_t count, void *arg)
{
	struct http_origin *o = calloc(1, sizeof(*o));
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);

	must(o != NULL, "memory");
	o->routes = routes;
	o->route_count = count;
	o->arg = arg;
	pthread_mutex_init(&o->lock, NULL);
	o->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(o->listener, (struct sockaddr *)&name, sizeof(name)) == 0, "bind");
	must(listen(o->listener, 1024) == 0, "listen");
	must(getsockname(o->listener, (struct sockaddr *)&name, &size) == 0, "getsockname");
	snprintf(o->url, sizeof(o->url), "http://127.0.0.1:%d", ntohs(name.sin_port));
	return o;
}

void http_origin_start(struct http_origin *o)
{
	must(pthread_create(&o->thread, NULL, accept_all, o) == 0, "a thread");
}

void http_origin_hang_up(struct http_origin *o)
{
	pthread_mutex_lock(&o->lock);
	for (unsigned i = 0; i < o->connection_count; i++)
		if (o->connections[i]->fd >= 0)
			shutdown(o->connections[i]->fd, SHUT_RDWR);
	pthread_mutex_unlock(&o->lock);
}

void http_origin_stop(struct http_origin *o)
{
	pthread_mutex_lock(&o->lock);
	o->ending = true;
	pthread_mutex_unlock(&o->lock);
	shutdown(o->listener, SHUT_RDWR);
	pthread_join(o->thread, NULL);
	http_origin_hang_up(o);
	for (unsigned i = 0; i < o->connection_count; i++) {
		pthread_join(o->connections[i]->thread, NULL);
		free(o->connections[i]);
	}
	for (size_t i = 0; i < o->seen_count; i++)
		forget(o->seen[i]);
	close(o->listener);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

const char *http_origin_url(const struct http_origin *o)
{
	return o->url;
}

size_t http_origin_request_count(struct http_origin *o)
{
	size_t count;

	pthread_mutex_lock(&o->lock);
	count = o->seen_count;
	pthread_mutex_unlock(&o->lock);
	return count;
}

unsigned http_origin_connection_count(struct http_origin *o)
{
	unsigned count;

	pthread_mutex_lock(&o->lock);
	count = o->connection_count;
	pthread_mutex_unlock(&o->lock);
	return count;
}

unsigned http_origin_open_count(struct http_origin *o)
{
	unsigned count;

	pthread_mutex_lock(&o->lock);
	count = o->open_count;
	pthread_mutex_unlock(&o->lock);
	return count;
}

size_t http_origin_count_of(struct http_origin *o, const char *method, const char *target)
{
	size_t count = 0;

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < o->seen_count; i++)
		if (strcmp(o->seen[i]->method, method) == 0 && strcmp(o->seen[i]->target, target) == 0)
			count++;
	pthread_mutex_unlock(&o->lock);
	return count;
}

void http_origin_record(struct http_origin *o, bool records)
{
	pthread_mutex_lock(&o->lock);
	o->forgetful = !records;
	pthread_mutex_unlock(&o->lock);
}

void http_origin_seen(struct http_origin *o, size_t index, struct http_seen *ret)
{
	pthread_mutex_lock(&o->lock);
	errno = ERANGE;
	must(index < o->seen_count, "no such request");
	*ret = (struct http_seen){
	        .connection = o->seen[index]->connection,
	        .number = o->seen[index]->number,
	        .method = strdup(o->seen[index]->method),
	        .target = strdup(o->seen[index]->target),
	        .head = BUF_INIT(HEAD_MAX),
	        .body = BUF_INIT(BODY_MAX),
	        .whole = o->seen[index]->whole,
	};
	must(buf_add(&ret->head, o->seen[index]->head.data, o->seen[index]->head.size) == 0, "memory");
	must(buf_add(&ret->body, buf_text(&o->seen[index]->body), o->seen[index]->body.size) == 0, "memory");
	pthread_mutex_unlock(&o->lock);
}

void http_seen_release(struct http_seen *seen)
{
	free(seen->method);
	free(seen->target);
	buf_release(&seen->head);
	buf_release(&seen->body);
}
