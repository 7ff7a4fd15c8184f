/*
 * Small words that every room uses: objects that know what they are, scopes
 * that clean up after themselves, and assertions on what only a programming
 * mistake can break.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Frees by scope: CLEANUP(bufp) struct buf b = ...; calls bufp_cleanup(&b) when b goes out of scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Hands a pointer on and leaves NULL behind, so that its CLEANUP does nothing. */
#define TAKE(pointer)                                                                                                  \
	({                                                                                                             \
		__typeof__(pointer) taken_ = (pointer);                                                                \
		(pointer) = NULL;                                                                                      \
		taken_;                                                                                                \
	})

#define PRINTF_LIKE(format_at, arguments_at) __attribute__((format(printf, format_at, arguments_at)))
#define MUST_CHECK                           __attribute__((warn_unused_result))

/* Ends the process: something happened that only a programming mistake can cause. Async-signal-unsafe. */
#define WRONG(what)                                                                                                    \
	do {                                                                                                           \
		fprintf(stderr, "<0>%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, (what));                           \
		abort();                                                                                               \
	} while (0)

#define ASSERT(condition)                                                                                              \
	do {                                                                                                           \
		if (__builtin_expect(!(condition), 0))                                                                 \
			WRONG("assertion failed: " #condition);                                                        \
	} while (0)

/* Stops at the door when an object is not what it should be: its magic word is set by _init/_new, cleared by _free. */
#define CHECK(object, word)                                                                                            \
	do {                                                                                                           \
		ASSERT((object) != NULL);                                                                              \
		ASSERT((object)->magic == (word));                                                                     \
	} while (0)

/* For CLEANUP(freep): a pointer from malloc. */
static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

#endif
