#include "conformance.h"

#include "../unit.h"

#include <curl/curl.h>
#include <stdlib.h>

/* A new engine is a row. The last one is an engine of somebody else's, which the environment names; then it runs alone. */
struct kind engine_kinds[] = {
        {.name = "sync", .workers = 1, .single = true},
        {.name = "thread", .workers = 4, .crowd = 64},
        {.name = "process", .workers = 4, .crowd = 16},
        {.name = "async", .workers = 16, .crowd = 1000},
        {.name = "loop", .workers = 16, .path = PLUGINS "/loop.so"},
        {.name = "minimal", .workers = 4, .path = EXAMPLES "/minimal/minimal.so"},
        {.name = "record-replay",
                .workers = 4,
                .path = EXAMPLES "/record-replay/record-replay.so",
                .options = "mode=record folder=FOLDER"},
        {.name = "own", .workers = 4},
};

#define OWN ((int)ARRAY_SIZE(engine_kinds) - 1)

static TCase *group_case;

static void add(const TTest *test)
{
	if (engine_kinds[OWN].path)
		tcase_add_loop_test(group_case, test, OWN, OWN + 1);
	else
		tcase_add_loop_test(group_case, test, 0, OWN);
}

/* One group alone: CK_RUN_CASE=streams. */
static const struct {
	const char *name;
	void (*add)(add_test *add);
} groups[] = {
        {"ends", add_ends},
        {"cancels", add_cancels},
        {"bytes", add_bytes},
        {"streams", add_streams},
        {"connections", add_connections},
};

int main(void)
{
	Suite *suite = suite_create("conformance");
	SRunner *runner = srunner_create(suite);
	int failed;

	engine_kinds[OWN].path = getenv("CONFORMANCE_ENGINE");
	engine_kinds[OWN].options = getenv("CONFORMANCE_OPTIONS");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		group_case = tcase_create(groups[i].name);
		tcase_set_timeout(group_case, UNIT_LIMIT_S);
		groups[i].add(add);
		suite_add_tcase(suite, group_case);
	}
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	curl_global_cleanup();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
