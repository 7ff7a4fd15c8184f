#include "front/reason.h"

#include <stdint.h>

#define LINE_MAX_SIZE 4096

/* libmicrohttpd's prototypes for these say size_t and const char *; its header is not needed here. */
__attribute__((visibility("default"))) const char *MHD_get_reason_phrase_for(unsigned int code);
__attribute__((visibility("default"))) size_t MHD_get_reason_phrase_len_for(unsigned int code);

static _Thread_local struct {
	unsigned status;
	size_t size;
	char line[LINE_MAX_SIZE];
} next;

/* RFC 9110 section 15, RFC 6585, RFC 4918 and what IANA lists besides; 422 as Rack 2 has it. */
static const struct {
	unsigned status;
	const char *phrase;
} usual[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {207, "Multi-Status"},
        {208, "Already Reported"},
        {226, "IM Used"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {305, "Use Proxy"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Entity"},
        {423, "Locked"},
        {424, "Failed Dependency"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {506, "Variant Also Negotiates"},
        {507, "Insufficient Storage"},
        {508, "Loop Detected"},
        {510, "Not Extended"},
        {511, "Network Authentication Required"},
};

const char *reason_usual(unsigned status)
{
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (usual[i].status == status)
			return usual[i].phrase;
	return "";
}

void reason_set(unsigned status, const char *phrase, const struct fields *refused)
{
	size_t room = sizeof(next.line), size;

	if (!phrase || !phrase[0])
		phrase = reason_usual(status);
	size = (size_t)snprintf(next.line, room, "%s", phrase);
	for (size_t i = 0; refused && i < refused->count && size < room; i++)
		size += (size_t)snprintf(
		        next.line + size, room - size, "\r\n%s: %s", refused->items[i].name, refused->items[i].value);
	next.status = size < room ? status : 0;
	next.size = size;
}

/* True, once, when the phrase asked for is the one set for the answer under way. */
static bool is_next(unsigned code)
{
	return next.status == code && next.size > 0;
}

size_t MHD_get_reason_phrase_len_for(unsigned int code)
{
	return is_next(code) ? next.size : strlen(reason_usual(code));
}

const char *MHD_get_reason_phrase_for(unsigned int code)
{
	if (!is_next(code))
		return reason_usual(code);
	next.status = 0;
	return next.line;
}
