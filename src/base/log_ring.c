#include "base/log_ring.h"

#include "base/macros.h"

#include <string.h>

/*
 * In the ring each line is a word with its size, then its bytes up to the next
 * whole word. The word is 0 until the bytes are there; whoever takes a line
 * leaves zeros behind. A line does not wrap: where it would, a word with
 * SKIP fills the rest of the ring.
 */
#define WORD sizeof(uint64_t)
#define SKIP (1ull << 32)

static uint64_t *word_at(struct log_ring *ring, uint64_t position)
{
	return (uint64_t *)(void *)(ring->bytes + position % LOG_RING_SIZE);
}

static size_t extent(size_t size)
{
	return WORD + (size + WORD - 1) / WORD * WORD;
}

bool log_ring_put(struct log_ring *ring, const char *line, size_t size)
{
	/* The tail first: a head read after it is never behind it. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	size_t needed = extent(size);
	size_t skip;

	ASSERT(size >= 1 && size <= LOG_RING_LINE_MAX);
	do {
		size_t rest = LOG_RING_SIZE - head % LOG_RING_SIZE;

		skip = rest < needed ? rest : 0;
		if (head + skip + needed - tail > LOG_RING_SIZE)
			return false;
	} while (!atomic_compare_exchange_weak(&ring->head, &head, head + skip + needed));
	if (skip > 0)
		__atomic_store_n(word_at(ring, head), SKIP | skip, __ATOMIC_RELEASE);
	memcpy(word_at(ring, head + skip) + 1, line, size);
	__atomic_store_n(word_at(ring, head + skip), size, __ATOMIC_RELEASE);
	return true;
}

size_t log_ring_take(struct log_ring *ring, char *out, size_t room)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t taken = 0;

	for (;;) {
		uint64_t *word = word_at(ring, tail);
		uint64_t size = __atomic_load_n(word, __ATOMIC_ACQUIRE);

		if (size & SKIP) {
			__atomic_store_n(word, 0, __ATOMIC_RELAXED);
			tail += size - SKIP;
			continue;
		}
		if (size == 0 || size > room - taken)
			break;
		memcpy(out + taken, word + 1, size);
		memset(word, 0, extent(size));
		taken += size;
		tail += extent(size);
	}
	atomic_store_explicit(&ring->tail, tail, memory_order_release);
	return taken;
}

size_t log_ring_used(struct log_ring *ring)
{
	uint64_t tail = atomic_load(&ring->tail);

	return (size_t)(atomic_load(&ring->head) - tail);
}
