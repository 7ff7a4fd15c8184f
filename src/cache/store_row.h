/*
 * An entry as a row of the cache file, and back. What comes back is checked
 * to be what was written; what is not is refused as corrupt.
 */
#ifndef CACHE_STORE_ROW_H
#define CACHE_STORE_ROW_H

#include "base/fail.h"
#include "cache/entry.h"

#include <sqlite3.h>

#define ROW_HEAD_COLUMNS 12 /* as HEAD_COLUMNS in store_link.c lists them */

#define ROW_TAGS_MAX (TAGS_MAX * 8) /* bytes */

/* Tags as bytes: slot and generation, 4 each, little-endian. Returns the bytes used. */
size_t row_pack_tags(const struct tag_notes *tags, uint8_t ret[ROW_TAGS_MAX]);

/* 0, or -EINVAL for what row_pack_tags() never makes. */
int row_unpack_tags(struct tag_notes *ret, const void *data, size_t size);

/* Over everything that a row says. fields: the printed block. */
uint64_t row_seal(const struct entry *entry, const void *fields, size_t fields_size);

/* Over one generation. */
uint64_t row_generation_seal(uint32_t slot, uint32_t generation);

/*
 * Binds the head's columns to parameters 1 to ROW_HEAD_COLUMNS; borrows the entry until the reset. 0, -ENOMEM,
 * -EFBIG.
 */
int row_bind_head(sqlite3_stmt *statement, const struct entry *entry, struct fail *fail);

/* Reads the head's columns from column 0 on and the body from the one at `body_at`. 0; -EUCLEAN; -ENOMEM. */
int row_read(sqlite3_stmt *statement, int body_at, const struct cache_key *key, struct entry **ret, struct fail *fail);

#endif
