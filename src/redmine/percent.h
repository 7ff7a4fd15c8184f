/*
 * Percent-encoding (RFC 3986 2.1) as application/x-www-form-urlencoded uses
 * it, the way Ruby's URI.decode_www_form_component reads it.
 */
#ifndef REDMINE_PERCENT_H
#define REDMINE_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* The value of a hexadecimal digit, -1 for another byte. Pure. */
static inline int percent_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Decodes size bytes of text into to, which has room for size bytes and may be
 * text itself: %XX becomes its byte, "+" a space; a "%" without two digits
 * stays and makes *ret_malformed true (left alone otherwise; NULL is allowed).
 * Returns the decoded size. Pure.
 */
size_t percent_decode(char *to, const char *text, size_t size, bool *ret_malformed);

#endif
