/* Workers that die: each costs at most its one job, is replaced, and none outlives the daemon. */
#include "base/clock.h"

#include "../unit.h"

#include "process_kit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void make(struct bed *bed, struct gates *gates, int workers)
{
	process_bed_make(bed, gates, &(struct bed_options){.workers = workers});
}

START_TEST(idle_worker_dies)
{
	struct bed bed;
	pid_t first;

	make(&bed, NULL, 1);
	works(&bed);
	first = worker_but(0);
	kill(first, SIGKILL);
	UNTIL(deaths(&bed) == 1);
	worker_but(first);
	works(&bed);
	works(&bed);
	ck_assert_uint_eq(deaths(&bed), 1);
	bed_clear(&bed);
}
END_TEST

START_TEST(read_is_run_once_more)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;

	make(&bed, &gates, 1);
	ask_init(&a, "GET", "/wait-once");
	engine_submit(bed.engine, &a.job);
	gate_wait(&gates.came);
	kill(worker_but(0), SIGKILL);
	ask_assert_done(&a, 200, "again");
	ck_assert_uint_eq(http_origin_count_of(bed.http, "GET", "/wait-once"), 2);
	ask_release(&a);
	gate_open(&gates.go);
	bed_clear(&bed);
}
END_TEST

START_TEST(read_is_not_run_a_third_time)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;
	pid_t first;

	make(&bed, &gates, 1);
	ask_init(&a, "GET", "/wait");
	engine_submit(bed.engine, &a.job);
	gate_wait(&gates.came);
	first = worker_but(0);
	kill(first, SIGKILL);
	gate_wait_times(&gates.came, 2);
	kill(worker_but(first), SIGKILL);
	ask_assert_outcome(&a, JOB_NO_ANSWER);
	ck_assert_str_eq(a.result.text, "the worker process ended");
	ck_assert_uint_eq(http_origin_count_of(bed.http, "GET", "/wait"), 2);
	ask_release(&a);
	works(&bed);
	ck_assert_uint_eq(deaths(&bed), 2);
	gate_open(&gates.go);
	bed_clear(&bed);
}
END_TEST

/* Whether Redmine has made the change nobody knows: it is reported, never sent again. */
START_TEST(write_is_reported)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;

	make(&bed, &gates, 1);
	ask_init(&a, "POST", "/wait");
	ask_set_body(&a, "body", 4, false);
	engine_submit(bed.engine, &a.job);
	gate_wait(&gates.came);
	kill(worker_but(0), SIGKILL);
	ask_assert_outcome(&a, JOB_NO_ANSWER);
	ck_assert(a.result.maybe_sent);
	ask_release(&a);
	gate_open(&gates.go);
	works(&bed);
	ck_assert_uint_eq(http_origin_count_of(bed.http, "POST", "/wait"), 1);
	bed_clear(&bed);
}
END_TEST

START_TEST(upload_breaks_off)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;

	make(&bed, &gates, 1);
	ask_init(&a, "POST", "/hello");
	ask_set_body(&a, NULL, 0, true);
	a.upload_zeros = 1 << 20;
	a.upload_credit_step = 1000;
	engine_submit(bed.engine, &a.job);
	UNTIL(http_origin_request_count(bed.http) == 1 && atomic_load(&a.upload_held));
	kill(worker_but(0), SIGKILL);
	ask_assert_outcome(&a, JOB_NO_ANSWER);
	ask_release(&a);
	works(&bed);
	bed_clear(&bed);
}
END_TEST

START_TEST(body_breaks_off)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;

	make(&bed, &gates, 1);
	ask_init(&a, "GET", "/half-body");
	engine_submit(bed.engine, &a.job);
	UNTIL(atomic_load(&a.taken) == 5);
	kill(worker_but(0), SIGKILL);
	ask_assert_outcome(&a, JOB_CUT);
	ck_assert_str_eq(buf_text(&a.body), "half ");
	ask_release(&a);
	gate_open(&gates.go);
	works(&bed);
	bed_clear(&bed);
}
END_TEST

static int64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* Its client takes nothing at the moment: the daemon must not turn in circles until it does. */
START_TEST(dies_while_its_client_holds)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask held, other;
	pid_t pids[WORKERS_MAX];
	int64_t before, began_us;

	make(&bed, &gates, 1);
	ask_init(&held, "GET", "/large");
	held.discards = true;
	held.body_credit_step = 1 << 20;
	engine_submit(bed.engine, &held.job);
	UNTIL(atomic_load(&held.body_held));
	kill(worker_but(0), SIGKILL);
	UNTIL(children_of(spawner(), pids, WORKERS_MAX) == 0);
	/* The job that waits behind it has to wait until the engine looks at the time; by then it would have burnt most of it. */
	before = cpu_us();
	began_us = clock_monotonic_us();
	for (int i = 0; i < 200; i++) {
		int64_t start = 0;

		wait_look_again(&start); /* half a millisecond each */
	}
	ck_assert_int_lt(cpu_us() - before, 60000 + (clock_monotonic_us() - began_us) / 4);
	ask_init(&other, "GET", "/hello");
	engine_submit(bed.engine, &other.job);
	UNTIL((ask_go_on_body(&held), atomic_load(&held.dones) > 0));
	ask_assert_outcome(&held, JOB_CUT);
	ask_assert_done(&other, 200, "hello");
	ask_release(&held);
	ask_release(&other);
	bed_clear(&bed);
}
END_TEST

START_TEST(cancelled_and_dead)
{
	struct gates gates = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	struct ask a;
	pid_t worker;

	make(&bed, &gates, 1);
	ask_init(&a, "GET", "/wait");
	engine_submit(bed.engine, &a.job);
	gate_wait(&gates.came);
	worker = worker_but(0);
	kill(worker, SIGSTOP); /* so that it cannot answer to the cancel */
	job_cancel(&a.job);
	kill(worker, SIGKILL);
	ask_assert_outcome(&a, JOB_CANCELLED);
	ck_assert_uint_eq(http_origin_count_of(bed.http, "GET", "/wait"), 1);
	ask_release(&a);
	gate_open(&gates.go);
	works(&bed);
	bed_clear(&bed);
}
END_TEST

/* Killed again and again under load: every job ends once, and most end well. */
START_TEST(killing_spree)
{
	struct bed bed;
	struct ask asks[100];
	unsigned well = 0;

	make(&bed, NULL, 4);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		ask_init(&asks[i], i % 4 == 3 ? "POST" : "GET", "/hello");
		engine_submit(bed.engine, &asks[i].job);
		if (i % 10 == 9) {
			pid_t pids[WORKERS_MAX];

			if (children_of(spawner(), pids, WORKERS_MAX) > 0)
				kill(pids[0], SIGKILL);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		ask_wait(&asks[i]);
		well += asks[i].result.outcome == JOB_DONE;
		if (strcmp(asks[i].job.method, "POST") == 0 && asks[i].result.outcome != JOB_DONE)
			ck_assert_int_eq(asks[i].result.outcome, JOB_NO_ANSWER);
		ask_release(&asks[i]);
	}
	ck_assert_uint_ge(well, 80);
	works(&bed);
	bed_clear(&bed);
}
END_TEST

/* This process adopts whose parent is gone: the spawner that stands by, and the workers of one that has died. */
static void adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static size_t children_alive(pid_t *ret, size_t room)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return children_of(getpid(), ret, room);
}

/* No worker whose spawner has died, and which is about to follow it. */
static bool is_spawner(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strcmp(name, "rc-spawner\n") == 0;
}

/* Both, the one that has the workers first. */
static void spawners(pid_t ret[3])
{
	pid_t workers[3];

	UNTIL(children_alive(ret, 3) == 2 && is_spawner(ret[0]) && is_spawner(ret[1]) &&
	        children_of(ret[0], workers, 3) + children_of(ret[1], workers, 3) == 2);
	if (children_of(ret[0], workers, 3) == 0) {
		pid_t idle = ret[0];

		ret[0] = ret[1];
		ret[1] = idle;
	}
}

/* The one that stands by takes its place, and has another that stands by: again and again. */
START_TEST(spawner_dies)
{
	struct bed bed;

	adopt();
	make(&bed, NULL, 2);
	works(&bed);
	for (unsigned times = 1; times <= 3; times++) {
		pid_t pids[3];

		spawners(pids);
		kill(pids[0], SIGKILL);
		UNTIL(deaths(&bed) == 2 * times);
		works(&bed);
	}
	bed_clear(&bed);
}
END_TEST

/* Without any spawner there are no more workers: what is asked is refused, nothing waits for ever. */
START_TEST(both_spawners_die)
{
	struct bed bed;
	struct ask a;
	pid_t pids[3];

	adopt();
	make(&bed, NULL, 2);
	works(&bed);
	spawners(pids);
	kill(pids[1], SIGSTOP); /* it cannot have another one stand by when the first is gone */
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	UNTIL(deaths(&bed) == 2);
	ask_init(&a, "GET", "/hello");
	bed_ask(&bed, &a);
	ck_assert_int_ne(a.result.outcome, JOB_DONE);
	ck_assert(!a.result.maybe_sent || a.result.outcome == JOB_NO_ANSWER);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

/* It has the job and has not looked at it yet: a read is run once, by the next; a write is reported, and not sent. */
START_TEST(dies_before_it_sends)
{
	struct bed bed;
	struct ask read, write;
	pid_t first, second;

	make(&bed, NULL, 1);
	first = worker_but(0);
	kill(first, SIGSTOP);
	ask_init(&read, "GET", "/hello");
	engine_submit(bed.engine, &read.job);
	UNTIL(busy(&bed) == 1);
	kill(first, SIGKILL);
	ask_assert_done(&read, 200, "hello");
	ck_assert_uint_eq(http_origin_request_count(bed.http), 1);
	second = worker_but(first);
	kill(second, SIGSTOP);
	ask_init(&write, "POST", "/hello");
	ask_set_body(&write, "body", 4, false);
	engine_submit(bed.engine, &write.job);
	UNTIL(busy(&bed) == 1);
	kill(second, SIGKILL);
	ask_assert_outcome(&write, JOB_NO_ANSWER);
	ck_assert_uint_eq(http_origin_request_count(bed.http), 1);
	works(&bed);
	ck_assert_uint_eq(deaths(&bed), 2);
	ask_release(&read);
	ask_release(&write);
	bed_clear(&bed);
}
END_TEST

/* A worker whose client takes its time is not one that has lost its senses, however short the time limit for Redmine is. */
START_TEST(slow_client_costs_no_worker)
{
	struct bed bed;
	struct ask a;
	int64_t began_us;

	make(&bed, NULL, 1);
	ask_init(&a, "POST", "/hello");
	ask_set_body(&a, "0123456789", 10, false);
	a.job.timeout_ms = 1000; /* and five seconds more until a worker counts as lost */
	a.upload_credit_step = 5;
	engine_submit(bed.engine, &a.job);
	UNTIL(atomic_load(&a.upload_held));
	began_us = clock_monotonic_us();
	UNTIL(clock_monotonic_us() - began_us > 7300000);
	ck_assert_int_eq(atomic_load(&a.dones), 0);
	UNTIL((ask_go_on_upload(&a), atomic_load(&a.dones) > 0));
	ask_assert_done(&a, 200, "hello");
	ask_release(&a);
	ck_assert_uint_eq(deaths(&bed), 0);
	bed_clear(&bed);
}
END_TEST

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* The daemon gets SIGKILL: its workers end with it. */
START_TEST(none_survives)
{
	pid_t daemon, pids[WORKERS_MAX], of_spawner;
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	daemon = unit_fork();
	if (daemon == 0) {
		struct bed bed;

		make(&bed, NULL, 4);
		works(&bed);
		if (write(ends[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_uint_eq(children_of(daemon, &of_spawner, 1), 1);
	UNTIL(children_of(of_spawner, pids, WORKERS_MAX) ==
	        4); /* what forked the one that stands by may still be there */
	kill(daemon, SIGKILL);
	ck_assert_int_eq(waitpid(daemon, NULL, 0), daemon);
	UNTIL(is_gone(of_spawner));
	for (size_t i = 0; i < 4; i++)
		UNTIL(is_gone(pids[i]));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(stopping_takes_all_away)
{
	struct bed bed;
	pid_t pids[WORKERS_MAX], of_spawner;

	make(&bed, NULL, 4);
	works(&bed);
	of_spawner = spawner();
	UNTIL(children_of(of_spawner, pids, WORKERS_MAX) == 4);
	bed_clear(&bed);
	ck_assert(is_gone(of_spawner));
	for (size_t i = 0; i < 4; i++)
		UNTIL(is_gone(pids[i]));
}
END_TEST

UNIT_MAIN("process", idle_worker_dies, read_is_run_once_more, read_is_not_run_a_third_time, write_is_reported,
        upload_breaks_off, body_breaks_off, dies_while_its_client_holds, cancelled_and_dead, killing_spree,
        spawner_dies, both_spawners_die, dies_before_it_sends, slow_client_costs_no_worker, none_survives,
        stopping_takes_all_away)
