/*
 * A growing buffer born with the size it may never pass. The content is always
 * followed by a NUL that does not count, so that text can be printed.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct buf {
	char *data;     /* NULL while nothing was added */
	size_t size;    /* bytes in use */
	size_t room;    /* bytes allocated */
	size_t ceiling; /* size never passes this */
};

#define BUF_INIT(ceiling_bytes) ((struct buf){.ceiling = (ceiling_bytes)})

/* ceiling: bytes, at least 1. Allocates nothing. */
void buf_init(struct buf *b, size_t ceiling);

/* Frees the content; the buffer is empty and usable again with the same ceiling. NULL-safe members; for CLEANUP too. */
void buf_release(struct buf *b);

/* Makes room for `more` further bytes. 0, -ENOBUFS past the ceiling, -ENOMEM; on failure nothing changed. */
int buf_reserve(struct buf *b, size_t more) MUST_CHECK;

/* Appends; 0, -ENOBUFS or -ENOMEM as buf_reserve. The source may not lie inside the buffer. */
int buf_add(struct buf *b, const void *data, size_t size) MUST_CHECK;
int buf_add_text(struct buf *b, const char *text) MUST_CHECK;
int buf_add_char(struct buf *b, char c) MUST_CHECK;
int buf_add_unsigned(struct buf *b, uint64_t number) MUST_CHECK;
int buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* Forgets the content and keeps the memory. */
static inline void buf_clear(struct buf *b)
{
	b->size = 0;
	if (b->data)
		b->data[0] = '\0';
}

/* The content as text, "" when empty. Owned by the buffer, valid until it changes. */
static inline const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

/* Hands the memory, cut to about the size in use, to the caller (free()); the buffer is empty afterwards. NULL when nothing was ever added. */
char *buf_take(struct buf *b, size_t *ret_size);

#endif
