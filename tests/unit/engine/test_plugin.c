/* Engines as shared objects: which can be used, and what one that keeps no promise can do. */
#include "base/clock.h"
#include "engine/base.h"

#include "../unit.h"

#include "bed.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROGUE PLUGINS "/rogue.so"

struct kind engine_kinds[] = {
        {.name = "rogue", .workers = 2, .path = ROGUE, .options = "one=1"},
        {.name = "alone", .workers = 1, .path = ROGUE},
};

static void act_hello(struct http_visit *v)
{
	http_answer(v, "200 OK", "from Redmine");
}

static const struct http_route routes[] = {{NULL, NULL, act_hello}};

static void make(struct bed *bed)
{
	bed_make(bed, 0, routes, ARRAY_SIZE(routes), NULL, NULL);
}

static struct engine_figures figures_of(struct bed *bed)
{
	struct engine_figures figures;

	engine_get_figures(bed->engine, &figures);
	return figures;
}

/* The file cannot be used; text: what is said, with "%" for the path. */
static void assert_refused(const char *path, const char *options, bool began, const char *text)
{
	CLEANUP(buf_release) struct buf expected = BUF_INIT(4096);
	struct fail fail = {0};
	bool has_begun = !began;

	for (; *text; text++)
		ck_assert_int_eq(*text == '%' ? buf_add_text(&expected, path) : buf_add_char(&expected, *text), 0);
	ck_assert_int_lt(engine_check_plugin("mine", path, options, "http://x", &has_begun, &fail), 0);
	ck_assert_str_eq(fail.text, buf_text(&expected));
	ck_assert_int_eq(has_begun, began);
}

START_TEST(what_can_be_used)
{
	struct fail fail = {0};
	bool began = false;

	ck_assert_msg(engine_check_plugin("mine", ROGUE, NULL, "http://x", &began, &fail) == 0, "%s", fail.text);
	ck_assert(began);
	ck_assert_msg(engine_check_plugin("mine", ROGUE, " one=1  two=x=y ", "http://x", &began, &fail) == 0, "%s",
	        fail.text);
}
END_TEST

START_TEST(what_cannot_be_used)
{
	assert_refused("/nonexistent/mine.so", NULL, false, "%: No such file or directory");
	assert_refused("/", NULL, false, "%: Is a directory");
	assert_refused("/dev/null", NULL, false, "%: not a shared object (no ELF file)");
	assert_refused(PLUGINS "/broken1.so", NULL, false,
	        "%: built for version 2 of the engine interface, this daemon has 1");
	assert_refused(PLUGINS "/broken2.so", NULL, false, "%: create_session is missing; an engine must have it");
	assert_refused(
	        PLUGINS "/broken3.so", NULL, false, "%: process_bulk_request is missing; an engine must have it");
	assert_refused(PLUGINS "/broken4.so", NULL, true, "engine \"mine\" does not begin: not today");
	assert_refused(PLUGINS "/broken5.so", NULL, false, "%: no engine for this daemon: it has no symbol rc_plugin");
}
END_TEST

/* Files that begin as an object does, or nearly so. */
START_TEST(what_is_no_object)
{
	char path[] = "/tmp/test_plugin.XXXXXX", expected[256];
	int fd = mkstemp(path);
	Elf64_Ehdr own;
	FILE *self = fopen("/proc/self/exe", "r");

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(fread(&own, sizeof(own), 1, self), 1);
	fclose(self);
	assert_refused(path, NULL, false, "%: not a shared object (no ELF file)");
	own.e_type = ET_EXEC;
	ck_assert_int_eq(pwrite(fd, &own, sizeof(own), 0), sizeof(own));
	assert_refused(path, NULL, false, "%: not a shared object (link it with -shared)");
	own.e_machine++;
	ck_assert_int_eq(pwrite(fd, &own, sizeof(own), 0), sizeof(own));
	snprintf(expected, sizeof(expected),
	        "%%: for another kind of machine (ELF machine %d, 64 bits; this daemon: %d, 64 bits)", own.e_machine,
	        own.e_machine - 1);
	assert_refused(path, NULL, false, expected);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(a_name_without_a_folder)
{
	struct fail fail = {0};
	bool began;

	ck_assert_int_lt(engine_check_plugin("mine", "none.so", NULL, "", &began, &fail), 0);
	ck_assert_str_eq(fail.text, PLUGINDIR "/none.so: No such file or directory");
}
END_TEST

START_TEST(options)
{
	assert_refused(ROGUE, "three=3", true,
	        "engine \"mine\" does not begin: \"three=3\" is no option; allowed are, as NAME=VALUE: one two");
	assert_refused(ROGUE, "one=1 two", true,
	        "engine \"mine\" does not begin: \"two\" is not of the form NAME=VALUE; allowed are, as NAME=VALUE: one two");
	assert_refused(ROGUE, "one=1 two=2 one=2", true, "engine \"mine\" does not begin: \"one\" is given twice");
	assert_refused(ROGUE, "one=12345678", true, "engine \"mine\" does not begin: one is too long");
}
END_TEST

START_TEST(does_not_start)
{
	static const struct origin origin = {.url = (char *)"http://127.0.0.1:1", .base = (char *)"http://127.0.0.1:1"};
	struct engine_settings settings = {.session = {.origin = &origin, .connections = 1},
	        .workers = 9,
	        .queue = 1,
	        .path = PLUGINS "/broken6.so"};
	struct fail fail = {0};
	struct engine *engine = engine_new("mine", &settings, &fail);
	struct engine_figures figures;

	ck_assert_msg(engine != NULL, "%s", fail.text);
	ck_assert_str_eq(engine_name(engine), "mine");
	engine_get_figures(engine, &figures);
	ck_assert_int_eq(figures.workers, 2); /* it takes no more */
	ck_assert_int_lt(engine_start(engine, &fail), 0);
	ck_assert_str_eq(fail.text, "starting engine \"mine\": create_session: no session today");
	engine_free(engine);
}
END_TEST

static void ask_for(struct bed *bed, struct ask *a, const char *target)
{
	ask_init(a, "GET", target);
	bed_ask(bed, a);
}

START_TEST(an_end_told_twice)
{
	struct bed bed;
	struct ask a;

	make(&bed);
	ask_for(&bed, &a, "/twice");
	ask_assert_done(&a, 200, "hello");
	ck_assert_str_eq(a.reason, "Fine");
	ck_assert_uint_eq(fields_count(&a.fields, "X-Mine"), 2);
	ask_release(&a);
	UNTIL(figures_of(&bed).repeated == 1);
	ask_for(&bed, &a, "/performed");
	ask_assert_done(&a, 200, "from Redmine");
	ask_release(&a);
	UNTIL(figures_of(&bed).repeated == 2);
	ck_assert_uint_eq(figures_of(&bed).abandoned, 0);
	ck_assert_uint_eq(http_origin_request_count(bed.http), 1);
	bed_clear(&bed);
}
END_TEST

START_TEST(an_end_told_under_way)
{
	static const char *const targets[] = {"/end-head", "/end-body", "/end-end"};
	struct bed bed;

	make(&bed);
	for (size_t i = 0; i < 30; i++) {
		struct ask a;

		ask_for(&bed, &a, targets[i % 3]);
		ask_assert_outcome(&a, JOB_CUT);
		ck_assert_str_eq(a.result.text, "ended under way");
		ck_assert_int_eq(atomic_load(&a.heads), i % 3 > 0);
		ask_release(&a);
		ask_for(&bed, &a, "/performed");
		ask_assert_done(&a, 200, "from Redmine");
		ask_release(&a);
	}
	UNTIL(figures_of(&bed).done == 60);
	ck_assert_uint_eq(figures_of(&bed).abandoned, 0);
	bed_clear(&bed);
}
END_TEST

/* With a longer limit each time until its head comes first, if it has one: on a busy machine 100 ms may be over before. */
static void ends_untold(struct bed *bed, const char *target, int heads)
{
	int told = -1;

	for (int64_t limit_ms = 100; told < heads; limit_ms *= 2) {
		uint64_t before = figures_of(bed).abandoned;
		char text[100];
		struct ask a;

		ck_assert_int_lt(limit_ms, 20000);
		ask_init(&a, "GET", target);
		a.job.timeout_ms = limit_ms;
		bed_ask(bed, &a);
		told = atomic_load(&a.heads);
		ask_assert_outcome(&a, told ? JOB_CUT : JOB_TIMEOUT);
		snprintf(text, sizeof(text), "no progress of engine \"rogue\" within %lld ms", (long long)limit_ms);
		ck_assert_str_eq(a.result.text, text);
		ck_assert(a.result.maybe_sent);
		ask_release(&a);
		ck_assert_uint_eq(figures_of(bed).abandoned, before + 1);
	}
}

START_TEST(an_end_never_told)
{
	struct bed bed;

	make(&bed);
	ends_untold(&bed, "/never", 0);
	ends_untold(&bed, "/lost", 0);
	ends_untold(&bed, "/never-after-head", 1);
	bed_clear(&bed);
}
END_TEST

/* False: it was ended, be it that the machine was too busy for the limit while nothing was held. */
static bool holds_beyond(struct bed *bed, int64_t limit_ms)
{
	char expected[64];
	struct ask a;
	bool well;

	ask_init(&a, "POST", "/echo");
	ask_set_body(&a, "0123456789", 10, true);
	a.job.timeout_ms = limit_ms;
	a.upload_credit_step = 5;
	engine_submit(bed->engine, &a.job);
	for (int step = 0; step < 2; step++) {
		int64_t began_us;

		UNTIL(atomic_load(&a.upload_held) || atomic_load(&a.dones) > 0);
		began_us = clock_monotonic_us();
		UNTIL(clock_monotonic_us() - began_us > limit_ms * 1500);
		ask_go_on_upload(&a);
	}
	ask_wait(&a);
	well = a.result.outcome == JOB_DONE;
	snprintf(expected, sizeof(expected), "POST -1 0 %lld|0123456789", (long long)limit_ms);
	if (well)
		ask_assert_done(&a, 200, expected);
	ask_release(&a);
	return well;
}

/* A client that takes nothing has all the time that it wants; its engine does not wait for it in vain. */
START_TEST(what_is_held_is_not_abandoned)
{
	int64_t limit_ms = 100;
	struct bed bed;

	make(&bed);
	while (!holds_beyond(&bed, limit_ms)) {
		limit_ms *= 4;
		ck_assert_int_lt(limit_ms, 10000);
	}
	bed_clear(&bed);
}
END_TEST

START_TEST(answers_that_are_none)
{
	struct bed bed;
	struct ask a;

	make(&bed);
	ask_for(&bed, &a, "/headless");
	ask_assert_outcome(&a, JOB_NO_ANSWER);
	ck_assert_int_eq(atomic_load(&a.heads), 0);
	ck_assert_uint_eq(a.body.size, 0);
	ask_release(&a);
	ask_for(&bed, &a, "/two-heads");
	ask_assert_done(&a, 200, "hellohello");
	ask_release(&a);
	ask_for(&bed, &a, "/interim");
	ask_assert_done(&a, 200, "hello");
	ck_assert_str_eq(buf_text(&a.interims), "103 Early Hints\r\nLink: </a>\r\n");
	ask_release(&a);
	ask_for(&bed, &a, "/outcome");
	ask_assert_outcome(&a, JOB_NO_ANSWER);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(a_request_as_it_is_seen)
{
	struct bed bed;
	struct ask a;

	make(&bed);
	ask_init(&a, "GET", "/echo");
	ask_add_field(&a, "X-B", "2");
	ask_add_field(&a, "x-a", "");
	bed_ask(&bed, &a);
	ask_assert_done(&a, 200, "GET 0 1 60000|X-B: 2|x-a: |");
	ask_release(&a);
	ask_init(&a, "PUT", "/echo");
	ask_set_body(&a, "abc", 3, false);
	bed_ask(&bed, &a);
	ask_assert_done(&a, 200, "PUT 3 0 60000|abc");
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(a_cancel_wakes_who_waits)
{
	struct bed bed;
	struct ask a;

	make(&bed);
	ask_init(&a, "GET", "/wait");
	engine_submit(bed.engine, &a.job);
	UNTIL(figures_of(&bed).busy == 1);
	for (int i = 0; i < 10; i++)
		job_wake(&a.job);
	job_cancel(&a.job);
	ask_assert_outcome(&a, JOB_CANCELLED);
	ck_assert_str_eq(a.result.text, "woken");
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

START_TEST(a_job_pokes_its_engine)
{
	struct bed bed;
	struct ask a, pokes;

	make(&bed);
	ask_init(&a, "GET", "/lost");
	engine_submit(bed.engine, &a.job);
	for (int i = 0; i < 3; i++)
		job_wake(&a.job);
	job_cancel(&a.job);
	ask_for(&bed, &pokes, "/pokes");
	ask_assert_done(&pokes, 204, "");
	ask_release(&pokes);
	engine_stop(bed.engine, false);
	bed.stopped = true;
	ask_assert_outcome(&a, JOB_CANCELLED);
	ask_release(&a);
	bed_clear(&bed);
}
END_TEST

static void stops(bool drain)
{
	struct ask waiting, lost, queued;
	struct bed bed;

	bed_make(&bed, 1, routes, ARRAY_SIZE(routes), NULL, NULL);
	ask_init(&waiting, "GET", "/wait");
	engine_submit(bed.engine, &waiting.job);
	UNTIL(figures_of(&bed).busy == 1);
	ask_init(&queued, "GET", "/performed");
	engine_submit(bed.engine, &queued.job);
	ask_init(&lost, "GET", "/lost");
	engine_submit(bed.engine, &lost.job);
	if (drain)
		job_cancel(&waiting.job);
	engine_stop(bed.engine, drain);
	bed.stopped = true;
	ask_assert_outcome(&waiting, JOB_CANCELLED);
	ask_assert_outcome(&queued, drain ? JOB_DONE : JOB_REFUSED);
	ask_assert_outcome(&lost, JOB_CANCELLED);
	ck_assert_str_eq(lost.result.text, "engine \"alone\" stopped without ending it");
	ck_assert_uint_eq(figures_of(&bed).abandoned, 1);
	ask_release(&waiting);
	ask_release(&queued);
	ask_release(&lost);
	bed_clear(&bed);
}

START_TEST(a_stop_ends_what_was_left)
{
	stops(false);
	stops(true);
}
END_TEST

/* Many jobs that are never ended, then ordinary ones: numbers are not mixed up. */
START_TEST(many_that_are_never_ended)
{
	struct ask *asks = calloc(3000, sizeof(*asks));
	struct bed bed;
	struct ask a;

	make(&bed);
	for (size_t i = 0; i < 3000; i++) {
		ask_init(&asks[i], "GET", i % 2 ? "/lost" : "/twice");
		if (i % 2)
			asks[i].job.timeout_ms = 100;
		engine_submit(bed.engine, &asks[i].job);
	}
	for (size_t i = 0; i < 3000; i++) {
		ask_assert_outcome(&asks[i], i % 2 ? JOB_TIMEOUT : JOB_DONE);
		ask_release(&asks[i]);
	}
	ck_assert_uint_eq(figures_of(&bed).abandoned, 1500);
	UNTIL(figures_of(&bed).repeated == 1500);
	ask_for(&bed, &a, "/performed");
	ask_assert_done(&a, 200, "from Redmine");
	ask_release(&a);
	free(asks);
	bed_clear(&bed);
}
END_TEST

UNIT_MAIN("plugin", what_can_be_used, what_cannot_be_used, what_is_no_object, a_name_without_a_folder, options,
        does_not_start, an_end_told_twice, an_end_told_under_way, an_end_never_told, what_is_held_is_not_abandoned,
        answers_that_are_none, a_request_as_it_is_seen, a_cancel_wakes_who_waits, a_job_pokes_its_engine,
        a_stop_ends_what_was_left, many_that_are_never_ended)
