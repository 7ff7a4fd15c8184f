/*
 * Rows of the cache file: whatever a file says is refused or is a whole entry;
 * an entry of any bytes comes back as it was. An input is cut into
 * the columns of a row by lengths that it carries itself.
 */
#include "cache/store_row.h"

#include <errno.h>

#define COLUMNS (ROW_HEAD_COLUMNS + 1) /* with the body */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take_byte(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

static int64_t take_number(struct input *input)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | take_byte(input);
	return (int64_t)number;
}

/* A piece of the input, its length in front; borrowed. */
static struct input take_piece(struct input *input)
{
	size_t size = (size_t)take_byte(input) * 4;
	struct input piece = {.data = input->data, .size = size < input->size ? size : input->size};

	input->data += piece.size;
	input->size -= piece.size;
	return piece;
}

/* A text of a piece, without its NULs; malloc'ed. */
static char *take_text(struct input *input)
{
	struct input piece = take_piece(input);
	char *text = malloc(piece.size + 1);
	size_t used = 0;

	ASSERT(text);
	for (size_t i = 0; i < piece.size; i++)
		if (piece.data[i])
			text[used++] = (char)piece.data[i];
	text[used] = '\0';
	return text;
}

/* One row of so many parameters; each test run's own, as a row's values live in its statement. */
static sqlite3_stmt *row_of_parameters(void)
{
	static sqlite3 *db;
	sqlite3_stmt *statement = NULL;

	if (!db)
		ASSERT(sqlite3_open(":memory:", &db) == SQLITE_OK);
	ASSERT(sqlite3_prepare_v2(db, "SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13", -1, &statement, NULL) ==
	        SQLITE_OK);
	return statement;
}

/* A row of anything: values of any type in any column. Only what is sealed may pass, and no accident seals. */
static void check_any_row(struct input input)
{
	sqlite3_stmt *statement = row_of_parameters();
	struct cache_key key = {{take_byte(&input)}};
	struct entry *entry = NULL;
	int r;

	for (int column = 1; column <= COLUMNS; column++) {
		uint8_t type = take_byte(&input) % 5;
		struct input piece;

		if (type == 0)
			sqlite3_bind_int64(statement, column, take_number(&input));
		else if (type == 1)
			sqlite3_bind_null(statement, column);
		else if (type == 2)
			sqlite3_bind_double(statement, column, (double)take_number(&input) / 3);
		else if (piece = take_piece(&input), type == 3)
			sqlite3_bind_text64(
			        statement, column, (const char *)piece.data, piece.size, SQLITE_TRANSIENT, SQLITE_UTF8);
		else
			sqlite3_bind_blob64(statement, column, piece.data, piece.size, SQLITE_TRANSIENT);
	}
	ASSERT(sqlite3_step(statement) == SQLITE_ROW);
	r = row_read(statement, ROW_HEAD_COLUMNS, &key, &entry, NULL);
	ASSERT(r == -EUCLEAN && !entry);
	sqlite3_finalize(statement);
}

static bool same_texts(const struct entry *a, const struct entry *b)
{
	return strcmp(a->reason, b->reason) == 0 && strcmp(a->resource, b->resource) == 0 &&
	       strcmp(a->target, b->target) == 0;
}

static bool same_fields(const struct fields *a, const struct fields *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
		        strcmp(a->items[i].value, b->items[i].value) != 0)
			return false;
	return true;
}

/* An entry of any bytes, with what fields and tags the input has in it. */
static struct entry *make_entry(struct input *input)
{
	struct entry *entry = entry_new();
	struct input piece;
	char *body;

	ASSERT(entry);
	for (size_t i = 0; i < sizeof(entry->key.bytes); i++)
		entry->key.bytes[i] = take_byte(input);
	entry->status = (unsigned)take_number(input);
	entry->flags = take_byte(input);
	entry->born_ms = take_number(input);
	entry->age_ms = take_number(input);
	entry->fresh_until_ms = take_number(input);
	entry->stale_until_ms = take_number(input);
	entry->reason = take_text(input);
	entry->resource = take_text(input);
	entry->target = take_text(input);
	piece = take_piece(input);
	if (row_unpack_tags(&entry->tags, piece.data, piece.size) < 0)
		entry->tags.count = 0;
	piece = take_piece(input);
	/* a NUL ends a value for all who look at it, so one is never in there */
	if (memchr(piece.data, '\0', piece.size) ||
	        fields_parse(&entry->fields, (const char *)piece.data, piece.size) < 0)
		fields_release(&entry->fields);
	body = malloc(input->size + 1);
	ASSERT(body);
	memcpy(body, input->data, input->size);
	entry->body = blob_new(body, input->size);
	ASSERT(entry->body);
	return entry;
}

static void check_entry(struct input input)
{
	struct entry *entry = make_entry(&input), *back = NULL;
	sqlite3_stmt *statement = row_of_parameters();

	ASSERT(row_bind_head(statement, entry, NULL) == 0);
	sqlite3_bind_blob64(statement, COLUMNS, entry->body->data, entry->body->size, SQLITE_STATIC);
	ASSERT(sqlite3_step(statement) == SQLITE_ROW);
	ASSERT(row_read(statement, ROW_HEAD_COLUMNS, &entry->key, &back, NULL) == 0);
	ASSERT(back->status == entry->status && back->born_ms == entry->born_ms && back->age_ms == entry->age_ms);
	ASSERT(back->fresh_until_ms == entry->fresh_until_ms && back->stale_until_ms == entry->stale_until_ms);
	ASSERT(same_texts(entry, back) && same_fields(&entry->fields, &back->fields));
	ASSERT(back->tags.count == entry->tags.count);
	ASSERT(memcmp(back->tags.items, entry->tags.items, back->tags.count * sizeof(back->tags.items[0])) == 0);
	ASSERT(back->body->size == entry->body->size);
	ASSERT(memcmp(back->body->data, entry->body->data, entry->body->size) == 0);
	sqlite3_finalize(statement);
	entry_unref(back);
	entry_unref(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.data = data, .size = size};

	check_any_row(input);
	check_entry(input);
	return 0;
}
