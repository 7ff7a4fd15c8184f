/*
 * HTTP fields (RFC 9110 section 5): names and values in the order they came,
 * duplicates kept, bytes untouched. Names compare without regard to case.
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "base/buf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct field {
	const char *name;  /* NUL-terminated */
	const char *value; /* NUL-terminated, may be "" */
};

struct fields_text;

/* Names and values lie in blocks that never move; zero-initialised is empty and valid. */
struct fields {
	struct field *items;
	size_t count;
	size_t room;
	struct fields_text *text; /* the block that is being filled, and those before it */
};

#define FIELDS_INIT ((struct fields){0})

/* Frees all; the list is empty and usable again. For CLEANUP too. */
void fields_release(struct fields *f);

/* Appends a copy. The value's length is given so that slices can be added. 0 or -ENOMEM. */
int fields_add(struct fields *f, const char *name, const char *value) MUST_CHECK;
int fields_add_slice(
        struct fields *f, const char *name, size_t name_size, const char *value, size_t value_size) MUST_CHECK;

/* Appends a copy of every field of `from`, in no more memory than they need. 0 or -ENOMEM (some may have been added). */
int fields_copy(struct fields *f, const struct fields *from) MUST_CHECK;

/* The first value of that name, or NULL. Owned by the list. */
const char *fields_get(const struct fields *f, const char *name);

/* How often the name occurs. */
size_t fields_count(const struct fields *f, const char *name);

/* Bytes that the list takes as lines of a message. */
size_t fields_size(const struct fields *f);

/* Bytes of memory that the list holds. */
size_t fields_memory(const struct fields *f);

/* Removes every field of that name; the memory is given back with the list. Returns how many. */
size_t fields_remove(struct fields *f, const char *name);

/* Removes the name and appends the one value. 0 or -ENOMEM. */
int fields_set(struct fields *f, const char *name, const char *value) MUST_CHECK;

/*
 * True when one of the comma-separated members (RFC 9110 5.6.1) of any field
 * of that name equals the token, without regard to case.
 */
bool fields_has_token(const struct fields *f, const char *name, const char *token);

/*
 * Removes the fields that end at one hop: Connection and what it names,
 * Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade, Trailer
 * (RFC 9110 section 7.6.1).
 */
void fields_remove_hop_by_hop(struct fields *f);

/* One block "Name: value\r\n"... without the empty line, and back. parse: 0, -EINVAL, -ENOMEM. */
int fields_print(const struct fields *f, struct buf *out) MUST_CHECK;
int fields_parse(struct fields *f, const char *block, size_t size) MUST_CHECK;

/* Names are equal (ASCII case folded). */
static inline bool field_name_is(const char *name, const char *other)
{
	/* most differ in their first letter, also without regard to its case */
	return (*name | 0x20) == (*other | 0x20) && strcasecmp(name, other) == 0;
}

#endif
