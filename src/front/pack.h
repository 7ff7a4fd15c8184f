/*
 * Compressed bodies (gzip) of answers that are kept, for clients that accept
 * them. A body is compressed once and its compressed form kept with it.
 */
#ifndef FRONT_PACK_H
#define FRONT_PACK_H

#include "flow/request.h"

/*
 * What to send for r, whose answer is an entry with that body: body itself, or its compressed form where the client accepts
 * gzip (RFC 9110 section 12.5.3), listen.compression allows it for that client, nobody forbids transforming and it is
 * worth while (text of 1 KiB to 512 KiB: larger ones would hold up an event thread). Borrowed from body. Any thread.
 */
struct blob *pack_body(const struct request *r, struct blob *body);

/* True when an Accept-Encoding with that value accepts gzip. NULL does not. Pure. */
bool pack_accepted(const char *value);

#endif
