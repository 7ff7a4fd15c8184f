#include "front/listener.h"

#include "kit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* -EADDRINUSE only because another program was given the port meanwhile: again with another. */
static int open_some(struct listeners *l, const char *host, unsigned loops, char *ret_text, struct fail *fail)
{
	int r = -EADDRINUSE;

	for (int i = 0; i < 20 && r == -EADDRINUSE; i++) {
		const char *settings[2] = {NULL, NULL};
		char setting[100];
		struct conf *conf;

		sprintf(ret_text, "%s:%u", host, kit_free_port());
		snprintf(setting, sizeof(setting), "listen.address=%s", ret_text);
		settings[0] = setting;
		conf = kit_conf(settings);
		r = listeners_open(l, conf, loops, fail);
		conf_unref(conf);
	}
	return r;
}

static int open_address(struct listeners *l, const char *text, unsigned loops, struct fail *fail)
{
	char setting[200];
	const char *settings[] = {setting, "listen.allow_remote=yes", NULL};
	struct conf *conf;
	int r;

	snprintf(setting, sizeof(setting), "listen.address=%s", text);
	conf = kit_conf(settings);
	r = listeners_open(l, conf, loops, fail);
	conf_unref(conf);
	return r;
}

START_TEST(one_socket_for_each_thread)
{
	struct listeners l;
	struct fail fail = {0};
	char text[32];

	ck_assert_msg(open_some(&l, "127.0.0.1", 3, text, &fail) == 0, "%s", fail.text);
	ck_assert_uint_eq(l.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		int listening = 0;
		socklen_t size = sizeof(listening);

		ck_assert_uint_eq(l.items[i].loop, i);
		ck_assert_str_eq(l.items[i].authority, text);
		ck_assert(!l.items[i].unix_socket && !l.items[i].remote);
		ck_assert_int_eq(getsockopt(l.items[i].fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), 0);
		ck_assert_int_eq(listening, 1);
	}
	listeners_close(&l);
	ck_assert_uint_eq(l.count, 0);
	listeners_close(&l);
}
END_TEST

START_TEST(address_in_use)
{
	struct listeners first, second;
	struct fail fail = {0};
	char text[32];

	ck_assert_int_eq(open_some(&first, "127.0.0.1", 2, text, &fail), 0);
	/* SO_REUSEPORT would let both have it, and spread the clients over the two. */
	ck_assert_int_eq(open_address(&second, text, 2, &fail), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(fail.text, text));
	ck_assert_uint_eq(second.count, 0);
	ck_assert_int_eq(open_address(&second, text, 1, &fail), -EADDRINUSE);
	listeners_close(&first);
	ck_assert_int_eq(open_address(&second, text, 2, &fail), 0); /* at once again */
	listeners_close(&second);
}
END_TEST

START_TEST(version_6)
{
	struct listeners l;
	struct fail fail = {0};
	char text[32];
	int r = open_some(&l, "[::1]", 1, text, &fail);
	struct sockaddr_in6 name;
	socklen_t size = sizeof(name);

	if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT) {
		fprintf(stderr, "this machine has no IPv6\n");
		return; /* then there is nothing to listen on; the error is the right one */
	}
	ck_assert_msg(r == 0, "%s", fail.text);
	ck_assert_int_eq(getsockname(l.items[0].fd, (struct sockaddr *)&name, &size), 0);
	ck_assert_int_eq(name.sin6_family, AF_INET6);
	ck_assert(!l.items[0].remote);
	ck_assert_str_eq(l.items[0].authority, text);
	listeners_close(&l);
}
END_TEST

START_TEST(names_are_looked_up)
{
	struct listeners l;
	struct fail fail = {0};
	char text[32];

	ck_assert_msg(open_some(&l, "localhost", 1, text, &fail) == 0, "%s", fail.text);
	ck_assert_uint_ge(l.count, 1);
	ck_assert_str_eq(l.items[0].authority, text);
	listeners_close(&l);
}
END_TEST

START_TEST(others_can_reach_it)
{
	struct listeners l;
	struct fail fail = {0};
	char text[32];

	snprintf(text, sizeof(text), "0.0.0.0:%u", kit_free_port());
	if (open_address(&l, text, 1, &fail) == 0) {
		ck_assert(l.items[0].remote);
		listeners_close(&l);
	} else {
		ck_assert_int_eq(fail.code, -EADDRINUSE);
	}
}
END_TEST

static char folder[] = "/tmp/test_listener.XXXXXX";
static char path[100], address[120];

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
}

static void remove_folder(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(unix_socket)
{
	struct listeners l;
	struct fail fail = {0};
	struct stat status;

	make_folder();
	ck_assert_msg(open_address(&l, address, 4, &fail) == 0, "%s", fail.text);
	ck_assert_uint_eq(l.count, 1); /* once, whatever the threads */
	ck_assert(l.items[0].unix_socket && !l.items[0].remote);
	ck_assert_str_eq(l.items[0].path, path);
	ck_assert_str_eq(l.items[0].authority, "localhost");
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert(S_ISSOCK(status.st_mode));
	ck_assert_int_eq(status.st_mode & 0777, 0666);
	listeners_close(&l);
	ck_assert_int_eq(stat(path, &status), -1);
	remove_folder();
}
END_TEST

START_TEST(unix_socket_left_behind)
{
	struct listeners l, second;
	struct fail fail = {0};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_folder();
	strcpy(name.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd); /* as after a kill: the name stays, nobody answers */
	ck_assert_msg(open_address(&l, address, 1, &fail) == 0, "%s", fail.text);
	/* The living one is not taken over, and stays. */
	ck_assert_int_eq(open_address(&second, address, 1, &fail), -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd);
	listeners_close(&l);
	remove_folder();
}
END_TEST

START_TEST(unix_path_of_something_else)
{
	struct listeners l;
	struct fail fail = {0};
	FILE *file;

	make_folder();
	file = fopen(path, "w");
	fputs("precious", file);
	fclose(file);
	ck_assert_int_eq(open_address(&l, address, 1, &fail), -EEXIST);
	ck_assert_int_eq(access(path, F_OK), 0);
	remove_folder();

	ck_assert_int_lt(open_address(&l, "unix:/nowhere/at/all/socket", 1, &fail), 0);
	ck_assert_ptr_nonnull(strstr(fail.text, "/nowhere/at/all/socket"));
}
END_TEST

/* One of several cannot be had: none is left open, and no socket lies about. */
START_TEST(all_or_none)
{
	struct listeners first, l;
	struct fail fail = {0};
	char text[32], local[160], tcp[64];
	const char *settings[] = {local, tcp, NULL};
	struct conf *conf;
	size_t before;

	make_folder();
	ck_assert_int_eq(open_some(&first, "127.0.0.1", 1, text, &fail), 0);
	snprintf(local, sizeof(local), "listen.address=%s", address);
	snprintf(tcp, sizeof(tcp), "listen.address=%s", text);
	conf = kit_conf(settings);
	before = usage_descriptors();
	ck_assert_int_eq(listeners_open(&l, conf, 2, &fail), -EADDRINUSE);
	ck_assert_uint_eq(usage_descriptors(), before);
	ck_assert_int_eq(access(path, F_OK), -1);
	conf_unref(conf);
	listeners_close(&first);
	remove_folder();
}
END_TEST

/* A socket as a service manager would hold it, on some port of host. */
static int held_socket(const char *host)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(inet_pton(AF_INET, host, &at.sin_addr), 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

START_TEST(given_sockets_are_shared_by_all_threads)
{
	struct conf *conf = kit_conf(NULL);
	struct given_sockets given = {.items = {{.name = "http"}, {.name = "https"}}, .count = 2};
	struct listeners l;
	struct fail fail = {0};
	int flags;

	for (size_t i = 0; i < 2; i++) {
		given.items[i].fd = held_socket("127.0.0.1");
		ck_assert_int_eq(listen(given.items[i].fd, 1), 0);
	}
	ck_assert_msg(listeners_adopt(&l, &given, conf, 3, &fail) == 0, "%s", fail.text);
	ck_assert_uint_eq(l.count, 6);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_uint_eq(l.items[i].loop, i % 3);
		ck_assert(l.items[i].tls == (i >= 3) && !l.items[i].unix_socket && !l.items[i].remote);
		ck_assert_str_eq(l.items[i].authority, l.items[i].text);
		ck_assert_ptr_eq(strstr(l.items[i].text, "127.0.0.1:"), l.items[i].text);
		flags = fcntl(l.items[i].fd, F_GETFL);
		ck_assert(flags & O_NONBLOCK);
	}
	listeners_close(&l);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_ge(fcntl(given.items[i].fd, F_GETFD), 0); /* still the service manager's */
		close(given.items[i].fd);
	}
	conf_unref(conf);
}
END_TEST

START_TEST(given_sockets_that_cannot_be_used)
{
	static const struct {
		const char *host, *allowed;
		bool listens;
		int r;
		const char *said;
	} rows[] = {
	        {"127.0.0.1", "no", false, -EINVAL, "socket \"http\": not a listening stream socket"},
	        {"0.0.0.0", "no", true, -EACCES, "other machines could reach 0.0.0.0:"},
	        {"0.0.0.0", "yes", true, 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char setting[64];
		const char *const settings[] = {setting, NULL};
		struct given_sockets given = {.items = {{.fd = held_socket(rows[i].host), .name = "http"}}, .count = 1};
		struct listeners l;
		struct fail fail = {0};
		struct conf *conf;

		snprintf(setting, sizeof(setting), "listen.allow_remote=%s", rows[i].allowed);
		conf = kit_conf(settings);
		if (rows[i].listens)
			ck_assert_int_eq(listen(given.items[0].fd, 1), 0);
		ck_assert_int_eq(listeners_adopt(&l, &given, conf, 1, &fail), rows[i].r);
		ck_assert_msg(strstr(fail.text, rows[i].said) != NULL, "%s", fail.text);
		listeners_close(&l);
		close(given.items[0].fd);
		conf_unref(conf);
	}
}
END_TEST

UNIT_MAIN("listener", given_sockets_are_shared_by_all_threads, given_sockets_that_cannot_be_used,
        one_socket_for_each_thread, address_in_use, version_6, names_are_looked_up, others_can_reach_it, unix_socket,
        unix_socket_left_behind, unix_path_of_something_else, all_or_none)
