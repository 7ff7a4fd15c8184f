#include "upstream/idle.h"

#include "../unit.h"

#include <sys/socket.h>
#include <unistd.h>

static void pair(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static bool is_ended(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

START_TEST(ends_those_on_which_something_came)
{
	struct idle idle = {0};
	int quiet[2], talks[2], hung_up[2], removed[2];

	pair(quiet);
	pair(talks);
	pair(hung_up);
	pair(removed);
	idle_add(&idle, quiet[0]);
	idle_add(&idle, talks[0]);
	idle_add(&idle, hung_up[0]);
	idle_add(&idle, removed[0]);
	idle_add(&idle, removed[0]);
	ck_assert_uint_eq(idle.count, 4);
	ck_assert_int_eq(write(talks[1], "HTTP/1.1 408 Request Timeout\r\n\r\n", 32), 32);
	shutdown(hung_up[1], SHUT_WR);
	ck_assert_int_eq(write(removed[1], "x", 1), 1);
	idle_remove(&idle, removed[0]);
	idle_remove(&idle, 12345);
	idle_check(&idle);
	ck_assert_uint_eq(idle.count, 1); /* the quiet one stays */
	ck_assert(is_ended(talks[1]) && is_ended(hung_up[1]));
	ck_assert(is_ended(talks[0])); /* and nothing is left to be read as an answer */
	ck_assert(!is_ended(quiet[1]) && !is_ended(removed[1]));
	ck_assert_int_eq(write(quiet[1], "x", 1), 1);
	idle_check(&idle);
	ck_assert_uint_eq(idle.count, 0);
	idle_check(&idle);
	idle_release(&idle);
	ck_assert_uint_eq(idle.count, 0);
	for (int i = 0; i < 2; i++) {
		close(quiet[i]);
		close(talks[i]);
		close(hung_up[i]);
		close(removed[i]);
	}
}
END_TEST

START_TEST(many)
{
	struct idle idle = {0};
	int pairs[100][2];

	for (int i = 0; i < 100; i++) {
		pair(pairs[i]);
		idle_add(&idle, pairs[i][0]);
	}
	for (int i = 0; i < 100; i += 2)
		ck_assert_int_eq(write(pairs[i][1], "x", 1), 1);
	idle_check(&idle);
	ck_assert_uint_eq(idle.count, 50);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(is_ended(pairs[i][1]), i % 2 == 0);
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	idle_release(&idle);
}
END_TEST

UNIT_MAIN("idle", ends_those_on_which_something_came, many)
