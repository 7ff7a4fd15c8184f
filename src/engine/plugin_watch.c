/*
 * The time limit of a plug-in's jobs: a thread that ends those of which nothing
 * is heard for too long. It sleeps while there are none.
 */
#include "engine/plugin.h"

#include <errno.h>
#include <time.h>

#define LOOK_EVERY_MS 250

/* Under the lock; released meanwhile. */
static void pause_a_moment(struct plugin *plugin)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_EVERY_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&plugin->watch, &plugin->lock, &until);
}

static void *watch(void *arg)
{
	struct plugin *plugin = arg;

	pthread_mutex_lock(&plugin->lock);
	while (!plugin->watched_enough) {
		if (plugin->open == 0) {
			pthread_cond_wait(&plugin->watch, &plugin->lock);
			continue;
		}
		pause_a_moment(plugin);
		pthread_mutex_unlock(&plugin->lock);
		slots_visit(plugin, slot_end_overdue);
		pthread_mutex_lock(&plugin->lock);
	}
	pthread_mutex_unlock(&plugin->lock);
	return NULL;
}

int watch_start(struct plugin *plugin, struct fail *fail)
{
	int r = -pthread_create(&plugin->watcher, NULL, watch, plugin);

	if (r < 0)
		return fail_set(fail, r, "starting a thread: %s", strerror(-r));
	plugin->watching = true;
	return 0;
}

void watch_stop(struct plugin *plugin)
{
	if (!plugin->watching)
		return;
	pthread_mutex_lock(&plugin->lock);
	plugin->watched_enough = true;
	pthread_cond_signal(&plugin->watch);
	pthread_mutex_unlock(&plugin->lock);
	pthread_join(plugin->watcher, NULL);
	plugin->watching = false;
}
