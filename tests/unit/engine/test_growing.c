/* "workers = auto": an engine begins with few, and has more when they are needed and allowed, not before. */
#include "engine/base.h"

#include "../unit.h"

#include "bed.h"

#include <string.h>

#define ROOM 64

struct kind engine_kinds[] = {
        {.name = "thread"},
        {.name = "process"},
        {.name = "recorder",
                .path = EXAMPLES "/record-replay/record-replay.so",
                .options = "mode=record folder=FOLDER"},
        {.name = "slow", .path = PLUGINS "/slow.so", .options = "gate=200"},
};

/* The kinds of engine that the tests of all go over; the last is a test's own. */
#define COMMON ((int)ARRAY_SIZE(engine_kinds) - 1)
#define GATE   200

struct hall {
	struct gate came, go;
};

static void act_wait(struct http_visit *v)
{
	struct hall *hall = v->arg;

	gate_open(&hall->came);
	gate_wait(&hall->go);
	http_answer(v, "200 OK", "at last");
}

static const struct http_route routes[] = {{NULL, NULL, act_wait}};

static struct engine_figures figures_of(struct bed *bed)
{
	struct engine_figures figures;

	engine_get_figures(bed->engine, &figures);
	return figures;
}

static void submit(struct bed *bed, struct ask *asks, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		ask_init(&asks[i], "GET", "/");
		engine_submit(bed->engine, &asks[i].job);
	}
}

START_TEST(begins_with_few_and_grows)
{
	struct hall hall = {.came = GATE_INIT, .go = GATE_INIT};
	struct ask asks[ROOM];
	struct bed bed;
	int first;

	bed_make(&bed, _i, routes, ARRAY_SIZE(routes), &hall, NULL);
	first = figures_of(&bed).workers;
	ck_assert_int_ge(first, 8);
	ck_assert_int_lt(first + 6, ROOM);
	ck_assert_int_lt(first, bed.engine->settings.workers);
	UNTIL(figures_of(&bed).hands == first);

	submit(&bed, asks, 0, (size_t)first + 2); /* two wait: no more are allowed */
	gate_wait_times(&hall.came, (unsigned)first);
	UNTIL(figures_of(&bed).queued == 2);
	ck_assert_int_eq(figures_of(&bed).hands, first);

	atomic_store(&bed.engine->allowed, first + 1); /* as the limiter does it */
	submit(&bed, asks, (size_t)first + 2, (size_t)first + 3);
	gate_wait_times(&hall.came, (unsigned)first + 1);
	ck_assert_int_eq(figures_of(&bed).hands, first + 1);
	ck_assert_int_eq(figures_of(&bed).queued, 2);

	atomic_store(&bed.engine->allowed, bed.engine->settings.workers);
	submit(&bed, asks, (size_t)first + 3, (size_t)first + 6);
	gate_wait_times(&hall.came, (unsigned)first + 4);
	ck_assert_int_le(figures_of(&bed).hands, first + 6); /* one for each that waits at most */
	gate_open(&hall.go);
	for (int i = 0; i < first + 6; i++) {
		ask_assert_done(&asks[i], 200, "at last");
		ask_release(&asks[i]);
	}
	bed_clear(&bed);
}
END_TEST

/* With somebody free nobody is added. Who has just ended a job may not stand by yet when the next one comes, on a busy machine
 * a few times; adding one for each job would come to the most there may be. */
START_TEST(stays_small_without_need)
{
	struct hall hall = {.came = GATE_INIT, .go = GATE_INIT};
	struct bed bed;
	int first;

	gate_open(&hall.go);
	bed_make(&bed, _i, routes, ARRAY_SIZE(routes), &hall, NULL);
	first = figures_of(&bed).workers;
	atomic_store(&bed.engine->allowed, bed.engine->settings.workers);
	for (int i = 0; i < 50; i++) {
		struct ask a;

		UNTIL(figures_of(&bed).busy == 0);
		submit(&bed, &a, 0, 1);
		ask_assert_done(&a, 200, "at last");
		ask_release(&a);
	}
	ck_assert_int_le(figures_of(&bed).hands, (first + bed.engine->settings.workers) / 2);
	bed_clear(&bed);
}
END_TEST

/* A byte for each session that may be made, 'y', or may not, 'n'. */
static void let(int gate, const char *bytes)
{
	ck_assert_int_eq(write(gate, bytes, strlen(bytes)), (int)strlen(bytes));
}

/* A further worker of a plug-in makes its session itself: whoever submits waits for none, and one that fails is made up for. */
START_TEST(further_sessions_keep_nobody_waiting)
{
	struct hall hall = {.came = GATE_INIT, .go = GATE_INIT};
	struct ask asks[ROOM];
	struct bed bed;
	char rest[ROOM + 1] = "";
	int first, ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[0], GATE), GATE);
	memset(rest, 'y', ROOM);
	let(ends[1], rest);
	bed_make(&bed, COMMON, routes, ARRAY_SIZE(routes), &hall, NULL);
	first = figures_of(&bed).workers;
	ck_assert_int_lt(first + 3, ROOM);
	ck_assert_int_eq(read(GATE, rest, ROOM), ROOM - first);
	submit(&bed, asks, 0, (size_t)first);
	gate_wait_times(&hall.came, (unsigned)first);

	atomic_store(&bed.engine->allowed, bed.engine->settings.workers);
	submit(&bed, asks, (size_t)first, (size_t)first + 2);
	ck_assert_int_eq(figures_of(&bed).queued, 2);
	let(ends[1], "ny");
	gate_wait_times(&hall.came, (unsigned)first + 1);
	UNTIL(figures_of(&bed).hands == first + 1);

	submit(&bed, asks, (size_t)first + 2, (size_t)first + 3);
	let(ends[1], "y");
	gate_wait_times(&hall.came, (unsigned)first + 2);
	ck_assert_int_eq(figures_of(&bed).hands, first + 2);
	gate_open(&hall.go);
	for (int i = 0; i < first + 3; i++) {
		ask_assert_done(&asks[i], 200, "at last");
		ask_release(&asks[i]);
	}
	bed_clear(&bed);
	close(ends[0]);
	close(ends[1]);
	close(GATE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("growing");
	TCase *group = tcase_create("growing");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(group, UNIT_LIMIT_S);
	tcase_add_loop_test(group, begins_with_few_and_grows, 0, COMMON);
	tcase_add_loop_test(group, stays_small_without_need, 0, COMMON);
	tcase_add_test(group, further_sessions_keep_nobody_waiting);
	suite_add_tcase(suite, group);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
