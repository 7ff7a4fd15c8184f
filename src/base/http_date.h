/*
 * Dates as HTTP writes them (RFC 9110 section 5.6.7): the form that is made
 * today and the two that recipients must still take.
 */
#ifndef BASE_HTTP_DATE_H
#define BASE_HTTP_DATE_H

#include <stdint.h>

/*
 * Milliseconds since 1970 UTC of "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" or
 * "Sun Nov  6 08:49:37 1994"; -1 for everything else (a date before 1970 too). Letters count in either case, as
 * caches are to read them (RFC 9111 4.2); nothing else is forgiven. The day's name is not compared with the date. now_ms: of two
 * digits of a year the one less than 50 years ahead of it is meant. NULL is allowed: -1. Pure.
 */
int64_t http_date_ms(const char *text, int64_t now_ms);

#endif
