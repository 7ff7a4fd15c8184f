#include "front/loop.h"

#include "base/clock.h"
#include "base/scheduling.h"
#include "front/interim.h"
#include "front/tls.h"
#include "front/visit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND_US 1000000

static char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* libmicrohttpd turns away what is beyond its own limit without a word: so far beyond ours that ours answers first. */
#define CONNECTIONS_BEYOND 64

void loop_poke(struct loop *loop)
{
	uint64_t one = 1;

	if (atomic_exchange(&loop->poked, true))
		return; /* somebody's is not seen yet: it serves for this one, too */
	if (write(loop->event, &one, sizeof(one)) < 0 && errno != EAGAIN)
		WRONG("eventfd");
}

static void print_client(struct guest *guest, const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (guest->listener->unix_socket || !address)
		snprintf(guest->client, sizeof(guest->client), "unix");
	else if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, guest->client, sizeof(guest->client));
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, guest->client, sizeof(guest->client));
}

/* Who connected, as far as the kernel tells: the process at the other end of a Unix socket (unix(7), SO_PEERCRED). */
static void look_at_door(struct guest *guest)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	guest->door.listener = guest->listener->text;
	guest->door.remote = strcmp(guest->client, "unix") != 0 && strncmp(guest->client, "127.", 4) != 0 &&
	                     strcmp(guest->client, "::1") != 0;
	if (!guest->listener->unix_socket || getsockopt(guest->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	guest->door.has_peer = true;
	guest->door.uid = peer.uid;
	guest->door.gid = peer.gid;
}

static void *welcome(struct loop_daemon *daemon, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *address = MHD_get_connection_info(
	        connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct loop *loop = daemon->loop;
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->loop = loop;
	guest->listener = daemon->listener;
	guest->fd = fd->connect_fd;
	guest->since_us = clock_monotonic_us();
	atomic_store_explicit(&loop->stirred_us, guest->since_us, memory_order_relaxed);
	print_client(guest, address ? address->client_addr : NULL);
	look_at_door(guest);
	guest->next = loop->guests;
	if (guest->next)
		guest->next->previous = guest;
	loop->guests = guest;
	if (atomic_fetch_add(&loop->front->connections, 1) >= loop->conf->listen.max_connections) {
		guest->refused = true;
		atomic_fetch_add(&loop->front->refused, 1);
	}
	return guest;
}

static void see_off(struct guest *guest)
{
	if (guest->previous)
		guest->previous->next = guest->next;
	else
		guest->loop->guests = guest->next;
	if (guest->next)
		guest->next->previous = guest->previous;
	atomic_fetch_sub(&guest->loop->front->connections, 1);
	free(guest);
}

static void on_connection(
        void *arg, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = welcome(arg, connection);
	} else if (*context) {
		see_off(*context);
		*context = NULL;
	}
}

static void PRINTF_LIKE(2, 0) on_message(void *arg, const char *format, va_list arguments)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, arguments);
	log_debug("libmicrohttpd: %s", text);
}

/* The target goes on as its raw bytes: nothing is unescaped. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

static int start_daemon(struct loop *loop, struct listener *listener, struct fail *fail)
{
	const struct conf *conf = loop->conf;
	struct loop_daemon *daemon = &loop->daemons[loop->count];
	int64_t idle_s = (conf->listen.idle_timeout_ms + 999) / 1000;
	char *client_ca = loop->front->client_ca;
	struct MHD_OptionItem tls[] = {
	        {MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities},
	        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_callback()},
	        {client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, client_ca},
	        {MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem *extra = listener->tls ? tls : &tls[ARRAY_SIZE(tls) - 1];
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const union MHD_DaemonInfo *info;

	daemon->loop = loop;
	daemon->listener = listener;
	daemon->mhd = MHD_start_daemon(listener->tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, visit_handle, daemon,
	        MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL, MHD_OPTION_LISTEN_SOCKET, listener->fd,
	        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(conf->listen.max_connections + CONNECTIONS_BEYOND),
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	        (size_t)conf->listen.header_limit, MHD_OPTION_NOTIFY_COMPLETED, visit_end, daemon,
	        MHD_OPTION_NOTIFY_CONNECTION, on_connection, daemon, MHD_OPTION_URI_LOG_CALLBACK, visit_begin, daemon,
	        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, extra, MHD_OPTION_END);
	if (!daemon->mhd)
		return fail_set(fail, errno ? -errno : -ENOMEM, "starting libmicrohttpd");
	listener->fd = -1; /* libmicrohttpd closes it */
	info = MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	daemon->epoll = info->epoll_fd;
	loop->count++;
	return 0;
}

int loop_init(struct loop *loop, struct front *front, unsigned number, struct fail *fail)
{
	*loop = (struct loop){.magic = LOOP_MAGIC, .front = front, .conf = conf_ref(front->conf)};
	loop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->prepared = prepared_new(front->flow->origin, cache_generations(front->flow->cache));
	loop->tally = calloc(1, sizeof(*loop->tally));
	if (loop->event < 0 || !loop->prepared || !loop->tally)
		return fail_set(fail, -ENOMEM, "out of memory or descriptors");
	for (size_t i = 0; i < front->listeners.count; i++) {
		struct listener *listener = &front->listeners.items[i];
		int r = listener->loop == number ? start_daemon(loop, listener, fail) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* True when nothing has come from this client for too long for it to be only idle, which libmicrohttpd ends by itself. */
static bool is_too_slow(const struct guest *guest, const struct conf *conf, int64_t now_us)
{
	int64_t limit_ms = conf->listen.header_timeout_ms;

	if (guest->busy && guest->head_complete)
		return false;
	if (!guest->busy)
		limit_ms += conf->listen.idle_timeout_ms;
	return now_us - guest->since_us > limit_ms * 1000;
}

/*
 * True when a client has gone between two requests or in the midst of one. libmicrohttpd 0.9.75 does not see an end
 * that came together with the last bytes, of the beginning of a head, too: its edge-triggered epoll told of both at once,
 * and it stops reading at the first short read.
 */
static bool has_gone(const struct guest *guest)
{
	char byte;

	if (guest->busy && guest->head_complete && !guest->receiving)
		return false; /* who has sent all may shut his half and wait for the answer */
	return recv(guest->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Once a second. A client that sends its head byte by byte keeps libmicrohttpd's own time limit from ending it. */
static void sweep(struct loop *loop, int64_t now_us)
{
	if (now_us - loop->swept_us < SECOND_US)
		return;
	loop->swept_us = now_us;
	prepared_sweep(loop->prepared, loop->wall_ms);
	for (struct guest *guest = loop->guests; guest; guest = guest->next)
		if (is_too_slow(guest, loop->conf, now_us) || has_gone(guest))
			shutdown(guest->fd, SHUT_RDWR);
}

static void take_conf(struct loop *loop, unsigned *serial)
{
	unsigned newest = atomic_load(&loop->front->conf_serial);

	if (*serial == newest)
		return;
	*serial = newest;
	pthread_mutex_lock(&loop->front->lock);
	conf_unref(loop->conf);
	loop->conf = conf_ref(loop->front->conf);
	pthread_mutex_unlock(&loop->front->lock);
	atomic_store(&loop->conf_taken, newest);
}

/* How long poll() may wait: a second at most, for the sweep. */
static int wait_ms(const struct loop *loop)
{
	MHD_UNSIGNED_LONG_LONG timeout, least = 1000;

	for (size_t i = 0; i < loop->count; i++)
		if (MHD_get_timeout(loop->daemons[i].mhd, &timeout) == MHD_YES && timeout < least)
			least = timeout;
	return (int)least;
}

static void turn(struct loop *loop, struct pollfd *fds)
{
	int wait = wait_ms(loop);
	uint64_t count;

	/* Where libmicrohttpd goes on at once nobody has to be asked: it looks for events itself, a poke is not lost. */
	fds[loop->count].revents = 0;
	if (wait > 0 && poll(fds, loop->count + 1, wait) < 0 && errno != EINTR)
		WRONG("poll");
	if ((fds[loop->count].revents || (wait == 0 && atomic_load(&loop->poked))) &&
	        read(loop->event, &count, sizeof(count)) < 0 && errno != EAGAIN)
		WRONG("eventfd");
	atomic_exchange(&loop->poked, false); /* before what it was for is looked at: who comes later pokes again */
	atomic_store_explicit(&loop->beat_asked, false, memory_order_relaxed);
	loop->wall_ms = clock_wall_ms();
	interims_write(loop);
	for (size_t i = 0; i < loop->count; i++)
		MHD_run(loop->daemons[i].mhd);
	sweep(loop, clock_monotonic_us());
}

/* Once the front drains. What still waits in the queue of a socket of our own is refused by the kernel. */
static void close_listeners(struct loop *loop)
{
	for (size_t i = 0; i < loop->count; i++) {
		MHD_socket fd = MHD_quiesce_daemon(loop->daemons[i].mhd);

		if (fd != MHD_INVALID_SOCKET)
			close(fd);
	}
	atomic_store(&loop->closed, true);
}

static void *run(void *arg)
{
	struct loop *loop = arg;
	struct pollfd fds[LISTENERS_MAX + 1];
	unsigned serial = 0;

	CHECK(loop, LOOP_MAGIC);
	pthread_setname_np(pthread_self(), "event");
	scheduling_interactive();
	for (size_t i = 0; i < loop->count; i++)
		fds[i] = (struct pollfd){.fd = loop->daemons[i].epoll, .events = POLLIN};
	fds[loop->count] = (struct pollfd){.fd = loop->event, .events = POLLIN};
	while (!atomic_load(&loop->front->ending)) {
		take_conf(loop, &serial);
		if (atomic_load(&loop->front->draining) && !atomic_load(&loop->closed))
			close_listeners(loop);
		turn(loop, fds);
	}
	return NULL;
}

int loop_start(struct loop *loop, struct fail *fail)
{
	int r = pthread_create(&loop->thread, NULL, run, loop);

	if (r != 0)
		return fail_set(fail, -r, "starting an event thread: %s", strerror(r));
	loop->started = true;
	return 0;
}

void loop_release(struct loop *loop)
{
	CHECK(loop, LOOP_MAGIC);
	if (loop->started) {
		loop_poke(loop);
		pthread_join(loop->thread, NULL);
	}
	for (size_t i = 0; i < loop->count; i++) {
		MHD_run(loop->daemons[i].mhd); /* takes up what was resumed last: none may be suspended now */
		MHD_stop_daemon(loop->daemons[i].mhd);
	}
	interims_write(loop); /* to nobody any more */
	prepared_free(loop->prepared);
	free(loop->tally);
	conf_unref(loop->conf);
	if (loop->event >= 0)
		close(loop->event);
	loop->magic = 0;
}
