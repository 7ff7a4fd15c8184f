#include "front/metrics_text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const type_words[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

static const char *const units[] = {"seconds", "bytes"};

const char *metrics_content_type(bool open_metrics)
{
	return open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
	                    : "text/plain; version=0.0.4; charset=utf-8";
}

/* The quality of one member of an Accept field if it names that media type; below 0 if it does not. */
static double quality_of(const char *member, size_t size, const char *type)
{
	const char *end = member + size, *at;

	while (member < end && isspace((unsigned char)*member))
		member++;
	if ((size_t)(end - member) < strlen(type) || strncasecmp(member, type, strlen(type)) != 0)
		return -1;
	at = member + strlen(type);
	if (at < end && *at != ';' && !isspace((unsigned char)*at))
		return -1;
	for (; at < end; at++)
		if (*at == ';' && strncasecmp(at + 1 + strspn(at + 1, " \t"), "q=", 2) == 0)
			return strtod(at + 1 + strspn(at + 1, " \t") + 2, NULL);
	return 1;
}

static double best_quality(const char *accept, const char *type)
{
	double best = 0;

	while (*accept) {
		size_t size = strcspn(accept, ",");
		double quality = quality_of(accept, size, type);

		if (quality > best)
			best = quality;
		accept += size + (accept[size] == ',');
	}
	return best;
}

bool metrics_wants_open(const char *accept)
{
	double open;

	if (!accept)
		return false;
	open = best_quality(accept, "application/openmetrics-text");
	return open > 0 && open >= best_quality(accept, "text/plain");
}

static void add(struct metrics_text *text, int result)
{
	if (text->result == 0)
		text->result = result;
}

static const char *unit_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t size = strlen(units[i]);

		if (strlen(name) > size && strcmp(name + strlen(name) - size, units[i]) == 0)
			return units[i];
	}
	return NULL;
}

void metrics_family(struct metrics_text *text, const char *name, enum metric_type type, const char *help)
{
	const char *suffix = type == METRIC_COUNTER && !text->open_metrics ? "_total" : "";

	text->name = name;
	text->type = type;
	add(text, buf_printf(text->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
	                  type_words[type]));
	if (text->open_metrics && unit_of(name))
		add(text, buf_printf(text->out, "# UNIT %s %s\n", name, unit_of(name)));
}

/* Whole numbers as such, as far as they are exact. */
static void print_value(char *room, size_t size, double value)
{
	if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value)
		snprintf(room, size, "%.0f", value);
	else
		snprintf(room, size, "%.9g", value);
}

static void print_line(struct metrics_text *text, const char *suffix, const char *labels, double value)
{
	const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
	char number[32];

	if (text->result < 0)
		return;
	print_value(number, sizeof(number), value);
	add(text, buf_printf(text->out, "%s%s%s%s%s %s\n", text->name, suffix, open, labels, close, number));
}

void metrics_sample(struct metrics_text *text, const char *labels, double value)
{
	print_line(text, text->type == METRIC_COUNTER ? "_total" : "", labels, value);
}

void metrics_histogram(struct metrics_text *text, const char *labels, const struct histogram_scale *scale,
        const struct histogram_sum *sum)
{
	const char *comma = *labels ? "," : "";
	char room[256];
	uint64_t below = 0;

	for (size_t i = 0; i < scale->count; i++) {
		below += sum->counts[i];
		snprintf(room, sizeof(room), "%s%sle=\"%.9g%s\"", labels, comma,
		        (double)scale->bounds[i] / (double)scale->per_second,
		        scale->bounds[i] % scale->per_second == 0 ? ".0" : "");
		print_line(text, "_bucket", room, (double)below);
	}
	snprintf(room, sizeof(room), "%s%sle=\"+Inf\"", labels, comma);
	print_line(text, "_bucket", room, (double)sum->count);
	print_line(text, "_sum", labels, (double)sum->sum / (double)scale->per_second);
	print_line(text, "_count", labels, (double)sum->count);
}

int metrics_end(struct metrics_text *text)
{
	if (text->open_metrics)
		add(text, buf_add_text(text->out, "# EOF\n"));
	return text->result;
}

const char *metrics_label(char *room, size_t size, const char *name, const char *value)
{
	size_t at = (size_t)snprintf(room, size, "%s=\"", name);

	ASSERT(at + 4 < size);
	for (; *value && at + 4 < size; value++) {
		if (*value == '"' || *value == '\\')
			room[at++] = '\\';
		if (*value == '\n') {
			room[at++] = '\\';
			room[at++] = 'n';
		} else {
			room[at++] = *value;
		}
	}
	room[at++] = '"';
	room[at] = '\0';
	return room;
}
