#include "kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TRIES 20

struct conf *kit_conf(const char *const *settings)
{
	const char *overrides[40] = {"upstream.url=http://redmine.test", "cache.path=", "log.level=error"};
	struct conf_source source = {
	        .overrides = overrides,
	        .override_count = 3,
	        .resource_known = resource_name_known,
	        .resource_names = resource_names(),
	        .engine_known = engine_known,
	        .engine_names = engine_names(),
	};
	struct fail fail = {0};
	struct conf *conf;

	for (; settings && *settings; settings++)
		overrides[source.override_count++] = *settings;
	ck_assert_msg(conf_load(&source, &conf, &fail) == 0, "%s", fail.text);
	return conf;
}

unsigned short kit_free_port(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	close(fd);
	return ntohs(name.sin_port);
}

static struct conf *conf_with_addresses(const struct kit *kit, const char *const *settings)
{
	char tcp[64], local[160];
	const char *all[36] = {tcp, local, "listen.threads=2"};
	size_t count = 3;

	snprintf(tcp, sizeof(tcp), "listen.address=127.0.0.1:%u", kit->port);
	snprintf(local, sizeof(local), "listen.address=unix:%s", kit->unix_path);
	for (; settings && *settings; settings++)
		all[count++] = *settings;
	return kit_conf(all);
}

static void open_front(struct kit *kit, const char *const *settings)
{
	struct fail fail = {0};
	int r = -EADDRINUSE;

	for (int i = 0; i < TRIES && r == -EADDRINUSE; i++) {
		kit->port = kit_free_port();
		conf_unref(kit->conf);
		kit->conf = conf_with_addresses(kit, settings);
		r = front_new(&kit->flow, kit->conf, NULL, &kit->front, &fail);
	}
	ck_assert_msg(r == 0, "%s", fail.text);
	snprintf(kit->authority, sizeof(kit->authority), "127.0.0.1:%u", kit->port);
}

void kit_make(struct kit *kit, const struct http_route *routes, size_t count, const char *const *settings)
{
	struct cache_settings cache = {.store_settings = {.path = ""}, .memory_limit = 16 << 20};
	struct engine_settings engine = {
	        .session = {.origin = &kit->origin, .verify = true, .connections = 4}, .workers = 4, .queue = 10000};
	struct fail fail = {0};

	*kit = (struct kit){.came = GATE_INIT, .go = GATE_INIT, .folder = "/tmp/test_front.XXXXXX"};
	signal(SIGPIPE, SIG_IGN);
	log_set(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	ck_assert_ptr_nonnull(mkdtemp(kit->folder));
	snprintf(kit->unix_path, sizeof(kit->unix_path), "%s/socket", kit->folder);
	kit->http = http_origin_new(routes, count, kit);
	ck_assert_int_eq(origin_init(&kit->origin, http_origin_url(kit->http), &fail), 0);
	digest_secret_random(&kit->secret);
	ck_assert_int_eq(cache_new(&cache, &kit->cache, &fail), 0);
	kit->engines = engines_new(0);
	ck_assert_int_eq(engines_add(kit->engines, engine_new("thread", &engine, &fail), true), 0);
	http_origin_start(kit->http);
	ck_assert_int_eq(engines_start(kit->engines, &fail), 0);
	ck_assert_int_eq(flow_init(&kit->flow, kit->cache, kit->engines, &kit->origin, &kit->secret), 0);
	open_front(kit, settings);
	ck_assert_int_eq(front_start(kit->front, &fail), 0);
}

void kit_reload(struct kit *kit, const char *const *settings)
{
	conf_unref(kit->conf);
	kit->conf = conf_with_addresses(kit, settings);
	front_set_conf(kit->front, kit->conf);
}

void kit_clear(struct kit *kit)
{
	engines_stop(kit->engines, false);
	front_free(kit->front);
	flow_release(&kit->flow);
	engines_free(kit->engines);
	cache_free(kit->cache, 1000);
	http_origin_stop(kit->http);
	origin_release(&kit->origin);
	conf_unref(kit->conf);
	ck_assert_int_eq(access(kit->unix_path, F_OK), -1); /* taken away with the front */
	ck_assert_int_eq(rmdir(kit->folder), 0);
	clock_set_offset_ms(0);
}

static void open_socket(struct wire *wire, const struct sockaddr *name, socklen_t size)
{
	struct timeval limit = {.tv_sec = WAIT_LIMIT_S};

	*wire = (struct wire){.in = BUF_INIT(64 * 1024 * 1024)};
	wire->fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(wire->fd, name, size), 0);
	setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

void wire_open(struct wire *wire, const struct kit *kit)
{
	struct sockaddr_in name = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(kit->port)};

	open_socket(wire, (struct sockaddr *)&name, sizeof(name));
}

void wire_open_unix(struct wire *wire, const struct kit *kit)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	snprintf(name.sun_path, sizeof(name.sun_path), "%.107s", kit->unix_path);
	open_socket(wire, (struct sockaddr *)&name, sizeof(name));
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
	buf_release(&wire->in);
}

void wire_reset(struct wire *wire)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	wire_close(wire);
}

bool wire_send(struct wire *wire, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = send(wire->fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

bool wire_send_text(struct wire *wire, const char *text)
{
	return wire_send(wire, text, strlen(text));
}

ssize_t wire_receive(struct wire *wire, char *room, size_t size)
{
	ssize_t n = recv(wire->fd, room, size, 0);

	ck_assert_msg(n >= 0 || errno != EAGAIN, "nothing came in time");
	return n;
}

/* More bytes; false at the end. */
static bool fill(struct wire *wire)
{
	char room[16384];
	ssize_t n = wire_receive(wire, room, sizeof(room));

	return n > 0 && buf_add(&wire->in, room, (size_t)n) == 0;
}

static void take(struct wire *wire, struct buf *to, size_t size)
{
	if (to)
		ck_assert_int_eq(buf_add(to, wire->in.data, size), 0);
	memmove(wire->in.data, wire->in.data + size, wire->in.size - size + 1);
	wire->in.size -= size;
}

/* Until the text is there: its end, 0 when the connection ended. */
static size_t find(struct wire *wire, const char *text)
{
	for (;;) {
		const char *at = wire->in.size ? memmem(wire->in.data, wire->in.size, text, strlen(text)) : NULL;

		if (at)
			return (size_t)(at - wire->in.data) + strlen(text);
		if (!fill(wire))
			return 0;
	}
}

static bool read_sized(struct wire *wire, struct buf *body, size_t size)
{
	while (wire->in.size < size)
		if (!fill(wire))
			return false;
	take(wire, body, size);
	return true;
}

static bool read_chunks(struct wire *wire, struct buf *body)
{
	for (;;) {
		size_t line = find(wire, "\r\n"), size;

		if (line == 0)
			return false;
		size = strtoul(wire->in.data, NULL, 16);
		take(wire, NULL, line);
		if (!read_sized(wire, body, size) || !read_sized(wire, NULL, 2))
			return false;
		if (size == 0)
			return true;
	}
}

static bool read_body(struct wire *wire, const char *method, struct wire_answer *answer)
{
	const char *length = fields_get(&answer->fields, "Content-Length");

	if (strcmp(method, "HEAD") == 0 || answer->status == 204 || answer->status == 304)
		return true;
	if (fields_has_token(&answer->fields, "Transfer-Encoding", "chunked"))
		return read_chunks(wire, &answer->body);
	if (length)
		return read_sized(wire, &answer->body, strtoul(length, NULL, 10));
	while (fill(wire))
		continue;
	take(wire, &answer->body, wire->in.size);
	return true;
}

bool wire_read(struct wire *wire, const char *method, struct wire_answer *answer)
{
	const char *fields;
	size_t head;

	do {
		*answer = (struct wire_answer){.head = BUF_INIT(1 << 20), .body = BUF_INIT(64 << 20)};
		head = find(wire, "\r\n\r\n");
		if (head == 0)
			return false;
		take(wire, &answer->head, head);
		ck_assert_int_eq(sscanf(answer->head.data, "HTTP/1.1 %u", &answer->status), 1);
		if (answer->status < 200)
			buf_release(&answer->head);
	} while (answer->status < 200);
	fields = strstr(answer->head.data, "\r\n") + 2;
	ck_assert_int_eq(fields_parse(&answer->fields, fields, strlen(fields) - 2), 0);
	answer->whole = read_body(wire, method, answer);
	return true;
}

void wire_answer_release(struct wire_answer *answer)
{
	buf_release(&answer->head);
	buf_release(&answer->body);
	fields_release(&answer->fields);
}

bool wire_at_end(struct wire *wire)
{
	return wire->in.size == 0 && !fill(wire);
}

void wire_ask(struct wire *wire, const struct kit *kit, const char *method, const char *target, const char *fields,
        struct wire_answer *ret)
{
	CLEANUP(buf_release) struct buf request = BUF_INIT(1 << 20);

	ck_assert_int_eq(buf_printf(&request, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, target, kit->authority,
	                         fields ? fields : ""),
	        0);
	ck_assert(wire_send(wire, request.data, request.size));
	ck_assert(wire_read(wire, method, ret));
}

void kit_ask(const struct kit *kit, const char *method, const char *target, const char *fields, struct wire_answer *ret)
{
	struct wire wire;

	wire_open(&wire, kit);
	wire_ask(&wire, kit, method, target, fields, ret);
	wire_close(&wire);
}

unsigned kit_raw(const struct kit *kit, const char *bytes)
{
	struct wire_answer answer = {0};
	struct wire wire;
	unsigned status = 0;

	wire_open(&wire, kit);
	wire_send_text(&wire, bytes);
	if (wire_read(&wire, "GET", &answer))
		status = answer.status;
	wire_answer_release(&answer);
	wire_close(&wire);
	return status;
}
