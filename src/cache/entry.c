#include "cache/entry.h"

#include <string.h>

/* What malloc keeps beside each block; a guess on the safe side for glibc. */
#define BLOCK_OVERHEAD 16

static atomic_uint_fast64_t packed_bytes;

uint64_t blob_packed_bytes(void)
{
	return atomic_load(&packed_bytes);
}

size_t blob_packed_cost(size_t size)
{
	return sizeof(struct blob) + size + 2 * BLOCK_OVERHEAD;
}

struct blob *blob_new(char *data, size_t size)
{
	struct blob *blob = calloc(1, sizeof(*blob));

	if (!blob)
		return NULL;
	ASSERT(data || size == 0);
	blob->magic = BLOB_MAGIC;
	atomic_init(&blob->refs, 1);
	blob->data = data;
	blob->size = size;
	return blob;
}

struct blob *blob_ref(struct blob *blob)
{
	CHECK(blob, BLOB_MAGIC);
	atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
	return blob;
}

static void drop_packed(const struct blob *blob, struct blob *packed)
{
	if (!packed || packed == blob)
		return;
	atomic_fetch_sub(&packed_bytes, blob_packed_cost(packed->size));
	blob_unref(packed);
}

void blob_unref(struct blob *blob)
{
	if (!blob)
		return;
	CHECK(blob, BLOB_MAGIC);
	if (atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (int coding = 0; coding < BLOB_CODINGS; coding++)
		drop_packed(blob, blob_packed(blob, (enum blob_coding)coding));
	blob->magic = 0;
	free(blob->data);
	free(blob);
}

struct blob *blob_packed(const struct blob *blob, enum blob_coding coding)
{
	return atomic_load_explicit(&blob->packed[coding], memory_order_acquire);
}

struct blob *blob_keep_packed(struct blob *blob, enum blob_coding coding, struct blob *packed)
{
	struct blob *kept = NULL;

	CHECK(blob, BLOB_MAGIC);
	if (packed != blob)
		atomic_fetch_add(&packed_bytes, blob_packed_cost(packed->size));
	if (atomic_compare_exchange_strong(&blob->packed[coding], &kept, packed))
		return packed;
	drop_packed(blob, packed);
	return kept;
}

struct entry *entry_new(void)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->magic = ENTRY_MAGIC;
	atomic_init(&entry->refs, 1);
	return entry;
}

struct entry *entry_ref(struct entry *entry)
{
	CHECK(entry, ENTRY_MAGIC);
	atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
	return entry;
}

void entry_unref(struct entry *entry)
{
	if (!entry)
		return;
	CHECK(entry, ENTRY_MAGIC);
	if (atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) > 1)
		return;
	entry->magic = 0;
	fields_release(&entry->fields);
	blob_unref(entry->body);
	free(entry->reason);
	free(entry->resource);
	free(entry->target);
	free(entry);
}

void entry_unrefp(struct entry **entry)
{
	entry_unref(*entry);
}

static size_t text_cost(const char *text)
{
	return text ? strlen(text) + 1 + BLOCK_OVERHEAD : 0;
}

size_t entry_cost(const struct entry *entry)
{
	size_t cost = sizeof(*entry) + BLOCK_OVERHEAD;

	CHECK(entry, ENTRY_MAGIC);
	cost += fields_memory(&entry->fields) + 2 * BLOCK_OVERHEAD;
	cost += text_cost(entry->reason) + text_cost(entry->resource) + text_cost(entry->target);
	if (entry->body)
		cost += sizeof(*entry->body) + entry->body->size + 2 * BLOCK_OVERHEAD;
	return cost;
}

/* Copies a text member that may still be unset; 0 or -ENOMEM. */
static bool text_copy(char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

struct entry *entry_copy_head(const struct entry *entry)
{
	CLEANUP(entry_unrefp) struct entry *copy = entry_new();

	CHECK(entry, ENTRY_MAGIC);
	if (!copy)
		return NULL;
	copy->key = entry->key;
	copy->status = entry->status;
	copy->flags = entry->flags & ~(unsigned)ENTRY_FROM_STORE;
	copy->born_ms = entry->born_ms;
	copy->age_ms = entry->age_ms;
	copy->fresh_until_ms = entry->fresh_until_ms;
	copy->stale_until_ms = entry->stale_until_ms;
	copy->tags = entry->tags;
	copy->body = entry->body ? blob_ref(entry->body) : NULL;
	if (fields_copy(&copy->fields, &entry->fields) < 0 || !text_copy(&copy->reason, entry->reason) ||
	        !text_copy(&copy->resource, entry->resource) || !text_copy(&copy->target, entry->target))
		return NULL;
	return TAKE(copy);
}
