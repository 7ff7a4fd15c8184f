/* Large bodies pass in constant memory, with back-pressure to the slow side. */
#include "conformance.h"

#include <string.h>

#define LARGE      (48 * 1024 * 1024)
#define STEP       (512 * 1024)
#define MAY_GROW   (4 * 1024 * 1024)  /* bytes of memory, far below LARGE */
#define IN_SOCKETS (24 * 1024 * 1024) /* more than the kernel holds of a connection on loopback */

struct flood {
	_Atomic uint64_t passed; /* bytes that the origin sent or read */
	struct gate go;
};

static void act_send_large(struct http_visit *v)
{
	static const char block[65536];
	struct flood *flood = v->arg;

	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
	for (size_t i = 0; i < LARGE / sizeof(block) && http_send(v, block, sizeof(block)); i++)
		atomic_fetch_add(&flood->passed, sizeof(block));
}

static void act_send_chunks(struct http_visit *v)
{
	static const char block[65536];
	struct flood *flood = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < LARGE / sizeof(block); i++) {
		http_send_text(v, "10000\r\n");
		if (!http_send(v, block, sizeof(block)) || !http_send_text(v, "\r\n"))
			return;
		atomic_fetch_add(&flood->passed, sizeof(block));
	}
	http_send_text(v, "0\r\n\r\n");
}

/* Reads nothing until it may. */
static void act_take_large(struct http_visit *v)
{
	static _Thread_local char block[65536];
	struct flood *flood = v->arg;
	ssize_t n;

	gate_wait(&flood->go);
	while ((n = http_read_some(v, block, sizeof(block))) > 0)
		atomic_fetch_add(&flood->passed, (uint64_t)n);
	if (n == 0)
		http_answer(v, "201 Created", "taken");
}

static const struct http_route routes[] = {
        {"GET", "/length", act_send_large},
        {"GET", "/chunks", act_send_chunks},
        {"POST", NULL, act_take_large},
};

static void make(struct bed *bed, int index, struct flood *flood)
{
	bed_make(bed, index, routes, ARRAY_SIZE(routes), flood, NULL);
}

static void downloads_slowly(struct bed *bed, struct flood *flood, const char *path)
{
	struct ask a;
	size_t before, most = 0;
	uint64_t ahead = 0;

	atomic_store(&flood->passed, 0);
	ask_init(&a, "GET", path);
	a.discards = true;
	a.body_credit_step = STEP;
	before = usage_memory();
	engine_submit(bed->engine, &a.job);
	while (atomic_load(&a.taken) < LARGE) {
		size_t now;

		UNTIL(atomic_load(&a.body_held) || atomic_load(&a.dones) > 0);
		now = usage_memory();
		most = now > most ? now : most;
		if (atomic_load(&flood->passed) > atomic_load(&a.taken) + ahead)
			ahead = atomic_load(&flood->passed) - atomic_load(&a.taken);
		ask_go_on_body(&a);
	}
	ask_assert_done(&a, 200, "");
	ck_assert_uint_eq(a.taken, LARGE);
	ck_assert_int_gt(atomic_load(&a.body_holds), LARGE / STEP / 2);
	ck_assert_msg(most < before + MAY_GROW, "%zu bytes more", most - before);
	ck_assert_msg(ahead < IN_SOCKETS, "%ju bytes ahead", (uintmax_t)ahead);
	ask_release(&a);
}

START_TEST(slow_reader_holds_redmine_back)
{
	struct flood flood = {.go = GATE_INIT};
	struct bed bed;

	make(&bed, _i, &flood);
	downloads_slowly(&bed, &flood, "/length");
	downloads_slowly(&bed, &flood, "/chunks");
	bed_clear(&bed);
}
END_TEST

/* Looks until the number has not moved for a while. */
static uint64_t settled(_Atomic uint64_t *number)
{
	uint64_t last = atomic_load(number);

	for (int same = 0; same < 100; same++) {
		int64_t start = 0;

		wait_look_again(&start);
		if (atomic_load(number) != last) {
			last = atomic_load(number);
			same = 0;
		}
	}
	return last;
}

static void uploads_to_a_slow_one(struct bed *bed, struct flood *flood, bool chunked)
{
	struct ask a;
	size_t before;

	atomic_store(&flood->passed, 0);
	gate_shut(&flood->go);
	ask_init(&a, "POST", "/upload");
	ask_set_body(&a, NULL, 0, chunked);
	a.upload_zeros = LARGE;
	if (!chunked)
		a.job.body_size = LARGE;
	before = usage_memory();
	engine_submit(bed->engine, &a.job);
	UNTIL(atomic_load(&a.given) > 0);
	ck_assert_uint_lt(settled(&a.given), IN_SOCKETS);
	ck_assert_uint_lt(usage_memory(), before + MAY_GROW);
	gate_open(&flood->go);
	ask_assert_done(&a, 201, "taken");
	ck_assert_uint_eq(flood->passed, LARGE);
	ask_release(&a);
}

START_TEST(slow_redmine_holds_the_client_back)
{
	struct flood flood = {.go = GATE_INIT};
	struct bed bed;

	make(&bed, _i, &flood);
	uploads_to_a_slow_one(&bed, &flood, false);
	uploads_to_a_slow_one(&bed, &flood, true);
	bed_clear(&bed);
}
END_TEST

START_TEST(slow_client_sends_what_it_has)
{
	struct flood flood = {.go = GATE_INIT};
	struct bed bed;
	struct ask a;

	make(&bed, _i, &flood);
	gate_open(&flood.go);
	ask_init(&a, "POST", "/upload");
	ask_set_body(&a, NULL, 0, true);
	a.upload_zeros = 16 * STEP;
	a.upload_credit_step = STEP;
	engine_submit(bed.engine, &a.job);
	for (uint64_t step = 1; step <= 16; step++) {
		UNTIL(atomic_load(&a.upload_held));
		ask_go_on_upload(&a);
		UNTIL(atomic_load(&flood.passed) >= step * STEP); /* nothing of it waits here */
	}
	ask_assert_done(&a, 201, "taken");
	ck_assert_int_ge(atomic_load(&a.upload_holds), 16);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

/* Woken without need all the time: nothing is lost, nothing comes twice. */
static void *wake_again_and_again(void *arg)
{
	struct ask *a = arg;

	while (atomic_load(&a->dones) == 0) {
		if (atomic_load(&a->body_held))
			ask_go_on_body(a);
		else
			job_wake(&a->job);
	}
	return NULL;
}

START_TEST(wakes_without_need)
{
	struct flood flood = {.go = GATE_INIT};
	struct bed bed;
	struct ask a;
	pthread_t threads[2];

	make(&bed, _i, &flood);
	ask_init(&a, "GET", "/chunks");
	a.discards = true;
	a.body_credit_step = STEP;
	engine_submit(bed.engine, &a.job);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, wake_again_and_again, &a), 0);
	ask_assert_done(&a, 200, "");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(a.taken, LARGE);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

void add_streams(add_test *add)
{
	add(slow_reader_holds_redmine_back);
	add(slow_redmine_holds_the_client_back);
	add(slow_client_sends_what_it_has);
	add(wakes_without_need);
}
