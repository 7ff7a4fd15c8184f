/*
 * The queue between those who log and the thread that writes: one ring of
 * bytes, many who put, one who takes, nobody waits. A line's room is reserved
 * by moving the ring's head with one compare-and-exchange; its bytes are
 * copied after that, so nobody waits for another's copy. The order of lines is
 * that of their reservations.
 */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_SIZE     (1u << 20)           /* bytes; a power of two */
#define LOG_RING_LINE_MAX (LOG_RING_SIZE / 64) /* bytes of one line */

/* Zero-initialised is empty and valid. */
struct log_ring {
	_Alignas(64) _Atomic uint64_t head; /* bytes ever reserved */
	_Alignas(64) _Atomic uint64_t tail; /* bytes ever taken */
	_Alignas(64) unsigned char bytes[LOG_RING_SIZE];
};

/* Copies a line in. False when it does not fit (nothing changed). size: 1 to LOG_RING_LINE_MAX. Any thread. */
bool log_ring_put(struct log_ring *ring, const char *line, size_t size);

/*
 * Moves whole lines, the oldest first, into out as far as they fit. Returns
 * their bytes; 0 when there is none or the next is still being copied. One
 * thread at a time. room: at least LOG_RING_LINE_MAX.
 */
size_t log_ring_take(struct log_ring *ring, char *out, size_t room);

/* Bytes in use, those of lines that are still being copied included. Any thread. */
size_t log_ring_used(struct log_ring *ring);

#endif
