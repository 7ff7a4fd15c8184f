#include "control/print.h"

static void add(struct json_object *object, const char *name, struct json_object *value)
{
	json_object_object_add(object, name, value);
}

static struct json_object *seconds(int64_t ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)ms / 1000);
	return json_object_new_double_s((double)ms / 1000, text);
}

struct json_object *print_entry(const struct entry *entry, bool in_memory, int64_t now_ms)
{
	struct json_object *object = json_object_new_object();
	char key[17];

	for (size_t i = 0; i < 8; i++)
		snprintf(key + 2 * i, 3, "%02x", entry->key.bytes[i]);
	add(object, "key", json_object_new_string(key));
	add(object, "target", json_object_new_string(entry->target));
	add(object, "resource", json_object_new_string(entry->resource[0] ? entry->resource : "other"));
	add(object, "status", json_object_new_int((int)entry->status));
	add(object, "bytes", json_object_new_uint64(entry->body->size));
	add(object, "age_s", seconds(entry_age_ms(entry, now_ms)));
	add(object, "fresh_s", seconds(entry->fresh_until_ms - now_ms));
	add(object, "kept_s", seconds(entry->stale_until_ms - now_ms));
	add(object, "in", json_object_new_string(in_memory ? "memory" : "file"));
	add(object, "secret", json_object_new_boolean(entry->flags & ENTRY_SECRET));
	return object;
}

static const char *known_name(uint32_t slot, const struct known_tag *known, size_t known_count)
{
	for (size_t i = 0; i < known_count; i++)
		if (known[i].name[0] && generations_slot(known[i].number) == slot)
			return known[i].name;
	for (unsigned class = 0; class < 32; class ++) {
		const char *name = tag_class_name((enum tag_class)(1u << class));

		if (name && generations_slot(tag_number(name)) == slot)
			return name;
	}
	return NULL;
}

struct json_object *print_tags(const struct tag_notes *notes, const struct known_tag *known, size_t known_count)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; i < notes->count; i++) {
		const char *name = known_name(notes->items[i].slot, known, known_count);
		struct json_object *object = json_object_new_object();

		add(object, "tag", name ? json_object_new_string(name) : NULL);
		add(object, "slot", json_object_new_int((int)notes->items[i].slot));
		add(object, "generation", json_object_new_int64(notes->items[i].generation));
		json_object_array_add(array, object);
	}
	return array;
}
