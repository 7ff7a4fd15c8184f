/*
 * Reason phrases and fields that libmicrohttpd would not send as they are.
 *
 * libmicrohttpd 0.9.75 writes the reason phrase of its own table, and refuses
 * fields with an empty value. It asks for the phrase through two of its public
 * functions, MHD_get_reason_phrase_for and MHD_get_reason_phrase_len_for, right
 * after the handler that queued the answer returned, on the same thread. The
 * daemon defines these two itself (a program's symbols come before a shared
 * library's, ld.so(8)), and so gives the phrase of the answer just queued, with
 * further field lines behind it where there are any. Should a
 * build of the library not ask through them, its own phrases appear and nothing else changes.
 */
#ifndef FRONT_REASON_H
#define FRONT_REASON_H

#include "base/fields.h"

/*
 * The phrase for the answer that is queued next on this thread, used once.
 * phrase: NULL or "": none of its own. refused: fields to be sent besides, may be NULL.
 * Both are copied. Longer than 4 KB together: the usual phrase, without the fields.
 */
void reason_set(unsigned status, const char *phrase, const struct fields *refused);

/* The usual phrase of a status, "" for one that has none. Static. */
const char *reason_usual(unsigned status);

#endif
