/*
 * The form in which stored answers leave the daemon and come back: JSON objects, one a line.
 *
 *   {"redmine_cached_dump": 1, "upstream": ..., "policy": ..., "at_ms": ..., "lineage": ..., "removals": ..., "seal": ...}
 *   {"key": ..., "target": ..., "status": 200, ..., "size": 700000, "seal": ...}   an answer's head
 *   {"body": ...}                                                                  its bytes, some at a time
 *   {"end": {"entries": 1, "bytes": 700000}}                                       so that a part is not taken for all
 *
 * Bytes are in base64. The seals are keyed digests by the secret that the cache's keys are made with: the header's shows
 * that it is the same secret (with another one nothing would ever be found), an answer's that it is the one that
 * was dumped, in that dump. No credential is in it; what Redmine answers to people who have one is.
 */
#ifndef CONTROL_DUMP_H
#define CONTROL_DUMP_H

#include "base/digest.h"
#include "cache/backup.h"

#include <json-c/json.h>

#define DUMP_FORMAT 1            /* changes with the meaning of keys and tags, too */
#define DUMP_PIECE  (512 * 1024) /* bytes of a body in a line at most */

/* What a dump is of, and has to be for. */
struct dump_place {
	const char *upstream, *policy;
	const struct digest_secret *secret;
};

struct dump_header {
	struct cache_history history;
	uint8_t seal[DIGEST_SIZE];
};

/* The header of a dump that begins now, and what header->seal is to be; header->history is given. The caller's to put. */
struct json_object *dump_print_header(const struct dump_place *place, struct dump_header *header, int64_t now_ms);

/* 0, or -EINVAL with fail set: no dump, or one that is not for this place. */
int dump_read_header(
        const struct dump_place *place, struct json_object *object, struct dump_header *ret, struct fail *fail);

/* An answer's head. The caller's to put; NULL: out of memory, or its fields are too long. */
struct json_object *dump_print_entry(
        const struct dump_place *place, const struct dump_header *header, const struct entry *entry);

/* The bytes of its body from `at` on, DUMP_PIECE of them or what is left. The caller's to put; NULL: out of memory. */
struct json_object *dump_print_piece(const struct entry *entry, size_t at);

/* An answer of which not all has come yet. */
struct dump_incoming {
	struct entry *entry; /* NULL: none is under way */
	struct buf body;
	size_t size; /* that it will have */
	uint8_t seal[DIGEST_SIZE];
};

/* Frees what has come of one; a zeroed one is fine, too. */
void dump_incoming_release(struct dump_incoming *incoming);

/* Begins an answer, none being under way. 0; -EINVAL, -ENOMEM with fail set. */
int dump_read_entry(struct dump_incoming *incoming, struct json_object *object, struct fail *fail);

/* Adds to its body. 0; -EINVAL, -ENOMEM with fail set. */
int dump_read_piece(struct dump_incoming *incoming, struct json_object *object, struct fail *fail);

/*
 * Once body.size is size: the whole entry with one reference, the caller's; nothing is under way after. NULL with fail set: its
 * seal is not right, or out of memory.
 */
struct entry *dump_take(struct dump_incoming *incoming, const struct dump_place *place,
        const struct dump_header *header, struct fail *fail);

#endif
