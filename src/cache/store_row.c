#include "cache/store_row.h"

#include "cache/checksum.h"

#include <endian.h>
#include <errno.h>

#define FIELDS_ROOM (1 << 20) /* bytes of a printed block; far above what a Redmine and its front end send */

/* The order of HEAD_COLUMNS in store_link.c. */
enum column {
	STATUS,
	REASON,
	RESOURCE,
	TARGET,
	FLAGS,
	BORN,
	AGE,
	FRESH_UNTIL,
	STALE_UNTIL,
	TAGS,
	FIELDS,
	SEAL,
};

size_t row_pack_tags(const struct tag_notes *tags, uint8_t ret[ROW_TAGS_MAX])
{
	for (uint32_t i = 0; i < tags->count; i++) {
		uint32_t words[2] = {htole32(tags->items[i].slot), htole32(tags->items[i].generation)};

		memcpy(ret + i * sizeof(words), words, sizeof(words));
	}
	return tags->count * 2 * sizeof(uint32_t);
}

int row_unpack_tags(struct tag_notes *ret, const void *data, size_t size)
{
	uint32_t words[2];

	if (size % sizeof(words) != 0 || size > ROW_TAGS_MAX)
		return -EINVAL;
	ret->count = (uint32_t)(size / sizeof(words));
	for (uint32_t i = 0; i < ret->count; i++) {
		memcpy(words, (const uint8_t *)data + i * sizeof(words), sizeof(words));
		ret->items[i] = (struct tag_note){.slot = le32toh(words[0]), .generation = le32toh(words[1])};
		if (ret->items[i].slot >= GENERATION_SLOTS)
			return -EINVAL;
	}
	return 0;
}

uint64_t row_seal(const struct entry *entry, const void *fields, size_t fields_size)
{
	uint8_t tags[ROW_TAGS_MAX];
	uint64_t sum = CHECKSUM_START;

	sum = checksum_add_bytes(sum, entry->key.bytes, sizeof(entry->key.bytes));
	sum = checksum_add(sum, entry->status);
	sum = checksum_add_bytes(sum, entry->reason, strlen(entry->reason));
	sum = checksum_add_bytes(sum, entry->resource, strlen(entry->resource));
	sum = checksum_add_bytes(sum, entry->target, strlen(entry->target));
	sum = checksum_add(sum, entry->flags & ~(unsigned)ENTRY_FROM_STORE);
	sum = checksum_add(sum, (uint64_t)entry->born_ms);
	sum = checksum_add(sum, (uint64_t)entry->age_ms);
	sum = checksum_add(sum, (uint64_t)entry->fresh_until_ms);
	sum = checksum_add(sum, (uint64_t)entry->stale_until_ms);
	sum = checksum_add_bytes(sum, tags, row_pack_tags(&entry->tags, tags));
	sum = checksum_add_bytes(sum, fields, fields_size);
	return checksum_add_bytes(sum, entry->body->data, entry->body->size);
}

uint64_t row_generation_seal(uint32_t slot, uint32_t generation)
{
	return checksum_add(checksum_add(CHECKSUM_START, slot), generation);
}

static int bind_text(sqlite3_stmt *statement, enum column column, const char *text)
{
	return sqlite3_bind_text64(statement, (int)column + 1, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_bytes(sqlite3_stmt *statement, enum column column, const void *data, size_t size)
{
	return sqlite3_bind_blob64(statement, (int)column + 1, data, size, SQLITE_TRANSIENT);
}

static int bind_number(sqlite3_stmt *statement, enum column column, int64_t number)
{
	return sqlite3_bind_int64(statement, (int)column + 1, number);
}

int row_bind_head(sqlite3_stmt *statement, const struct entry *entry, struct fail *fail)
{
	CLEANUP(buf_release) struct buf fields = BUF_INIT(FIELDS_ROOM);
	uint8_t tags[ROW_TAGS_MAX];
	int r = fields_print(&entry->fields, &fields);

	if (r < 0)
		return fail_set(fail, r == -ENOBUFS ? -EFBIG : r, "the fields are too long");
	r = bind_number(statement, STATUS, entry->status);
	r |= bind_text(statement, REASON, entry->reason);
	r |= bind_text(statement, RESOURCE, entry->resource);
	r |= bind_text(statement, TARGET, entry->target);
	r |= bind_number(statement, FLAGS, entry->flags & ~(unsigned)ENTRY_FROM_STORE);
	r |= bind_number(statement, BORN, entry->born_ms);
	r |= bind_number(statement, AGE, entry->age_ms);
	r |= bind_number(statement, FRESH_UNTIL, entry->fresh_until_ms);
	r |= bind_number(statement, STALE_UNTIL, entry->stale_until_ms);
	r |= bind_bytes(statement, TAGS, tags, row_pack_tags(&entry->tags, tags));
	r |= bind_bytes(statement, FIELDS, buf_text(&fields), fields.size);
	r |= bind_number(statement, SEAL, (int64_t)row_seal(entry, buf_text(&fields), fields.size));
	return r == SQLITE_OK ? 0 : fail_set(fail, -ENOMEM, "binding a row");
}

/* A copy of a text column, NULL when memory ran out. A text with a NUL in it comes back shorter and fails the seal. */
static char *read_text(sqlite3_stmt *statement, enum column column)
{
	const void *text = sqlite3_column_blob(statement, (int)column);

	return strndup(text ? text : "", (size_t)sqlite3_column_bytes(statement, (int)column));
}

static struct blob *read_body(sqlite3_stmt *statement, int at)
{
	const void *data = sqlite3_column_blob(statement, at);
	size_t size = (size_t)sqlite3_column_bytes(statement, at);
	CLEANUP(freep) char *copy = malloc(size + 1);
	struct blob *blob;

	if (!copy)
		return NULL;
	if (size > 0)
		memcpy(copy, data, size);
	blob = blob_new(copy, size);
	if (blob)
		copy = NULL;
	return blob;
}

static void read_numbers(sqlite3_stmt *statement, struct entry *entry)
{
	entry->status = (unsigned)sqlite3_column_int64(statement, STATUS);
	entry->flags = (unsigned)sqlite3_column_int64(statement, FLAGS);
	entry->born_ms = sqlite3_column_int64(statement, BORN);
	entry->age_ms = sqlite3_column_int64(statement, AGE);
	entry->fresh_until_ms = sqlite3_column_int64(statement, FRESH_UNTIL);
	entry->stale_until_ms = sqlite3_column_int64(statement, STALE_UNTIL);
}

int row_read(sqlite3_stmt *statement, int body_at, const struct cache_key *key, struct entry **ret, struct fail *fail)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_new();
	const char *fields;
	size_t fields_size;
	int r;

	if (!entry)
		return fail_set(fail, -ENOMEM, "out of memory");
	entry->key = *key;
	read_numbers(statement, entry);
	entry->reason = read_text(statement, REASON);
	entry->resource = read_text(statement, RESOURCE);
	entry->target = read_text(statement, TARGET);
	entry->body = read_body(statement, body_at);
	fields = sqlite3_column_blob(statement, FIELDS);
	fields_size = (size_t)sqlite3_column_bytes(statement, FIELDS);
	if (!entry->reason || !entry->resource || !entry->target || !entry->body || (fields_size > 0 && !fields))
		return fail_set(fail, -ENOMEM, "out of memory");
	r = row_unpack_tags(
	        &entry->tags, sqlite3_column_blob(statement, TAGS), (size_t)sqlite3_column_bytes(statement, TAGS));
	if (r == 0 && (uint64_t)sqlite3_column_int64(statement, SEAL) != row_seal(entry, fields, fields_size))
		r = -EINVAL;
	if (r == 0)
		r = fields_parse(&entry->fields, fields, fields_size);
	if (r == -ENOMEM)
		return fail_set(fail, r, "out of memory");
	if (r < 0)
		return fail_set(fail, -EUCLEAN, "a stored answer is not what was written");
	entry->flags |= ENTRY_FROM_STORE;
	*ret = TAKE(entry);
	return 0;
}
