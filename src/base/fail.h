/*
 * An error on its way up: a negative errno and one sentence. Library code
 * fills it and never logs; whoever can do something about it reads it once.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include "base/macros.h"

#define FAIL_TEXT_MAX 512

struct fail {
	int code; /* negative errno, 0 when nothing failed */
	char text[FAIL_TEXT_MAX];
};

/*
 * Says what failed. fail may be NULL (the caller only wants the number).
 * code: a negative errno; cut to FAIL_TEXT_MAX - 1 bytes of text. Returns code,
 * so that "return fail_set(fail, -EINVAL, ...)" reads as one step.
 */
int fail_set(struct fail *fail, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " in front of the text that is there already. Returns fail->code (0 for NULL). */
int fail_prefix(struct fail *fail, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
