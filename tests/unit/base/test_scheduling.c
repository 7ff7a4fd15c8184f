#include "base/scheduling.h"

#include "../unit.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

static void *be_interactive(void *arg)
{
	int *policies = arg;

	policies[0] = sched_getscheduler(0);
	scheduling_interactive();
	policies[1] = sched_getscheduler(0);
	return NULL;
}

static void policies_of_a_thread(int policies[2])
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, be_interactive, policies), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* What the test itself was begun with would be taken for an administrator's choice. */
static void begin_with_the_usual(void)
{
	const struct sched_param none = {0};

	ck_assert_int_eq(sched_setscheduler(0, SCHED_OTHER, &none), 0);
}

START_TEST(only_who_answers_takes_the_core)
{
	int policies[2], status;
	pid_t child;

	begin_with_the_usual();
	scheduling_background();
	policies_of_a_thread(policies);
	ck_assert_int_eq(policies[0], SCHED_BATCH);
	ck_assert_int_eq(policies[1], SCHED_OTHER);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_BATCH);
	child = unit_fork();
	if (child == 0)
		_exit(sched_getscheduler(0));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == SCHED_BATCH);
}
END_TEST

/* CPUSchedulingPolicy= of a unit, chrt(1). */
START_TEST(an_administrators_choice_stays)
{
	const struct sched_param none = {0};
	int policies[2];

	ck_assert_int_eq(sched_setscheduler(0, SCHED_BATCH, &none), 0);
	scheduling_background();
	policies_of_a_thread(policies);
	ck_assert_int_eq(policies[0], SCHED_BATCH);
	ck_assert_int_eq(policies[1], SCHED_BATCH);
}
END_TEST

START_TEST(nothing_changes_unasked)
{
	int policies[2];

	policies_of_a_thread(policies);
	ck_assert_int_eq(policies[0], policies[1]);
}
END_TEST

UNIT_MAIN("base/scheduling", only_who_answers_takes_the_core, an_administrators_choice_stays, nothing_changes_unasked)
