#include "cachectl/show.h"

#include <string.h>

static void print_redmine(struct json_object *status)
{
	double now = show_number(status, "now_ms"), since = show_number(status, "redmine.since_ms");
	char span[32];

	printf("Redmine    %s: %s", show_text(status, "upstream"), show_text(status, "redmine.state"));
	if (since > 0)
		printf(" for %s", show_long_span(span, (now - since) / 1000));
	if (strcmp(show_text(status, "redmine.breaker"), "open") == 0)
		printf(", left alone for a while as it failed so often");
	printf("\n");
}

/* Quantiles since the start. */
static void print_latency(struct json_object *status, const char *label, const char *name)
{
	char path[64], median[32], most[32];
	double count;

	snprintf(path, sizeof(path), "latency.%s.count", name);
	count = show_number(status, path);
	if (count == 0)
		return;
	snprintf(path, sizeof(path), "latency.%s.median", name);
	show_span(median, show_number(status, path));
	snprintf(path, sizeof(path), "latency.%s.p99", name);
	printf("%-10s half of %.0f below %s, 99 %% below %s\n", label, count, median,
	        show_span(most, show_number(status, path)));
}

static void print_engine(struct json_object *engine)
{
	printf("Engine     %s: %.0f of %.0f workers at work, %.0f waiting, %.0f done, %.0f refused\n",
	        show_text(engine, "name"), show_number(engine, "busy"), show_number(engine, "workers"),
	        show_number(engine, "queued"), show_number(engine, "done"), show_number(engine, "refused"));
}

void show_engines(struct view *view, struct json_object *engines)
{
	struct json_object *array = show_at(engines, "engines");

	for (size_t i = 0; array && i < json_object_array_length(array); i++)
		print_engine(json_object_array_get_idx(array, i));
}

static void print_store(struct json_object *status)
{
	char one[32], other[32];

	printf("Memory     %.0f entries, %s of %s, %.0f pushed out\n", show_number(status, "cache.memory_entries"),
	        show_bytes(one, show_number(status, "cache.memory_bytes")),
	        show_bytes(other, show_number(status, "cache.memory_limit")),
	        show_number(status, "cache.memory_evicted"));
	printf("File       %s", show_text(status, "cache.store"));
	if (strcmp(show_text(status, "cache.store"), "off") != 0)
		printf(", %.0f entries, %s of %s", show_number(status, "cache.store_entries"),
		        show_bytes(one, show_number(status, "cache.store_bytes")),
		        show_bytes(other, show_number(status, "cache.store_limit")));
	if (show_text(status, "cache.store_why")[0])
		printf(": %s", show_text(status, "cache.store_why"));
	printf("\n");
}

void show_latencies(struct json_object *status)
{
	print_latency(status, "A hit", "hits");
	print_latency(status, "A miss", "misses");
	print_latency(status, "Redmine", "redmine");
}

void show_status(struct view *view, struct json_object *status)
{
	double ratio = show_hit_ratio(status, NULL);
	char span[32], count[32];

	printf("Daemon     redmine-cached %s, up %s\n", show_text(status, "version"),
	        show_long_span(span, (show_number(status, "now_ms") - show_number(status, "started_ms")) / 1000));
	print_redmine(status);
	printf("Requests   %s answered, %.0f failed, %.0f writes, %.0f connections open\n",
	        show_count(count, show_number(status, "requests.answered")), show_number(status, "requests.errors"),
	        show_number(status, "requests.writes"), show_number(status, "requests.connections"));
	if (ratio >= 0)
		printf("Hits       %.1f %% of reads\n", ratio);
	show_latencies(status);
	print_latency(status, "Age", "served_age");
	print_store(status);
	show_engines(view, status);
}

void show_sessions(struct view *view, struct json_object *sessions)
{
	struct json_object *array = show_at(sessions, "sessions");

	if (!array || json_object_array_length(array) == 0)
		printf("The settings have no [session \"NAME\"].\n");
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *session = json_object_array_get_idx(array, i);
		const char *username = show_text(session, "username"), *login = show_text(session, "impersonate");

		printf("%s: credential %s%s%s%s%s%s\n", show_text(session, "name"), show_text(session, "credential"),
		        username[0] ? " of " : "", username, login[0] ? ", impersonates " : "", login,
		        json_object_get_boolean(show_at(session, "needs_token")) ? ", needs a token" : "");
	}
}

void show_said(struct view *view, struct json_object *said)
{
	const char *text = show_text(said, "said");

	printf("%s%s\n", text[0] ? "The settings are good; " : "The settings are good.", text);
}
