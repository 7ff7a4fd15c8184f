/*
 * One stored answer: immutable once published, counted references. Its body
 * is a blob of its own, so that an entry whose head was renewed by a 304 shares
 * the bytes with the one before.
 */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "base/fields.h"
#include "cache/generations.h"
#include "cache/key.h"

#include <stdatomic.h>
#include <stdint.h>

/* What the bytes of a blob may be kept as besides; see blob_keep_packed(). */
enum blob_coding { BLOB_PLAIN = -1, BLOB_GZIP, BLOB_ZSTD, BLOB_CODINGS };

struct blob {
	unsigned magic;
#define BLOB_MAGIC 0xb10b51de
	atomic_uint refs;
	size_t size;
	char *data;                                  /* owned, from malloc; may be NULL when size is 0 */
	_Atomic(struct blob *) packed[BLOB_CODINGS]; /* owned unless it is the blob itself */
	_Atomic uint64_t stored; /* the store's own name for these bytes, 0: none; see store_ops.apply */
};

/* Takes over data (malloc'ed) on success; NULL: out of memory, data still the caller's. */
struct blob *blob_new(char *data, size_t size);
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob); /* NULL is allowed */

/*
 * The same bytes in a coding, as whoever sends them made them: kept with the blob, so that they are made once. The blob
 * itself: compressing it is not worth while. Borrowed, for as long as the blob lives; NULL: not made yet. Any thread.
 */
struct blob *blob_packed(const struct blob *blob, enum blob_coding coding);
/* Takes over packed and returns the one that is kept: another's, if another thread was faster. packed may be blob. */
struct blob *blob_keep_packed(struct blob *blob, enum blob_coding coding, struct blob *packed);

/* Bytes of all that is kept so with blobs that live, overhead included: no entry's cost has them. Any thread. */
uint64_t blob_packed_bytes(void);
/* What one with so many bytes adds to them. */
size_t blob_packed_cost(size_t size);

enum entry_flag {
	ENTRY_SECRET = 1 << 0,          /* the body holds a secret: never written to the store */
	ENTRY_LINKS = 1 << 1,           /* the body holds links that delivery rewrites for the client's address */
	ENTRY_MUST_REVALIDATE = 1 << 2, /* never served stale (RFC 9111 5.2.2.2) */
	ENTRY_FROM_STORE = 1 << 3,      /* read from the store, not yet written by this process */
	ENTRY_VARIES = 1 << 4, /* no answer: says by its Vary under which keys the answers are (flow/variant.h) */
};

struct entry {
	unsigned magic;
#define ENTRY_MAGIC 0x5ca1ab1e
	atomic_uint refs;
	atomic_bool retired; /* no longer in the cache: replaced, evicted or dropped; holders let go soon */
	atomic_uchar used;   /* recency as the memory tier counts it */

	struct cache_key key;
	unsigned status;      /* 200 ... */
	char *reason;         /* reason phrase, "" when there was none */
	struct fields fields; /* end-to-end fields as Redmine sent them, no Set-Cookie, no Age */
	struct blob *body;    /* never NULL */
	char *resource;       /* name of the resource row, "" for none */
	char *target;         /* path and query with credentials cut, for people */
	unsigned flags;       /* enum entry_flag */

	int64_t born_ms;        /* wall clock when the answer arrived (or was last validated) */
	int64_t age_ms;         /* its age at that moment (the Age field it came with), RFC 9111 4.2.3 */
	int64_t fresh_until_ms; /* wall clock */
	int64_t stale_until_ms; /* wall clock: may be kept for revalidation until then, >= fresh_until_ms */
	struct tag_notes tags;
};

/*
 * An empty entry with one reference, or NULL: all members zero or NULL. The maker fills body, reason, resource and
 * target (members from malloc that the entry owns from then on), publishes it and changes it no more.
 */
struct entry *entry_new(void);
struct entry *entry_ref(struct entry *entry);
void entry_unref(struct entry *entry);   /* NULL is allowed; the last one frees */
void entry_unrefp(struct entry **entry); /* for CLEANUP */

/* Its age by the wall clock now_ms, that it came with included; RFC 9111 section 4.2.3. At least 0. */
static inline int64_t entry_age_ms(const struct entry *entry, int64_t now_ms)
{
	int64_t age_ms = now_ms - entry->born_ms + entry->age_ms;

	return age_ms > 0 ? age_ms : 0;
}

/* Bytes that it holds in memory, for the budget: everything, overhead included, a shared body counted whole. */
size_t entry_cost(const struct entry *entry);

/* A copy that shares the body: status, reason, fields, tags copied. NULL: out of memory. */
struct entry *entry_copy_head(const struct entry *entry);

#endif
