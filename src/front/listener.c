#include "front/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

static void set_flag(int fd, int level, int name)
{
	int on = 1;

	setsockopt(fd, level, name, &on, sizeof(on)); /* without it bind() fails or spreads worse: seen there */
}

/* A bound, listening TCP socket or a negative errno. */
static int open_tcp(const struct addrinfo *at, bool shared)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
	if (shared)
		set_flag(fd, SOL_SOCKET, SO_REUSEPORT);
	if (at->ai_family == AF_INET6)
		set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* SO_REUSEPORT would let a second daemon share the port unnoticed: without it, the bind fails if anybody has it. */
static int check_unused(const struct addrinfo *at)
{
	int fd = open_tcp(at, false);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int add(struct listeners *l, const struct listener *listener, const char *text, struct fail *fail)
{
	if (l->count == LISTENERS_MAX)
		return fail_set(fail, -E2BIG, "%s: more than %d sockets", text, LISTENERS_MAX);
	l->items[l->count++] = *listener;
	return 0;
}

/* What is said of an address in the settings. */
struct wanted {
	const char *text;
	bool tls;
	unsigned loops;
};

static int add_tcp(struct listeners *l, const struct addrinfo *at, const struct address *address, unsigned loop,
        const struct wanted *wanted, struct fail *fail)
{
	struct listener listener = {.loop = loop, .tls = wanted->tls, .remote = !address_is_local(address)};
	const char *text = wanted->text;
	int r;

	listener.fd = open_tcp(at, wanted->loops > 1);
	if (listener.fd < 0)
		return fail_set(fail, listener.fd, "listen.address %s: %s", text, strerror(-listener.fd));
	listener.authority = strdup(text);
	listener.text = strdup(text);
	r = listener.authority && listener.text ? add(l, &listener, text, fail)
	                                        : fail_set(fail, -ENOMEM, "out of memory");
	if (r < 0) {
		close(listener.fd);
		free(listener.authority);
		free(listener.text);
	}
	return r;
}

static int open_address(
        struct listeners *l, const struct address *address, const struct wanted *wanted, struct fail *fail)
{
	const char *text = wanted->text;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", address->port);
	r = getaddrinfo(address->host, port, &hints, &found);
	if (r != 0)
		return fail_set(fail, -EINVAL, "listen.address %s: %s", text, gai_strerror(r));
	r = 0;
	for (const struct addrinfo *at = found; at && r == 0; at = at->ai_next) {
		r = check_unused(at);
		if (r == -EADDRNOTAVAIL && at != found) {
			r = 0; /* "localhost" on a machine without IPv6 */
			continue;
		}
		if (r < 0)
			fail_set(fail, r, "listen.address %s: %s", text, strerror(-r));
		for (unsigned loop = 0; loop < wanted->loops && r == 0; loop++)
			r = add_tcp(l, at, address, loop, wanted, fail);
	}
	freeaddrinfo(found);
	return r;
}

/* True when a process answers on that Unix socket. */
static bool is_alive(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int bind_unix(int fd, const struct sockaddr_un *name)
{
	struct stat status;

	if (lstat(name->sun_path, &status) == 0) {
		if (!S_ISSOCK(status.st_mode))
			return -EEXIST;
		if (is_alive(name))
			return -EADDRINUSE;
		unlink(name->sun_path);
	}
	if (bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 || chmod(name->sun_path, 0666) < 0 ||
	        listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

static int open_unix(struct listeners *l, const struct address *address, const struct wanted *wanted, unsigned loop,
        struct fail *fail)
{
	struct listener listener = {.unix_socket = true, .loop = loop, .tls = wanted->tls};
	const char *text = wanted->text;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int r;

	memcpy(name.sun_path, address->path, sizeof(name.sun_path));
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener.fd < 0)
		return fail_set(fail, -errno, "listen.address %s: %s", text, strerror(errno));
	listener.authority = strdup("localhost");
	listener.path = strdup(address->path);
	listener.text = strdup(text);
	r = listener.authority && listener.path && listener.text ? bind_unix(listener.fd, &name) : -ENOMEM;
	if (r < 0)
		fail_set(fail, r, "listen.address %s: %s", text, strerror(-r));
	else
		r = add(l, &listener, text, fail);
	if (r < 0) {
		close(listener.fd);
		free(listener.authority);
		free(listener.path);
		free(listener.text);
	}
	return r;
}

static int open_list(struct listeners *l, const struct text_list *list, bool tls, unsigned loops, struct fail *fail)
{
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++) {
		struct wanted wanted = {.text = list->items[i], .tls = tls, .loops = loops};
		struct address address;

		r = address_parse(wanted.text, &address, fail);
		if (r == 0)
			r = address.kind == ADDRESS_UNIX ? open_unix(l, &address, &wanted, (unsigned)i % loops, fail)
			                                 : open_address(l, &address, &wanted, fail);
	}
	return r;
}

int listeners_open(struct listeners *l, const struct conf *conf, unsigned loops, struct fail *fail)
{
	int r;

	*l = (struct listeners){0};
	r = open_list(l, &conf->listen.address, false, loops, fail);
	if (r == 0)
		r = open_list(l, &conf->listen.tls_address, true, loops, fail);
	if (r < 0)
		listeners_close(l);
	return r;
}

/* What its address is called, and who can reach it. */
static int describe(struct listener *listener, int fd)
{
	union {
		struct sockaddr_storage room;
		struct sockaddr any;
		struct sockaddr_un local;
	} name = {0};
	socklen_t size = sizeof(name);
	char host[ADDRESS_HOST_MAX], port[8], text[sizeof(host) + sizeof(port) + 3];
	struct address address = {.kind = ADDRESS_TCP};

	if (getsockname(fd, &name.any, &size) < 0)
		return -errno;
	listener->unix_socket = name.any.sa_family == AF_UNIX;
	if (listener->unix_socket) {
		snprintf(text, sizeof(text), "unix:%.*s", (int)sizeof(name.local.sun_path), name.local.sun_path);
	} else {
		if (getnameinfo(&name.any, size, host, sizeof(host), port, sizeof(port),
		            NI_NUMERICHOST | NI_NUMERICSERV) != 0)
			return -EAFNOSUPPORT;
		snprintf(address.host, sizeof(address.host), "%s", host);
		listener->remote = !address_is_local(&address);
		snprintf(text, sizeof(text), name.any.sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	}
	listener->text = strdup(text);
	listener->authority = strdup(listener->unix_socket ? "localhost" : text);
	return listener->text && listener->authority ? 0 : -ENOMEM;
}

static bool is_listening(int fd)
{
	int type = 0, listening = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* One event thread's descriptor of it. */
static int adopt_for(struct listeners *l, const struct given_socket *given, unsigned loop, const struct conf *conf,
        struct fail *fail)
{
	struct listener listener = {.loop = loop, .tls = strcmp(given->name, "https") == 0};
	bool allowed = conf->listen.allow_remote || (listener.tls && (conf->listen.client_ca || conf->listen.token));
	int r = describe(&listener, given->fd);

	if (r < 0)
		fail_set(fail, r, "the service manager's socket \"%s\": %s", given->name, strerror(-r));
	else if (listener.remote && !allowed)
		r = fail_set(fail, -EACCES,
		        "the service manager's socket \"%s\": other machines could reach %s, which needs "
		        "TLS with listen.token_file or listen.client_ca, or listen.allow_remote = yes",
		        given->name, listener.authority);
	if (r == 0) {
		listener.fd = fcntl(given->fd, F_DUPFD_CLOEXEC, 3);
		r = listener.fd < 0 ? fail_set(fail, -errno, "the service manager's socket \"%s\": %s", given->name,
		                              strerror(errno))
		                    : add(l, &listener, given->name, fail);
		if (r < 0 && listener.fd >= 0)
			close(listener.fd);
	}
	if (r < 0) {
		free(listener.authority);
		free(listener.text);
	}
	return r;
}

int listeners_adopt(struct listeners *l, const struct given_sockets *given, const struct conf *conf, unsigned loops,
        struct fail *fail)
{
	int r = 0;

	*l = (struct listeners){0};
	for (size_t i = 0; i < given->count && r == 0; i++) {
		const struct given_socket *one = &given->items[i];

		if (!is_listening(one->fd))
			r = fail_set(fail, -EINVAL,
			        "the service manager's socket \"%s\": not a listening stream socket", one->name);
		else
			fcntl(one->fd, F_SETFL, fcntl(one->fd, F_GETFL) | O_NONBLOCK);
		for (unsigned loop = 0; loop < loops && r == 0; loop++)
			r = adopt_for(l, one, loop, conf, fail);
	}
	if (r < 0)
		listeners_close(l);
	return r;
}

void listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].fd >= 0)
			close(l->items[i].fd);
		if (l->items[i].path)
			unlink(l->items[i].path);
		free(l->items[i].path);
		free(l->items[i].authority);
		free(l->items[i].text);
	}
	l->count = 0;
}
