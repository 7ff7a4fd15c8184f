/*
 * What the process holds at the moment, to see whether it grows.
 */
#ifndef SUPPORT_USAGE_H
#define SUPPORT_USAGE_H

#include <stddef.h>

/* Bytes allocated and not freed. */
size_t usage_memory(void);

/* Open descriptors. */
size_t usage_descriptors(void);

/* Threads. */
size_t usage_threads(void);

#endif
