#include "control/dump.h"

#include "base/base64.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define FIELDS_ROOM (512 * 1024) /* bytes of an answer's fields: they share a line with the rest of its head */
#define BODY_MAX    (1 << 30)    /* the most that cache.object_limit may be */
#define FLAGS       (ENTRY_LINKS | ENTRY_MUST_REVALIDATE | ENTRY_VARIES)

static void add(struct json_object *object, const char *name, struct json_object *value)
{
	json_object_object_add(object, name, value);
}

/* False: out of memory. */
static bool add_bytes(struct json_object *object, const char *name, const void *data, size_t size)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(size * 2 + 8);

	if (base64_add(&text, data, size) < 0)
		return false;
	add(object, name, json_object_new_string_len(buf_text(&text), (int)text.size));
	return true;
}

static void digest_number(struct digest *d, int64_t number)
{
	uint64_t word = htole64((uint64_t)number);

	digest_add(d, &word, sizeof(word));
}

static void seal_header(const struct dump_place *place, struct dump_header *header, int64_t at_ms)
{
	struct digest d;

	digest_start(&d, place->secret);
	digest_add_text(&d, "dump");
	digest_number(&d, DUMP_FORMAT);
	digest_add_text(&d, place->upstream);
	digest_add_text(&d, place->policy);
	digest_number(&d, at_ms);
	digest_add(&d, header->history.lineage, sizeof(header->history.lineage));
	digest_number(&d, header->history.removals);
	digest_end(&d, header->seal);
}

static void seal_entry(uint8_t ret[DIGEST_SIZE], const struct dump_place *place, const struct dump_header *header,
        const struct entry *entry, const struct buf *fields, const void *body, size_t body_size)
{
	struct digest d;

	digest_start(&d, place->secret);
	digest_add_text(&d, "dumped");
	digest_add(&d, header->seal, sizeof(header->seal));
	digest_add(&d, entry->key.bytes, sizeof(entry->key.bytes));
	digest_number(&d, entry->status);
	digest_add_text(&d, entry->reason);
	digest_add_text(&d, entry->resource);
	digest_add_text(&d, entry->target);
	digest_number(&d, entry->flags & FLAGS);
	digest_number(&d, entry->born_ms);
	digest_number(&d, entry->age_ms);
	digest_number(&d, entry->fresh_until_ms);
	digest_number(&d, entry->stale_until_ms);
	for (uint32_t i = 0; i < entry->tags.count; i++) {
		digest_number(&d, entry->tags.items[i].slot);
		digest_number(&d, entry->tags.items[i].generation);
	}
	digest_add(&d, buf_text(fields), fields->size);
	digest_add(&d, body_size > 0 ? body : "", body_size);
	digest_end(&d, ret);
}

struct json_object *dump_print_header(const struct dump_place *place, struct dump_header *header, int64_t now_ms)
{
	struct json_object *object = json_object_new_object();

	seal_header(place, header, now_ms);
	add(object, "redmine_cached_dump", json_object_new_int(DUMP_FORMAT));
	add(object, "version", json_object_new_string(PACKAGE_VERSION));
	add(object, "upstream", json_object_new_string(place->upstream));
	add(object, "policy", json_object_new_string(place->policy));
	add(object, "at_ms", json_object_new_int64(now_ms));
	add(object, "removals", json_object_new_int64(header->history.removals));
	if (add_bytes(object, "lineage", header->history.lineage, sizeof(header->history.lineage)) &&
	        add_bytes(object, "seal", header->seal, sizeof(header->seal)))
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *print_tags(const struct tag_notes *tags)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; i < tags->count; i++) {
		json_object_array_add(array, json_object_new_int64(tags->items[i].slot));
		json_object_array_add(array, json_object_new_int64(tags->items[i].generation));
	}
	return array;
}

struct json_object *dump_print_entry(
        const struct dump_place *place, const struct dump_header *header, const struct entry *entry)
{
	CLEANUP(buf_release) struct buf fields = BUF_INIT(FIELDS_ROOM);
	struct json_object *object;
	uint8_t seal[DIGEST_SIZE];

	if (fields_print(&entry->fields, &fields) < 0)
		return NULL;
	seal_entry(seal, place, header, entry, &fields, entry->body->data, entry->body->size);
	object = json_object_new_object();
	add(object, "target", json_object_new_string(entry->target));
	add(object, "status", json_object_new_int((int)entry->status));
	add(object, "reason", json_object_new_string(entry->reason));
	add(object, "resource", json_object_new_string(entry->resource));
	add(object, "flags", json_object_new_int((int)(entry->flags & FLAGS)));
	add(object, "born_ms", json_object_new_int64(entry->born_ms));
	add(object, "age_ms", json_object_new_int64(entry->age_ms));
	add(object, "fresh_until_ms", json_object_new_int64(entry->fresh_until_ms));
	add(object, "stale_until_ms", json_object_new_int64(entry->stale_until_ms));
	add(object, "tags", print_tags(&entry->tags));
	add(object, "size", json_object_new_int64((int64_t)entry->body->size));
	if (add_bytes(object, "key", entry->key.bytes, sizeof(entry->key.bytes)) &&
	        add_bytes(object, "fields", buf_text(&fields), fields.size) &&
	        add_bytes(object, "seal", seal, sizeof(seal)))
		return object;
	json_object_put(object);
	return NULL;
}

struct json_object *dump_print_piece(const struct entry *entry, size_t at)
{
	struct json_object *object = json_object_new_object();
	size_t left = entry->body->size - at;

	if (add_bytes(object, "body", entry->body->data + at, left < DUMP_PIECE ? left : DUMP_PIECE))
		return object;
	json_object_put(object);
	return NULL;
}

/* Members of a line; "wrong" is remembered, so that one look at the end will do. */
struct line {
	struct json_object *object;
	const char *wrong; /* the member that is not as it should be; NULL: none */
};

static const char *read_text(struct line *line, const char *name)
{
	struct json_object *value;

	if (json_object_object_get_ex(line->object, name, &value) && json_object_is_type(value, json_type_string))
		return json_object_get_string(value);
	line->wrong = name;
	return "";
}

static int64_t read_number(struct line *line, const char *name, int64_t most)
{
	struct json_object *value;
	int64_t number = -1;

	if (json_object_object_get_ex(line->object, name, &value) && json_object_is_type(value, json_type_int))
		number = json_object_get_int64(value);
	if (number >= 0 && number <= most)
		return number;
	line->wrong = name;
	return 0;
}

static void read_bytes(struct line *line, const char *name, uint8_t *ret, size_t size)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT(size + 4);
	const char *text = read_text(line, name);

	if (base64_read(&bytes, text, strlen(text)) == 0 && bytes.size == size)
		memcpy(ret, bytes.data, size);
	else
		line->wrong = name;
}

int dump_read_header(
        const struct dump_place *place, struct json_object *object, struct dump_header *ret, struct fail *fail)
{
	struct line line = {.object = object};
	int64_t format = read_number(&line, "redmine_cached_dump", INT64_MAX), at_ms;
	uint8_t seal[DIGEST_SIZE];
	const char *upstream, *policy;

	if (line.wrong)
		return fail_set(fail, -EINVAL, "This is no dump of a redmine-cached.");
	if (format != DUMP_FORMAT)
		return fail_set(fail, -EINVAL, "The dump has format %lld; this daemon reads format %d.",
		        (long long)format, DUMP_FORMAT);
	upstream = read_text(&line, "upstream");
	policy = read_text(&line, "policy");
	at_ms = read_number(&line, "at_ms", INT64_MAX);
	ret->history.removals = (uint32_t)read_number(&line, "removals", UINT32_MAX);
	read_bytes(&line, "lineage", ret->history.lineage, sizeof(ret->history.lineage));
	read_bytes(&line, "seal", seal, sizeof(seal));
	if (line.wrong)
		return fail_set(fail, -EINVAL, "The dump's header has no good \"%s\".", line.wrong);
	if (strcmp(upstream, place->upstream) != 0)
		return fail_set(
		        fail, -EINVAL, "The dump is of %s; this daemon stands before %s.", upstream, place->upstream);
	if (strcmp(policy, place->policy) != 0)
		return fail_set(fail, -EINVAL, "The dump was made under cache.policy = %s; here it is %s.", policy,
		        place->policy);
	seal_header(place, ret, at_ms);
	if (!digest_equal(seal, ret->seal))
		return fail_set(fail, -EINVAL,
		        "The dump was made with another secret than this cache's (the file beside it whose name ends in .secret): "
		        "nothing of it would be found.");
	return 0;
}

void dump_incoming_release(struct dump_incoming *incoming)
{
	entry_unref(incoming->entry);
	incoming->entry = NULL;
	buf_release(&incoming->body);
}

static void read_tags(struct line *line, struct tag_notes *ret)
{
	struct json_object *array;
	size_t count = 0;

	if (json_object_object_get_ex(line->object, "tags", &array) && json_object_is_type(array, json_type_array))
		count = json_object_array_length(array);
	else
		line->wrong = "tags";
	if (count % 2 != 0 || count > 2 * TAGS_MAX) {
		line->wrong = "tags";
		return;
	}
	ret->count = (uint32_t)(count / 2);
	for (uint32_t i = 0; i < ret->count; i++) {
		int64_t slot = json_object_get_int64(json_object_array_get_idx(array, 2 * i));
		int64_t generation = json_object_get_int64(json_object_array_get_idx(array, 2 * i + 1));

		if (slot < 0 || slot >= GENERATION_SLOTS || generation < 0 || generation > UINT32_MAX)
			line->wrong = "tags";
		else
			ret->items[i] = (struct tag_note){(uint32_t)slot, (uint32_t)generation};
	}
}

static void read_fields(struct line *line, struct fields *ret)
{
	CLEANUP(buf_release) struct buf block = BUF_INIT(FIELDS_ROOM + 4);
	const char *text = read_text(line, "fields");

	if (base64_read(&block, text, strlen(text)) < 0 || fields_parse(ret, buf_text(&block), block.size) < 0)
		line->wrong = "fields";
}

int dump_read_entry(struct dump_incoming *incoming, struct json_object *object, struct fail *fail)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_new();
	struct line line = {.object = object};

	if (!entry)
		return fail_set(fail, -ENOMEM, "out of memory");
	read_bytes(&line, "key", entry->key.bytes, sizeof(entry->key.bytes));
	read_bytes(&line, "seal", incoming->seal, sizeof(incoming->seal));
	entry->target = strdup(read_text(&line, "target"));
	entry->reason = strdup(read_text(&line, "reason"));
	entry->resource = strdup(read_text(&line, "resource"));
	entry->status = (unsigned)read_number(&line, "status", 599);
	entry->flags = (unsigned)read_number(&line, "flags", FLAGS) & FLAGS;
	entry->born_ms = read_number(&line, "born_ms", INT64_MAX);
	entry->age_ms = read_number(&line, "age_ms", INT64_MAX);
	entry->fresh_until_ms = read_number(&line, "fresh_until_ms", INT64_MAX);
	entry->stale_until_ms = read_number(&line, "stale_until_ms", INT64_MAX);
	incoming->size = (size_t)read_number(&line, "size", BODY_MAX);
	read_tags(&line, &entry->tags);
	read_fields(&line, &entry->fields);
	if (!entry->target || !entry->reason || !entry->resource)
		return fail_set(fail, -ENOMEM, "out of memory");
	if (line.wrong)
		return fail_set(fail, -EINVAL, "an answer has no good \"%s\"", line.wrong);
	buf_release(&incoming->body);
	buf_init(&incoming->body, incoming->size + 4);
	incoming->entry = TAKE(entry);
	return 0;
}

int dump_read_piece(struct dump_incoming *incoming, struct json_object *object, struct fail *fail)
{
	struct line line = {.object = object};
	const char *text = read_text(&line, "body");
	int r = incoming->entry && !line.wrong ? base64_read(&incoming->body, text, strlen(text)) : -EINVAL;

	if (r == -ENOMEM)
		return fail_set(fail, r, "out of memory");
	if (r < 0 || incoming->body.size > incoming->size)
		return fail_set(fail, -EINVAL, "a body that is none, or that is longer than its head says");
	return 0;
}

struct entry *dump_take(struct dump_incoming *incoming, const struct dump_place *place,
        const struct dump_header *header, struct fail *fail)
{
	CLEANUP(entry_unrefp) struct entry *entry = TAKE(incoming->entry);
	CLEANUP(buf_release) struct buf fields = BUF_INIT(FIELDS_ROOM);
	CLEANUP(freep) char *data = NULL;
	uint8_t seal[DIGEST_SIZE] = {0};
	size_t size;

	if (fields_print(&entry->fields, &fields) == 0)
		seal_entry(seal, place, header, entry, &fields, incoming->body.data, incoming->size);
	if (!digest_equal(seal, incoming->seal)) {
		fail_set(fail, -EINVAL, "the answer to %s is not what was dumped", entry->target);
		return NULL;
	}
	data = buf_take(&incoming->body, &size);
	entry->body = blob_new(data, incoming->size);
	if (!entry->body) {
		fail_set(fail, -ENOMEM, "out of memory");
		return NULL;
	}
	data = NULL;
	return TAKE(entry);
}
