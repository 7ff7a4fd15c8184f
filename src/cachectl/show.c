#include "cachectl/show.h"

#include <string.h>

struct json_object *show_at(struct json_object *object, const char *path)
{
	char name[64];

	while (object && *path) {
		size_t size = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)size, path);
		if (!json_object_object_get_ex(object, name, &object))
			return NULL;
		path += size + (path[size] == '.');
	}
	return object;
}

double show_number(struct json_object *object, const char *path)
{
	return json_object_get_double(show_at(object, path));
}

const char *show_text(struct json_object *object, const char *path)
{
	struct json_object *text = show_at(object, path);

	return text ? json_object_get_string(text) : "";
}

const char *show_bytes(char room[32], double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	for (; bytes >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		bytes /= 1024;
	snprintf(room, 32, unit > 0 && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return room;
}

const char *show_span(char room[32], double seconds)
{
	if (seconds < 0.001)
		snprintf(room, 32, "%.0f us", seconds * 1e6);
	else if (seconds < 1)
		snprintf(room, 32, "%.1f ms", seconds * 1e3);
	else
		snprintf(room, 32, "%.1f s", seconds);
	return room;
}

const char *show_long_span(char room[32], double seconds)
{
	double size = seconds < 0 ? -seconds : seconds;
	const char *sign = seconds < 0 ? "-" : "";

	if (size < 60)
		snprintf(room, 32, "%s%.0f s", sign, size);
	else if (size < 3600)
		snprintf(room, 32, "%s%dm %02ds", sign, (int)size / 60, (int)size % 60);
	else if (size < 86400)
		snprintf(room, 32, "%s%dh %02dm", sign, (int)size / 3600, (int)size / 60 % 60);
	else
		snprintf(room, 32, "%s%dd %02dh", sign, (int)size / 86400, (int)size / 3600 % 24);
	return room;
}

const char *show_count(char room[32], double count)
{
	if (count < 10000)
		snprintf(room, 32, "%.0f", count);
	else if (count < 10e6)
		snprintf(room, 32, "%.1fk", count / 1e3);
	else
		snprintf(room, 32, "%.1fM", count / 1e6);
	return room;
}

const char *show_entries_count(char room[32], double count)
{
	snprintf(room, 32, "%.0f %s", count, count == 1 ? "entry" : "entries");
	return room;
}

double show_hit_ratio(struct json_object *status, struct json_object *before)
{
	static const char *const reads[] = {"hits", "misses", "revalidated", "collapsed", "bypassed"};
	double hits = 0, all = 0;
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		double count;

		snprintf(path, sizeof(path), "requests.%s", reads[i]);
		count = show_number(status, path) - show_number(before, path);
		all += count;
		if (i == 0)
			hits = count;
	}
	return all > 0 ? 100 * hits / all : -1;
}
