/*
 * Compressed bodies (gzip, zstd) of answers that are kept, for clients that
 * accept them. A body is compressed once in each coding, and that kept with it
 * within cache.memory.
 */
#ifndef FRONT_PACK_H
#define FRONT_PACK_H

#include "flow/request.h"

/*
 * What to send for r, whose answer is an entry with that body: body itself, or a compressed form of it where the client
 * accepts one (front/accepted.h), listen.compression allows it for that client, nobody forbids transforming, it is worth
 * while (text of 1 KiB to 512 KiB: larger ones would hold up an event thread) and cache.memory has room for it. Then
 * *ret_coding is the name of the coding for Content-Encoding, else NULL. Borrowed from body. Any thread.
 */
struct blob *pack_body(const struct request *r, struct blob *body, const char **ret_coding);

#endif
