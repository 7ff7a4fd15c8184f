/*
 * A gzip or deflate content coding undone as the bytes come, by zlib. libcurl
 * could do it, but does not tell when a compressed stream ends before its end.
 */
#ifndef UPSTREAM_CODING_H
#define UPSTREAM_CODING_H

#include <stdbool.h>
#include <stddef.h>

struct coding;

/* For a Content-Encoding value: NULL when it is none that is undone here ("br", several), or out of memory (*ret_failed then). */
struct coding *coding_new(const char *content_encoding, bool *ret_failed);
void coding_free(struct coding *coding); /* NULL is allowed */

/*
 * Undoes data and gives it to sink piece by piece. sink: 0; negative: stop, the return value of this call. After such
 * a stop the same data is offered again and goes on where it stopped. 0; what sink said; -EPROTO: not in that coding.
 */
int coding_feed(
        struct coding *coding, const char *data, size_t size, int (*sink)(void *arg, const char *, size_t), void *arg);

/* True when the coded stream came to its end, or there was none at all. */
bool coding_ended(const struct coding *coding);

#endif
