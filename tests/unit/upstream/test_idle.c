#include "upstream/idle.h"

#include "../unit.h"

#include <sys/epoll.h>
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

/* Whether the epoll set tells of the descriptor, of nothing else, now. */
static bool is_told(int epoll, int fd)
{
	struct epoll_event event;
	int ready = epoll_wait(epoll, &event, 1, 0);

	ck_assert_int_ge(ready, 0);
	ck_assert(ready == 0 || event.data.fd == fd);
	return ready == 1;
}

static void join(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

START_TEST(parked_ones_stay_in_the_set)
{
	struct idle idle = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
	int fds[2], other[2];

	pair(fds);
	pair(other);
	ck_assert(!idle_park(&idle, fds[0], EPOLLIN)); /* not known */
	ck_assert(!idle_unpark(&idle, fds[0], EPOLLIN));
	idle_add(&idle, other[0]);
	idle_add(&idle, fds[0]);
	ck_assert(!idle_unpark(&idle, fds[0], EPOLLIN)); /* known, not parked */
	ck_assert(!idle_park(&idle, fds[0], 0));         /* not in the set */
	join(idle.epoll, fds[0], EPOLLIN);
	ck_assert(idle_park(&idle, fds[0], EPOLLIN));
	ck_assert(idle_unpark(&idle, fds[0], EPOLLIN));
	ck_assert(!idle_unpark(&idle, fds[0], EPOLLIN));
	ck_assert(!idle_stirred(&idle, fds[0])); /* in use: it is libcurl's to know */
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert(is_told(idle.epoll, fds[0]));
	ck_assert(idle_park(&idle, fds[0], EPOLLIN)); /* and used again for other events */
	ck_assert_int_eq(read(fds[0], &(char){0}, 1), 1);
	ck_assert(idle_unpark(&idle, fds[0], EPOLLOUT));
	ck_assert(is_told(idle.epoll, fds[0]));
	/* what comes on a parked one is told once */
	ck_assert(idle_park(&idle, fds[0], EPOLLOUT));
	ck_assert(idle_stirred(&idle, fds[0]));
	ck_assert(!idle_stirred(&idle, fds[0]));
	ck_assert(!is_told(idle.epoll, fds[0]));
	ck_assert(!idle_unpark(&idle, fds[0], EPOLLIN));
	/* nor is one told of that is looked after no more, while another stays */
	join(idle.epoll, fds[0], EPOLLIN);
	ck_assert(idle_park(&idle, fds[0], EPOLLIN));
	idle_remove(&idle, fds[0]);
	ck_assert(!is_told(idle.epoll, fds[0]));
	ck_assert_uint_eq(idle.count, 1);
	close(idle.epoll);
	idle_release(&idle);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(other[i]);
	}
}
END_TEST

UNIT_MAIN("idle", ends_those_on_which_something_came, many, parked_ones_stay_in_the_set)
