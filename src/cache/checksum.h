/*
 * A checksum that tells when a disk gave back other bytes than were written:
 * SQLite checks its trees, not the bytes in them. Any change within one
 * 8-byte word is always found, others but for one in 2^64. No protection
 * against somebody who writes to the file on purpose: its mode is.
 */
#ifndef CACHE_CHECKSUM_H
#define CACHE_CHECKSUM_H

#include <stdint.h>
#include <string.h>

#define CHECKSUM_START UINT64_C(0x5ea1ed)

/* Adds one word: each step is a bijection of the sum, so that a difference never gets lost again. */
static inline uint64_t checksum_add(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ (sum >> 29);
}

/* Adds bytes with their length in front. */
static inline uint64_t checksum_add_bytes(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t word;

	sum = checksum_add(sum, size);
	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum = checksum_add(sum, word);
	}
	if (size > 0) {
		word = 0;
		memcpy(&word, bytes, size);
		sum = checksum_add(sum, word);
	}
	return sum;
}

#endif
