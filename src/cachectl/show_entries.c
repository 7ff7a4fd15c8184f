#include "cachectl/show.h"

#include <string.h>

static void print_entry(struct json_object *entry, const char *indent)
{
	char age[32], fresh[32], bytes[32];
	double left = show_number(entry, "fresh_s");

	printf("%s%s  %.0f  %s  age %s, %s %s, in %s%s\n", indent, show_text(entry, "key"),
	        show_number(entry, "status"), show_bytes(bytes, show_number(entry, "bytes")),
	        show_long_span(age, show_number(entry, "age_s")), left >= 0 ? "fresh for" : "stale since",
	        show_long_span(fresh, left < 0 ? -left : left), show_text(entry, "in"),
	        json_object_get_boolean(show_at(entry, "secret")) ? " only (it holds a secret)" : "");
}

void show_entry(struct view *view, struct json_object *entry)
{
	printf("%s\n", show_text(entry, "target"));
	print_entry(entry, "    ");
}

void show_entries_sum(struct view *view, struct json_object *sum)
{
	char bytes[32], count[32];

	printf("%s, %s\n", show_entries_count(count, show_number(sum, "entries")),
	        show_bytes(bytes, show_number(sum, "bytes")));
}

void show_purged(struct view *view, struct json_object *sum)
{
	bool soft = json_object_get_boolean(show_at(sum, "soft"));
	double entries = show_number(sum, "entries");
	char bytes[32], count[32];

	printf("%s%s, %s%s\n", show_entries_count(count, entries), soft ? "" : " purged",
	        show_bytes(bytes, show_number(sum, "bytes")),
	        !soft          ? ""
	        : entries == 1 ? ": kept, and validated before it is served again"
	                       : ": kept, and validated before they are served again");
}

void show_dumped(struct view *view, struct json_object *sum)
{
	char bytes[32], count[32];
	double left_out = show_number(sum, "left_out");

	fprintf(view->out, "%s, %s dumped", show_entries_count(count, show_number(sum, "entries")),
	        show_bytes(bytes, show_number(sum, "bytes")));
	if (left_out > 0)
		fprintf(view->out, "; %s left out, with secrets that stay in memory",
		        show_entries_count(count, left_out));
	fprintf(view->out, "\n");
}

void show_restored(struct view *view, struct json_object *sum)
{
	static const struct {
		const char *name, *text;
	} parts[] = {
	        {"restored", "restored"},
	        {"to_validate", "restored, to be validated before they are served"},
	        {"present", "there already"},
	        {"spoilt", "spoilt since by writes or purges"},
	        {"expired", "expired, or not to be validated"},
	};
	char count[32];

	printf("%s:", show_entries_count(count, show_number(sum, "entries")));
	for (size_t i = 0, told = 0; i < ARRAY_SIZE(parts); i++)
		if (show_number(sum, parts[i].name) > 0)
			printf("%s %.0f %s", told++ > 0 ? "," : "", show_number(sum, parts[i].name), parts[i].text);
	printf("%s\n", show_number(sum, "entries") > 0 ? "" : " nothing to restore");
}

static void print_list(const char *label, struct json_object *array, const char *member)
{
	printf("%-12s", label);
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		const char *text = member ? show_text(item, member) : json_object_get_string(item);

		printf("%s%s", i > 0 ? ", " : "", text && text[0] ? text : "(another)");
	}
	printf("\n");
}

static void print_last_miss(struct json_object *explained)
{
	struct json_object *miss = show_at(explained, "last_miss");
	double ago_s;
	char span[32], took[32];

	if (!miss) {
		printf("Last miss   none among the last requests\n");
		return;
	}
	ago_s = (show_number(explained, "now_ms") - show_number(miss, "at_ms")) / 1000;
	printf("Last miss   %s ago by %s, %s, answered %.0f in %s%s\n            because %s\n",
	        show_long_span(span, ago_s), show_text(miss, "identity"), show_text(miss, "cache"),
	        show_number(miss, "status"), show_span(took, show_number(miss, "duration_us") / 1e6),
	        json_object_get_boolean(show_at(miss, "stored")) ? ", stored" : ", not stored", show_text(miss, "why"));
}

void show_explained(struct view *view, struct json_object *explained)
{
	struct json_object *stored = show_at(explained, "stored"), *rule = show_at(explained, "rule");
	char span[32];

	printf("Target      %s\n", show_text(explained, "target"));
	printf("Resource    %s %s\n", show_text(explained, "resource"), show_text(explained, "pattern"));
	printf("Rule        %s", show_text(rule, "by"));
	if (show_at(rule, "lifetime_s"))
		printf(": fresh for %s%s", show_long_span(span, show_number(rule, "lifetime_s")),
		        json_object_get_boolean(show_at(rule, "memory_only")) ? ", in memory only" : "");
	printf("\n");
	print_list("Key of", show_at(explained, "key_parts"), NULL);
	print_list("Tags", show_at(explained, "tags"), "tag");
	printf("Stored      %zu, one for each identity and variant\n", stored ? json_object_array_length(stored) : 0);
	for (size_t i = 0; stored && i < json_object_array_length(stored); i++) {
		struct json_object *entry = json_object_array_get_idx(stored, i);

		print_entry(entry, "  ");
		print_list("    tags", show_at(entry, "tags"), "tag");
	}
	print_last_miss(explained);
	printf("Refreshed   by %s\n", show_text(explained, "refreshed_by"));
}

bool show_warm_failed(struct json_object *warmed)
{
	double status = show_number(warmed, "status");

	return status < 100 || status >= 400;
}

void show_warmed(struct view *view, struct json_object *warmed)
{
	double done = show_number(warmed, "done"), total = show_number(warmed, "total");
	int width = total > 0 ? (int)(30 * done / total) : 0;
	const char *error = show_text(warmed, "error");

	if (!view->quiet)
		fprintf(stderr, "\r\033[K");
	if (view->quiet || show_warm_failed(warmed)) {
		printf("%.0f/%.0f %s %.0f %s%s%s\n", done, total, show_text(warmed, "url"),
		        show_number(warmed, "status"), show_text(warmed, "cache"), error[0] ? ": " : "", error);
		fflush(stdout);
	}
	if (view->quiet)
		return;
	fprintf(stderr, "[%.*s%*s] %.0f/%.0f %s", width, "==============================", 30 - width, "", done, total,
	        show_text(warmed, "url"));
	if (done >= total)
		fprintf(stderr, "\n");
}

void show_warm_sum(struct view *view, struct json_object *sum)
{
	printf("%.0f asked, %.0f stored", show_number(sum, "asked"), show_number(sum, "stored"));
	if (view->failed > 0)
		printf(", %u failed", view->failed);
	printf("\n");
}
