/*
 * Base64 (RFC 4648 section 4), by nettle.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Appends the bytes as text, padded, without line breaks. 0, -ENOMEM, -ENOBUFS. Pure. */
int base64_add(struct buf *out, const void *data, size_t size) MUST_CHECK;

/* Appends the bytes that such a text stands for. 0; -EINVAL: it is none; -ENOMEM, -ENOBUFS. Pure. */
int base64_read(struct buf *out, const char *text, size_t size) MUST_CHECK;

#endif
