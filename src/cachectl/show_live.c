#include "cachectl/show.h"

#include <string.h>
#include <time.h>

void show_request(struct view *view, struct json_object *request)
{
	time_t at = (time_t)(show_number(request, "at_ms") / 1000);
	double status = show_number(request, "status");
	struct tm parts;
	char clock[16], took[32], bytes[32];

	if (show_at(request, "lost")) {
		printf("(%.0f requests more than could be shown)\n", show_number(request, "lost"));
		return;
	}
	if (!show_at(request, "target"))
		return;
	localtime_r(&at, &parts);
	strftime(clock, sizeof(clock), "%H:%M:%S", &parts);
	printf("%s %s%3.0f%s %-11s %8s %9s %-6s %-4s %s\n", clock, view->terminal && status >= 400 ? "\033[31m" : "",
	        status, view->terminal && status >= 400 ? "\033[0m" : "", show_text(request, "cache"),
	        show_span(took, show_number(request, "duration_us") / 1e6),
	        show_bytes(bytes, show_number(request, "sent")), show_text(request, "identity"),
	        show_text(request, "method"), show_text(request, "target"));
}

/* What happened since the row before, a second. */
static double rate(struct view *view, struct json_object *status, const char *path)
{
	double span_s = (show_number(status, "now_ms") - show_number(view->before, "now_ms")) / 1000;

	return view->before && span_s > 0 ? (show_number(status, path) - show_number(view->before, path)) / span_s : 0;
}

/* The mean since the row before. */
static const char *mean(struct view *view, struct json_object *status, const char *name, char room[32])
{
	char sum[64], count[64];
	double times;

	snprintf(sum, sizeof(sum), "latency.%s.sum", name);
	snprintf(count, sizeof(count), "latency.%s.count", name);
	times = show_number(status, count) - show_number(view->before, count);
	if (!view->before || times <= 0)
		return "-";
	return show_span(room, (show_number(status, sum) - show_number(view->before, sum)) / times);
}

static void print_busiest(struct json_object *busiest)
{
	size_t count = busiest ? json_object_array_length(busiest) : 0;
	char mean_text[32], most[32];

	printf("\n%8s %6s %9s %9s  %s\n", "requests", "hits", "mean", "longest", "URL");
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(busiest, i);

		printf("%8.0f %5.0f%% %9s %9s  %.100s\n", show_number(row, "count"),
		        100 * show_number(row, "hits") / show_number(row, "count"),
		        show_span(mean_text, show_number(row, "mean_us") / 1e6),
		        show_span(most, show_number(row, "most_us") / 1e6), show_text(row, "target"));
	}
}

void show_top(struct view *view, struct json_object *top)
{
	struct json_object *status = show_at(top, "status");
	double ratio = show_hit_ratio(status, view->before);
	char hit[32], miss[32], redmine[32], bytes[32];

	if (view->terminal)
		printf("\033[H\033[2J");
	printf("Redmine %s   %.0f requests/s   ", show_text(status, "redmine.state"),
	        rate(view, status, "requests.answered"));
	if (ratio >= 0)
		printf("hits %.1f %%   ", ratio);
	printf("to Redmine %.1f/s   errors %.1f/s\n", rate(view, status, "requests.upstream"),
	        rate(view, status, "requests.errors"));
	printf("mean: a hit %s   a miss %s   Redmine %s   %s/s sent   %.0f connections\n",
	        mean(view, status, "hits", hit), mean(view, status, "misses", miss),
	        mean(view, status, "redmine", redmine), show_bytes(bytes, rate(view, status, "requests.body_bytes")),
	        show_number(status, "requests.connections"));
	show_latencies(status);
	show_engines(view, status);
	print_busiest(show_at(top, "busiest"));
	json_object_put(view->before);
	view->before = json_object_get(status);
}
