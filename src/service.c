#include "service.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 5000
/* Of the watchdog's time: so many beats may be late or lost. */
#define BEATS 4

int service_init(struct service *s, struct fail *fail)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names), r = 0;
	uint64_t watchdog_us = 0;

	*s = (struct service){.tick_ms = TICK_MS};
	if (count < 0)
		r = fail_set(fail, count, "LISTEN_FDS: %s", strerror(-count));
	else if (count > GIVEN_MAX)
		r = fail_set(
		        fail, -E2BIG, "the service manager gives %d sockets; at most %d can be used", count, GIVEN_MAX);
	for (int i = 0; i < count && r == 0; i++) {
		struct given_socket *given = &s->given.items[s->given.count++];

		given->fd = SD_LISTEN_FDS_START + i;
		snprintf(given->name, sizeof(given->name), "%s", names[i]);
	}
	for (int i = 0; i < count && names; i++)
		free(names[i]);
	free(names);
	s->watched = sd_watchdog_enabled(1, &watchdog_us) > 0;
	if (s->watched && (int64_t)(watchdog_us / 1000 / BEATS) < s->tick_ms)
		s->tick_ms = (int64_t)(watchdog_us / 1000 / BEATS);
	if (s->tick_ms < 1)
		s->tick_ms = 1;
	return r;
}

void service_release(struct service *s)
{
	for (size_t i = 0; i < s->given.count; i++)
		close(s->given.items[i].fd);
	s->given.count = 0;
}

/* How Redmine is, from what it answered last. */
static void print_upstream(struct flow *flow, char *text, size_t size)
{
	time_t since = atomic_load(&flow->asked.since_ms) / 1000;
	struct tm when;

	if (since == 0)
		snprintf(text, size, "Redmine was not asked yet");
	else if (!atomic_load(&flow->asked.down))
		snprintf(text, size, "Redmine answers");
	else if (!localtime_r(&since, &when) || strftime(text, size, "Redmine does not answer since %F %T", &when) == 0)
		snprintf(text, size, "Redmine does not answer");
}

/* One line for `systemctl status`. */
static void print_status(struct front *front, struct flow *flow, char *text, size_t size)
{
	char upstream[64];
	struct front_figures figures;
	unsigned long long hits, asked;

	print_upstream(flow, upstream, sizeof(upstream));
	front_get_figures(front, &figures);
	hits = atomic_load(&flow->figures.hits) + figures.prepared;
	asked = hits + atomic_load(&flow->figures.misses);
	if (asked == 0)
		snprintf(text, size, "%s; nothing was read yet", upstream);
	else
		snprintf(text, size, "%s; %.1f%% of %llu reads were hits, %llu errors", upstream,
		        100.0 * (double)hits / (double)asked, asked,
		        (unsigned long long)atomic_load(&flow->figures.errors));
}

static void tell_status(struct service *s, struct front *front, struct flow *flow)
{
	char text[sizeof(s->status)];

	print_status(front, flow, text, sizeof(text));
	if (strcmp(text, s->status) == 0)
		return;
	memcpy(s->status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

void service_ready(struct service *s, struct front *front, struct flow *flow)
{
	sd_notify(0, "READY=1");
	tell_status(s, front, flow);
	front_beat(front);
}

void service_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_us());
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Finishing the answers under way");
}

void service_tick(struct service *s, struct front *front, struct flow *flow)
{
	if (front_beat(front) && s->watched)
		sd_notify(0, "WATCHDOG=1");
	tell_status(s, front, flow);
}
