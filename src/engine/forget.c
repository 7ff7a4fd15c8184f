#include "engine/forget.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* glibc keeps so many freed blocks of each small size for each thread ("tcache"), and these it does not overwrite. */
#define KEPT_OF_A_SIZE 7
#define KEPT_SMALLEST  24
#define KEPT_LARGEST   1032
#define KEPT_STEP      16

/* As deep as libcurl and its TLS library go. */
#define STACK_DEPTH (64 * 1024)

void forget_begin(void)
{
	mallopt(M_PERTURB, 0x5a);
}

/* Takes the kept blocks of a size, and others where there are fewer. */
static void forget_size(size_t size)
{
	void *blocks[KEPT_OF_A_SIZE];

	for (size_t i = 0; i < KEPT_OF_A_SIZE; i++) {
		blocks[i] = malloc(size);
		if (blocks[i])
			explicit_bzero(blocks[i], size);
	}
	for (size_t i = 0; i < KEPT_OF_A_SIZE; i++)
		free(blocks[i]);
}

static void __attribute__((noinline)) forget_stack(void)
{
	char room[STACK_DEPTH];

	explicit_bzero(room, sizeof(room));
}

void forget_freed(void)
{
	forget_stack();
	for (size_t size = KEPT_SMALLEST; size <= KEPT_LARGEST; size += KEPT_STEP)
		forget_size(size);
}
