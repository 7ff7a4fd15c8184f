#include "base/log_text.h"

#include <string.h>
#include <time.h>

#define TAIL_ROOM 16 /* kept for "..." and what closes the line */

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *const level_priorities[] = {"<3>", "<4>", "<6>", "<7>"}; /* sd-daemon(3) */

static bool has_room(const struct log_text *text, size_t size)
{
	return size <= LOG_TEXT_MAX - TAIL_ROOM - text->size;
}

static void add(struct log_text *text, const char *bytes, size_t size)
{
	if (!has_room(text, size))
		return;
	memcpy(text->data + text->size, bytes, size);
	text->size += size;
}

#define ADD(text, literal) add(text, literal, sizeof(literal) - 1)

static void add_word(struct log_text *text, const char *word)
{
	add(text, word, strlen(word));
}

static void add_unsigned(struct log_text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	add(text, digits + at, sizeof(digits) - at);
}

/* A number with so many digits, zeros in front. */
static char *put_digits(char *at, unsigned number, unsigned count)
{
	for (unsigned i = count; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + count;
}

/* Microseconds as milliseconds with three decimals: 0.412 */
static void add_milliseconds(struct log_text *text, int64_t us)
{
	char decimals[4] = ".";

	if (us < 0)
		us = 0;
	add_unsigned(text, (uint64_t)us / 1000);
	put_digits(decimals + 1, (unsigned)(us % 1000), 3);
	add(text, decimals, sizeof(decimals));
}

/* 2026-01-31T23:59:59.123Z (RFC 3339). The calendar is asked once a second and thread. */
static void add_time(struct log_text *text, int64_t now_ms)
{
	static _Thread_local int64_t second = INT64_MIN;
	static _Thread_local char stamp[sizeof("2026-01-31T23:59:59.")];
	char *at;

	if (now_ms / 1000 != second) {
		time_t seconds = (time_t)(now_ms / 1000);
		struct tm calendar;

		gmtime_r(&seconds, &calendar);
		at = put_digits(stamp, (unsigned)calendar.tm_year + 1900, 4);
		*at++ = '-';
		at = put_digits(at, (unsigned)calendar.tm_mon + 1, 2);
		*at++ = '-';
		at = put_digits(at, (unsigned)calendar.tm_mday, 2);
		*at++ = 'T';
		at = put_digits(at, (unsigned)calendar.tm_hour, 2);
		*at++ = ':';
		at = put_digits(at, (unsigned)calendar.tm_min, 2);
		*at++ = ':';
		at = put_digits(at, (unsigned)calendar.tm_sec, 2);
		*at = '.';
		second = now_ms / 1000;
	}
	add(text, stamp, sizeof(stamp) - 1);
	at = text->data + text->size;
	put_digits(at, (unsigned)(now_ms % 1000), 3);
	at[3] = 'Z';
	text->size += 4;
}

static void begin(struct log_text *text, struct log_dress dress, enum log_level level, int64_t now_ms)
{
	text->size = 0;
	if (dress.journal)
		add(text, level_priorities[level], 3);
	if (dress.format == LOG_FORMAT_JSON) {
		ADD(text, "{\"time\":\"");
		add_time(text, now_ms);
		ADD(text, "\",\"level\":\"");
		add_word(text, level_names[level]);
		ADD(text, "\"");
	} else if (!dress.journal) {
		add_time(text, now_ms);
		ADD(text, " ");
		add_word(text, level_names[level]);
		ADD(text, " ");
	}
}

static void end(struct log_text *text, struct log_dress dress)
{
	if (dress.format == LOG_FORMAT_JSON)
		text->data[text->size++] = '}';
	text->data[text->size++] = '\n';
}

/* Bytes of the UTF-8 character at the front (RFC 3629), 0 when there is none. */
static size_t character_size(const unsigned char *at)
{
	size_t size;

	if (*at < 0x80)
		return 1;
	if (*at < 0xc2 || *at > 0xf4)
		return 0;
	size = *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) || (*at == 0xf0 && at[1] < 0x90) ||
	        (*at == 0xf4 && at[1] > 0x8f))
		return 0; /* too long for what it says, a surrogate, or past U+10FFFF */
	return size;
}

static void add_message(struct log_text *text, const char *message, bool quoted)
{
	const unsigned char *at = (const unsigned char *)message;

	while (*at) {
		size_t size = character_size(at);

		if (!has_room(text, 4)) {
			memcpy(text->data + text->size, "...", 3); /* of the room that is kept for it */
			text->size += 3;
			return;
		}
		if (size == 0)
			ADD(text, "?");
		else if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0))
			ADD(text, " ");
		else if (quoted && (*at == '"' || *at == '\\'))
			add(text, (const char[]){'\\', (char)*at}, 2);
		else
			add(text, (const char *)at, size);
		at += size ? size : 1;
	}
}

void log_text_message(
        struct log_text *text, struct log_dress dress, enum log_level level, int64_t now_ms, const char *message)
{
	bool quoted = dress.format == LOG_FORMAT_JSON;

	begin(text, dress, level, now_ms);
	if (quoted)
		ADD(text, ",\"message\":\"");
	add_message(text, message, quoted);
	if (quoted)
		text->data[text->size++] = '"';
	end(text, dress);
}

/* Printable ASCII but for the space and what JSON escapes: '"' and '\\'. */
static const bool is_plain[256] = {['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

/* A string of a request, at most so many bytes of it. Most are plain to their end: runs of plain bytes go at once. */
static void add_string(struct log_text *text, const char *string, size_t max, bool quoted)
{
	static const char hex[] = "0123456789ABCDEF";
	const unsigned char *at = (const unsigned char *)string;
	size_t room = max - 3;

	for (;;) {
		char *to = text->data + text->size;
		size_t used = 0;

		while (used < room && is_plain[at[used]]) {
			to[used] = (char)at[used];
			used++;
		}
		at += used;
		room -= used;
		to += used;
		text->size += used;
		if (*at == '\0')
			return;
		if (room < 3) {
			memcpy(to, "...", 3);
			text->size += 3;
			return;
		}
		if (*at > ' ' && *at < 0x7f) {
			used = quoted ? 2 : 1;
			memcpy(to, (const char[]){quoted ? '\\' : (char)*at, (char)*at}, used);
		} else {
			used = 3;
			memcpy(to, (const char[]){'%', hex[*at >> 4], hex[*at & 15]}, used);
		}
		text->size += used;
		room -= used;
		at++;
	}
}

/* Bytes that each string of a request may take; together with the rest they always fit. */
#define TARGET_MAX (LOG_TEXT_MAX - 1024)
#define WORD_MAX   64
#define CLIENT_MAX 128

static void add_json_string(struct log_text *text, const char *name, size_t name_size, const char *string, size_t max)
{
	add(text, name, name_size);
	add_string(text, string, max, true);
	ADD(text, "\"");
}

#define ADD_JSON_STRING(text, name, string, max)                                                                       \
	add_json_string(text, ",\"" name "\":\"", sizeof(name) + 4, string, max)

static void add_request_json(struct log_text *text, const struct log_request *request)
{
	ADD_JSON_STRING(text, "method", request->method, WORD_MAX);
	ADD_JSON_STRING(text, "target", request->target, TARGET_MAX);
	ADD(text, ",\"status\":");
	add_unsigned(text, request->status);
	ADD(text, ",\"sent\":");
	add_unsigned(text, request->sent);
	ADD(text, ",\"duration_ms\":");
	add_milliseconds(text, request->duration_us);
	ADD_JSON_STRING(text, "cache", request->cache, WORD_MAX);
	ADD_JSON_STRING(text, "client", request->client, CLIENT_MAX);
	ADD_JSON_STRING(text, "id", request->identity, WORD_MAX);
	ADD(text, ",\"upstream_ms\":");
	if (request->upstream_us < 0)
		ADD(text, "null");
	else
		add_milliseconds(text, request->upstream_us);
}

static void add_request_text(struct log_text *text, const struct log_request *request)
{
	add_string(text, request->method, WORD_MAX, false);
	ADD(text, " ");
	add_string(text, request->target, TARGET_MAX, false);
	ADD(text, " ");
	add_unsigned(text, request->status);
	ADD(text, " ");
	add_unsigned(text, request->sent);
	ADD(text, " ");
	add_milliseconds(text, request->duration_us);
	ADD(text, "ms ");
	add_string(text, request->cache, WORD_MAX, false);
	ADD(text, " client=");
	add_string(text, request->client, CLIENT_MAX, false);
	ADD(text, " id=");
	add_string(text, request->identity, WORD_MAX, false);
	ADD(text, " upstream=");
	if (request->upstream_us < 0) {
		ADD(text, "-");
	} else {
		add_milliseconds(text, request->upstream_us);
		ADD(text, "ms");
	}
}

void log_text_request(struct log_text *text, struct log_dress dress, int64_t now_ms, const struct log_request *request)
{
	begin(text, dress, LOG_LEVEL_INFO, now_ms);
	if (dress.format == LOG_FORMAT_JSON)
		add_request_json(text, request);
	else
		add_request_text(text, request);
	end(text, dress);
}
