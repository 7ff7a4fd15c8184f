/* Engines side by side: which serves whom. */
#include "engine/base.h"
#include "engine/engines.h"

#include "../unit.h"

#include "../support/ask.h"

/* Answers at once, on the caller's thread, with its own name. */
static void answer_with_name(struct engine *engine, struct job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
		struct job_head head = {.status = 200, .reason = "", .fields = &fields, .framed = true};
		struct job_result result = {.outcome = JOB_DONE};

		job_tell_head(jobs[i], &head);
		jobs[i]->client->body(jobs[i], engine->ops->name, strlen(engine->ops->name));
		job_tell_done(jobs[i], &result);
	}
}

static const struct engine_ops one = {
        .abi = ENGINE_ABI, .name = "one", .workers_max = 1, .process_bulk_request = answer_with_name};
static const struct engine_ops two = {
        .abi = ENGINE_ABI, .name = "two", .workers_max = 1, .process_bulk_request = answer_with_name};

static struct engine *make(const struct engine_ops *ops)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	ck_assert_ptr_nonnull(engine);
	*engine = (struct engine){
	        .name = strdup(ops->name), .magic = ENGINE_MAGIC, .ops = ops, .settings = {.workers = 1}, .allowed = 1};
	job_queue_init(&engine->queue, 1);
	return engine;
}

static void assert_served_by(struct engines *engines, struct engine *engine, const char *name)
{
	struct ask a;

	ask_init(&a, "GET", "/");
	engines_submit(engines, engine, &a.job);
	ask_assert_done(&a, 200, name);
	ask_release(&a);
}

START_TEST(who_serves_whom)
{
	struct engines *engines = engines_new(0);
	struct fail fail = {0};
	char names[64];

	ck_assert_int_eq(engines_add(engines, make(&one), false), 0);
	ck_assert_str_eq(engine_name(engines_default(engines)), "one"); /* until another is said to be */
	ck_assert_int_eq(engines_add(engines, make(&two), true), 0);
	ck_assert_int_eq(engines_start(engines, &fail), 0);
	ck_assert_str_eq(engine_name(engines_default(engines)), "two");
	assert_served_by(engines, NULL, "two");
	assert_served_by(engines, engines_find(engines, "one"), "one");
	assert_served_by(engines, engines_find(engines, "two"), "two");
	ck_assert_ptr_null(engines_find(engines, "On"));
	ck_assert_ptr_null(engines_find(engines, "three"));
	ck_assert_ptr_eq(engines_at(engines, 0), engines_find(engines, "one"));
	ck_assert_ptr_eq(engines_at(engines, 1), engines_find(engines, "two"));
	ck_assert_ptr_null(engines_at(engines, 2));
	engines_list(engines, names, sizeof(names));
	ck_assert_str_eq(names, "one, two");
	engines_list(engines, names, 6);
	ck_assert_str_eq(names, "one, ");
	engines_stop(engines, true);
	engines_free(engines);
	engines_free(NULL);
}
END_TEST

UNIT_MAIN("engines", who_serves_whom)
