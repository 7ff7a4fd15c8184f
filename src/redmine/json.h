/*
 * JSON as text among other text: whether bytes are one value that can be put
 * into a document as they are, and text as a string.
 */
#ifndef REDMINE_JSON_H
#define REDMINE_JSON_H

#include "base/buf.h"

#define JSON_DEPTH_MAX 256

/* One whole value (RFC 8259), with white space around it, nested up to JSON_DEPTH_MAX, in UTF-8? Pure. */
bool json_is_value(const char *data, size_t size);

/* Well-formed UTF-8 (RFC 3629)? Pure. */
bool json_is_utf8(const char *data, size_t size);

/* Adds the text, which is UTF-8, as a string in quotes. 0 or a buffer error. */
int json_add_string(const char *data, size_t size, struct buf *out) MUST_CHECK;

/* Adds the bytes as a string in base64 (RFC 4648 section 4). 0 or a buffer error. */
int json_add_base64(const char *data, size_t size, struct buf *out) MUST_CHECK;

#endif
