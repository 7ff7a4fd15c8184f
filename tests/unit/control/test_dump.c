#include "control/dump.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

static const struct digest_secret secret = {{1, 2, 3}}, other_secret = {{3, 2, 1}};
static const struct dump_place place = {"http://redmine.example", "redmine", &secret};

static struct entry *sample(size_t size)
{
	struct entry *entry = entry_new();
	char *data = malloc(size + 1);

	memset(entry->key.bytes, 0xa5, sizeof(entry->key.bytes));
	entry->status = 200;
	entry->reason = strdup("OK");
	entry->resource = strdup("issues");
	entry->target = strdup("/issues.json?limit=\xc3\xa9\"");
	entry->flags = ENTRY_LINKS | ENTRY_FROM_STORE;
	entry->born_ms = 1700000000000;
	entry->fresh_until_ms = 1700000030000;
	entry->stale_until_ms = 1700003600000;
	entry->tags = (struct tag_notes){.count = 2, .items = {{65535, 4294967295}, {0, 0}}};
	ck_assert_int_eq(fields_add(&entry->fields, "ETag", "W/\"\xff\""), 0);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 31);
	entry->body = blob_new(data, size);
	return entry;
}

/* As a line of a file gives it. */
static struct json_object *reread(struct json_object *object)
{
	CLEANUP(freep) char *text = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));

	json_object_put(object);
	ck_assert_ptr_null(strchr(text, '\n'));
	return json_tokener_parse(text);
}

static struct dump_header written_header(void)
{
	struct dump_header header = {.history = {.lineage = {9, 8, 7}, .removals = 4000000000}};

	json_object_put(dump_print_header(&place, &header, 5));
	return header;
}

static struct entry *read_back(
        struct json_object *head, const struct entry *entry, const struct dump_header *header, struct fail *fail)
{
	struct dump_incoming incoming = {0};
	struct entry *read = NULL;
	int r = dump_read_entry(&incoming, head, fail);

	for (size_t at = 0; r == 0 && at < entry->body->size; at += DUMP_PIECE) {
		struct json_object *piece = reread(dump_print_piece(entry, at));

		r = dump_read_piece(&incoming, piece, fail);
		json_object_put(piece);
	}
	if (r == 0) {
		ck_assert_uint_eq(incoming.body.size, incoming.size);
		read = dump_take(&incoming, &place, header, fail);
	}
	dump_incoming_release(&incoming);
	return read;
}

START_TEST(there_and_back)
{
	static const size_t sizes[] = {0, 1, DUMP_PIECE, DUMP_PIECE + 1, 3 * DUMP_PIECE - 1};
	struct dump_header header = written_header();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct entry *entry = sample(sizes[i]), *read;
		struct json_object *head = reread(dump_print_entry(&place, &header, entry));
		struct fail fail = {0};

		read = read_back(head, entry, &header, &fail);
		ck_assert_msg(read != NULL, "%s", fail.text);
		ck_assert(cache_key_equal(&read->key, &entry->key));
		ck_assert_str_eq(read->target, entry->target);
		ck_assert_uint_eq(read->status, 200);
		ck_assert_uint_eq(read->flags, ENTRY_LINKS);
		ck_assert_int_eq(read->fresh_until_ms, entry->fresh_until_ms);
		ck_assert_int_eq(read->stale_until_ms, entry->stale_until_ms);
		ck_assert_str_eq(fields_get(&read->fields, "ETag"), "W/\"\xff\"");
		ck_assert_uint_eq(read->tags.count, 2);
		ck_assert_mem_eq(read->tags.items, entry->tags.items, 2 * sizeof(entry->tags.items[0]));
		ck_assert_uint_eq(read->body->size, sizes[i]);
		if (sizes[i] > 0)
			ck_assert_mem_eq(read->body->data, entry->body->data, sizes[i]);
		json_object_put(head);
		entry_unref(read);
		entry_unref(entry);
	}
}
END_TEST

START_TEST(headers)
{
	static const struct {
		const char *name, *value, *said; /* value: JSON; NULL: the member is missing */
	} cases[] = {
	        {"redmine_cached_dump", "2", "format 2"},
	        {"redmine_cached_dump", NULL, "no dump"},
	        {"upstream", "\"http://other.example\"", "http://other.example"},
	        {"policy", "\"origin\"", "cache.policy = origin"},
	        {"removals", "0", "another secret"},
	        {"at_ms", "6", "another secret"},
	        {"lineage", "\"AAAA\"", "\"lineage\""},
	        {"seal", "7", "\"seal\""},
	};
	static const struct dump_place elsewhere = {"http://redmine.example", "redmine", &other_secret};
	struct dump_header header = written_header(), read;
	struct json_object *object = reread(dump_print_header(&place, &header, 5));
	struct fail fail = {0};

	ck_assert_int_eq(dump_read_header(&place, object, &read, &fail), 0);
	ck_assert(cache_history_same(&read.history, &header.history));
	ck_assert_mem_eq(read.seal, header.seal, sizeof(read.seal));
	ck_assert_int_eq(dump_read_header(&elsewhere, object, &read, &fail), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fail.text, "another secret"));
	json_object_put(object);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		object = dump_print_header(&place, &header, 5);
		json_object_object_del(object, cases[i].name);
		if (cases[i].value)
			json_object_object_add(object, cases[i].name, json_tokener_parse(cases[i].value));
		ck_assert_int_eq(dump_read_header(&place, object, &read, &fail), -EINVAL);
		ck_assert_msg(strstr(fail.text, cases[i].said) != NULL, "%s: %s", cases[i].name, fail.text);
		json_object_put(object);
	}
}
END_TEST

/* Whoever changes a dump changes nothing of the cache. */
START_TEST(changed_answers_are_refused)
{
	static const struct {
		const char *name, *value;
	} cases[] = {
	        {"target", "\"/\""},
	        {"status", "404"},
	        {"status", "-1"},
	        {"reason", "\"Fine\""},
	        {"resource", "\"issue\""},
	        {"flags", "0"},
	        {"born_ms", "1700000000001"},
	        {"age_ms", "1"},
	        {"fresh_until_ms", "1800000000000"},
	        {"stale_until_ms", "1800000000000"},
	        {"stale_until_ms", NULL},
	        {"tags", "[]"},
	        {"tags", "[1,2,3]"},
	        {"tags", "[65536,0]"},
	        {"tags", "[0,-1]"},
	        {"tags", "{}"},
	        {"tags", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"},
	        {"size", "99"},
	        {"size", "100000000000"},
	        {"key", "\"AAAA\""},
	        {"fields", "\"\""},
	        {"fields", "\"****\""},
	        {"fields", "\"AAAA\""},
	        {"seal", "\"pKWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=\""},
	        {"seal", NULL},
	};
	struct dump_header header = written_header(), later = written_header();
	struct entry *entry = sample(100), *read;
	struct json_object *head;
	struct fail fail = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		head = dump_print_entry(&place, &header, entry);
		json_object_object_del(head, cases[i].name);
		if (cases[i].value)
			json_object_object_add(head, cases[i].name, json_tokener_parse(cases[i].value));
		fail = (struct fail){0};
		read = read_back(head, entry, &header, &fail);
		ck_assert_msg(read == NULL && fail.text[0], "%s %s", cases[i].name, cases[i].value);
		json_object_put(head);
	}
	json_object_put(dump_print_header(&place, &later, 6));
	head = dump_print_entry(&place, &header, entry);
	ck_assert_ptr_null(read_back(head, entry, &later, &fail)); /* an answer of another dump */
	json_object_put(head);
	entry_unref(entry);
}
END_TEST

START_TEST(bodies_out_of_place)
{
	struct dump_header header = written_header();
	struct dump_incoming incoming = {0};
	struct entry *entry = sample(10);
	struct json_object *piece = dump_print_piece(entry, 0), *none = json_tokener_parse("{\"body\":\"?\"}");
	struct json_object *head = dump_print_entry(&place, &header, entry);
	struct fail fail = {0};

	ck_assert_int_eq(dump_read_piece(&incoming, piece, &fail), -EINVAL);
	ck_assert_int_eq(dump_read_entry(&incoming, head, &fail), 0);
	ck_assert_int_eq(dump_read_piece(&incoming, none, &fail), -EINVAL);
	ck_assert_int_eq(dump_read_piece(&incoming, piece, &fail), 0);
	ck_assert_int_eq(dump_read_piece(&incoming, piece, &fail), -EINVAL);
	dump_incoming_release(&incoming);
	json_object_put(piece);
	json_object_put(none);
	json_object_put(head);
	entry_unref(entry);
}
END_TEST

UNIT_MAIN("dump", there_and_back, headers, changed_answers_are_refused, bodies_out_of_place)
