/*
 * The page /-/status, one file with all that it needs; status_page.c is made of
 * page/ by page/embed.sh.
 */
#ifndef FRONT_STATUS_PAGE_H
#define FRONT_STATUS_PAGE_H

#include <stddef.h>

extern const unsigned char status_page[];
extern const size_t status_page_size;
extern const char status_page_policy[]; /* Content-Security-Policy: these very scripts and styles, and nothing else */

#endif
