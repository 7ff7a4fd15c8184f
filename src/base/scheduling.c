#include "base/scheduling.h"

#include <sched.h>
#include <stdbool.h>

static bool changed;

static bool use(int policy)
{
	const struct sched_param none = {0};

	return sched_setscheduler(0, policy, &none) == 0;
}

void scheduling_background(void)
{
	if (sched_getscheduler(0) == SCHED_OTHER)
		changed = use(SCHED_BATCH);
}

void scheduling_interactive(void)
{
	if (changed)
		use(SCHED_OTHER);
}
