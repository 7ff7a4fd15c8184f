/*
 * Writes what passes, with keys overwritten by zeros: "api_key":"...", <api_key>..., ?key=... A key is a run of
 * hexadecimal digits behind the word "key" and a few quotes, colons, "=" or ">"; what is shorter stays.
 */
#ifndef CENSOR_H
#define CENSOR_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE 32 /* digits; Redmine's keys have 40 */

/* All zero at first. */
struct censor {
	unsigned matched; /* letters of "key" */
	int behind;       /* 0: not behind it; 1: just behind it; more: and behind a quote, colon, "=" or ">" */
	char held[KEY_SIZE];
	size_t digits; /* that came behind it; so many of them held as fit */
};

/* Writes what is held back; at the end of what passes. */
static inline void censor_end(struct censor *c, FILE *file)
{
	for (size_t i = 0; i < c->digits; i++)
		putc_unlocked(c->digits < KEY_SIZE ? c->held[i] : '0', file);
	c->digits = 0;
}

/* One byte of it. */
static inline void censor_put(struct censor *c, char byte, FILE *file)
{
	static const char word[] = "key";

	if (c->behind > 1 && isxdigit((unsigned char)byte)) {
		if (c->digits < KEY_SIZE)
			c->held[c->digits] = byte;
		c->digits++;
		return;
	}
	if (c->digits > 0)
		c->behind = 0;
	censor_end(c, file);
	if (c->behind > 0 && c->behind < 6 && byte && strchr("\"':=> ", byte)) {
		c->behind++;
	} else {
		c->matched = byte == word[c->matched] ? c->matched + 1 : byte == word[0];
		c->behind = c->matched == sizeof(word) - 1;
		c->matched *= !c->behind;
	}
	putc_unlocked(byte, file);
}

#endif
