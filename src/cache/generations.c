#include "cache/generations.h"

#include "base/macros.h"

#include <stdatomic.h>

/*
 * Order of things, on which everything here rests. A write raises `open`
 * when it begins, and when it ends the generation before it lowers `open`. So whoever sees no open write and then the
 * generation that he noted knows that no write that changed something was under way between his note and now:
 * one that ended meanwhile had raised the generation before `open` fell.
 * All accesses are sequentially consistent; on x86-64 the loads cost nothing.
 */
struct slot {
	atomic_uint generation;
	atomic_uint open;  /* writes under way */
	atomic_uint begun; /* writes ever */
};

struct generations {
	unsigned magic;
#define GENERATIONS_MAGIC 0x6e4e7a71
	struct slot slots[GENERATION_SLOTS];
};

struct generations *generations_new(void)
{
	struct generations *g = calloc(1, sizeof(*g));

	if (g)
		g->magic = GENERATIONS_MAGIC;
	return g;
}

void generations_free(struct generations *g)
{
	if (!g)
		return;
	CHECK(g, GENERATIONS_MAGIC);
	g->magic = 0;
	free(g);
}

/* The finaliser of splitmix64: tags need not be spread well by whoever makes them. */
uint32_t generations_slot(uint64_t tag)
{
	tag = (tag ^ (tag >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	tag = (tag ^ (tag >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((tag ^ (tag >> 31)) % GENERATION_SLOTS);
}

void generations_note(const struct generations *g, const uint64_t *tags, size_t count, struct tag_notes *ret)
{
	CHECK(g, GENERATIONS_MAGIC);
	ASSERT(count <= TAGS_MAX);
	ret->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		ret->items[i].slot = generations_slot(tags[i]);
		ret->items[i].generation = atomic_load(&g->slots[ret->items[i].slot].generation);
	}
}

bool generations_intact(const struct generations *g, const struct tag_notes *notes)
{
	CHECK(g, GENERATIONS_MAGIC);
	for (uint32_t i = 0; i < notes->count; i++)
		if (atomic_load(&g->slots[notes->items[i].slot].generation) != notes->items[i].generation)
			return false;
	return true;
}

bool generations_current(const struct generations *g, const struct tag_notes *notes)
{
	CHECK(g, GENERATIONS_MAGIC);
	for (uint32_t i = 0; i < notes->count; i++)
		if (atomic_load(&g->slots[notes->items[i].slot].open) > 0)
			return false;
	return generations_intact(g, notes);
}

uint64_t generations_begun(const struct generations *g, const struct tag_notes *notes)
{
	uint64_t sum = 0;

	CHECK(g, GENERATIONS_MAGIC);
	for (uint32_t i = 0; i < notes->count; i++)
		sum += atomic_load(&g->slots[notes->items[i].slot].begun);
	return sum;
}

void generations_write_begin(struct generations *g, const uint64_t *tags, size_t count)
{
	CHECK(g, GENERATIONS_MAGIC);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &g->slots[generations_slot(tags[i])];

		atomic_fetch_add(&slot->open, 1);
		atomic_fetch_add(&slot->begun, 1);
	}
}

void generations_write_end(struct generations *g, const uint64_t *tags, size_t count, bool effect)
{
	CHECK(g, GENERATIONS_MAGIC);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &g->slots[generations_slot(tags[i])];

		if (effect)
			atomic_fetch_add(&slot->generation, 1);
		if (atomic_fetch_sub(&slot->open, 1) == 0)
			WRONG("a write ended that never began");
	}
}

uint32_t generations_get(const struct generations *g, uint32_t slot)
{
	CHECK(g, GENERATIONS_MAGIC);
	ASSERT(slot < GENERATION_SLOTS);
	return atomic_load(&g->slots[slot].generation);
}

/* The order of the two loads: a write that ended between them has raised the generation that is then read. */
uint32_t generations_to_keep(const struct generations *g, uint32_t slot)
{
	bool open;

	CHECK(g, GENERATIONS_MAGIC);
	ASSERT(slot < GENERATION_SLOTS);
	open = atomic_load(&g->slots[slot].open) > 0;
	return atomic_load(&g->slots[slot].generation) + open;
}

void generations_raise_to(struct generations *g, uint32_t slot, uint32_t generation)
{
	unsigned present;

	CHECK(g, GENERATIONS_MAGIC);
	ASSERT(slot < GENERATION_SLOTS);
	present = atomic_load(&g->slots[slot].generation);
	while (present < generation && !atomic_compare_exchange_weak(&g->slots[slot].generation, &present, generation))
		;
}
