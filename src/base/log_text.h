/*
 * One line of the log, made by hand: no allocation, no locale, no printf on
 * the path of a request. Bytes that would break a line, a column or a JSON
 * string never get through.
 */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include "base/log.h"

#include <stddef.h>

#define LOG_TEXT_MAX 4096 /* bytes of a line, its newline included; what is longer ends with "..." */

struct log_text {
	size_t size;
	char data[LOG_TEXT_MAX];
};

/* How lines are dressed; the same for all until the process ends. */
struct log_dress {
	enum log_format format;
	bool journal; /* "<6>" in front instead of the time and the level */
};

/*
 * Writes the whole line of a message or a request, with its newline, at a wall
 * clock time in milliseconds. A control character in a message becomes a
 * space, a byte that is not UTF-8 a "?"; in a request's strings every byte
 * that is not printable ASCII is %-escaped. Any thread.
 */
void log_text_message(
        struct log_text *text, struct log_dress dress, enum log_level level, int64_t now_ms, const char *message);
void log_text_request(struct log_text *text, struct log_dress dress, int64_t now_ms, const struct log_request *request);

#endif
