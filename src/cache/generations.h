/*
 * Which stored answers a write has spoilt, in O(1) however many there are.
 *
 * A tag is a 64-bit number (redmine/tags.h makes them); it owns one of
 * GENERATION_SLOTS counters (two tags may share one: a needless drop, never a
 * stale answer). A read notes the counters of its tags before Redmine is
 * asked; a write is open on its tags from its start until it is answered, and then raises
 * their counters, unless it surely changed nothing. An answer is served or kept only while every counter that it
 * noted is as it was and no write on those tags is open, so that a read in
 * flight across a write is delivered to whoever asked, and not kept.
 */
#ifndef CACHE_GENERATIONS_H
#define CACHE_GENERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GENERATION_SLOTS 65536
#define TAGS_MAX         12

struct tag_note {
	uint32_t slot;
	uint32_t generation;
};

/* The tags of one read with their generations at the time noted. Plain data. */
struct tag_notes {
	uint32_t count;
	struct tag_note items[TAGS_MAX];
};

struct generations;

struct generations *generations_new(void); /* NULL: out of memory */
void generations_free(struct generations *g);

/* Notes the present generations of these tags. More than TAGS_MAX tags: a programming mistake. Any thread. */
void generations_note(const struct generations *g, const uint64_t *tags, size_t count, struct tag_notes *ret);

/* True while nothing noted was spoilt since: worth holding, perhaps to be served again. Lock-free, any thread. */
bool generations_intact(const struct generations *g, const struct tag_notes *notes);

/* The same and no write on the tags is under way: fit to be served and to be kept. Lock-free, any thread. */
bool generations_current(const struct generations *g, const struct tag_notes *notes);

/*
 * How many writes on the noted slots have begun, summed up: another number than before means that one began since.
 * Lock-free, any thread.
 */
uint64_t generations_begun(const struct generations *g, const struct tag_notes *notes);

/*
 * A write on these tags starts / ends; each start has exactly one end. effect: it may have changed something; the
 * generations rise. Any thread.
 */
void generations_write_begin(struct generations *g, const uint64_t *tags, size_t count);
void generations_write_end(struct generations *g, const uint64_t *tags, size_t count, bool effect);

/* The slot of a tag and its value. slot: below GENERATION_SLOTS. Any thread. */
uint32_t generations_slot(uint64_t tag);
uint32_t generations_get(const struct generations *g, uint32_t slot);

/*
 * For the store: the value that a later process has to begin with if this one ended now: past what was noted so far
 * while a write is open, for its effect may never be told. Any thread.
 */
uint32_t generations_to_keep(const struct generations *g, uint32_t slot);

/*
 * Raises a slot to what an earlier process had reached; never lowers it. What was noted below that is spoilt by it:
 * a needless drop when a store comes back late, never a stale answer. Any thread.
 */
void generations_raise_to(struct generations *g, uint32_t slot, uint32_t generation);

#endif
