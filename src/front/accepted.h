/*
 * Which coding of a body suits a client best. Pure.
 */
#ifndef FRONT_ACCEPTED_H
#define FRONT_ACCEPTED_H

#include "base/fields.h"
#include "cache/entry.h"

/*
 * The coding to send to a client with these fields, by the qualities in its Accept-Encoding (RFC 9110 section 12.5.3):
 * the best of gzip, x-gzip and, where it was built in, zstd; of equal ones zstd. BLOB_PLAIN where it accepts neither,
 * says nothing, or likes it better as it is.
 */
enum blob_coding accepted_coding(const struct fields *request);

#endif
