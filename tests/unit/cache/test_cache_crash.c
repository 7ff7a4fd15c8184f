/*
 * kill -9 at any moment: a child puts, writes and drops through a cache of its
 * own, says on a pipe what it was promised, and is killed. What is left must
 * open, be whole, and give out nothing that a promise forbids.
 */
#include "cache_kit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define KEYS   64
#define TAGS   8
#define ROUNDS 40

/*
 * Redmine, so to speak: a counter for each tag, raised by each write. It lives in memory that the child and
 * its parent share, as Redmine outlives the daemon. An entry's version is the value that it was read from.
 */
struct world {
	_Atomic unsigned values[TAGS];   /* as Redmine has them */
	_Atomic unsigned promised[TAGS]; /* the value of the last write that was answered */
	_Atomic uint64_t lives;          /* how many have got as far as having a cache */
};

static uint64_t tag_of(uint64_t key)
{
	return key % TAGS;
}

static void write_through(struct cache *cache, struct world *world, uint64_t tag)
{
	struct kit_answer answer = {0};
	unsigned value;

	cache_write_begin(cache, &tag, 1, kit_noted, &answer);
	value = atomic_fetch_add(&world->values[tag], 1) + 1;
	cache_write_end(cache, &tag, 1, true);
	while (atomic_load(&answer.times) == 0)
		;
	atomic_store(&world->promised[tag], value); /* from here on the client has its answer */
}

static void read_through(struct cache *cache, struct world *world, uint64_t number)
{
	uint64_t tag = tag_of(number);
	struct tag_notes notes;
	struct entry *fresh;

	generations_note(cache_generations(cache), &tag, 1, &notes);
	fresh = kit_entry(number, atomic_load(&world->values[tag]), 500 + number * 40);
	fresh->tags = notes;
	cache_put(cache, fresh);
	entry_unref(fresh);
}

static void live(const char *path, struct world *world, uint64_t seed)
{
	struct cache *cache = cache_kit_start(path, 1 << 20, NULL, NULL);
	uint64_t state = seed;

	atomic_fetch_add(&world->lives, 1);
	for (;;) {
		uint64_t what = kit_random(&state) % 100, number = kit_random(&state) % KEYS;
		struct cache_key key = kit_key(number);

		if (what < 5)
			write_through(cache, world, number % TAGS);
		else if (what < 8)
			cache_drop(cache, &key);
		else if (what == 8)
			cache_clear(cache);
		else
			read_through(cache, world, number);
		if (what % 16 == 0)
			kit_nap();
	}
}

/* Everything that the store gives out is whole, and no older than what was promised. Returns how many there were. */
static unsigned judge(const char *path, struct world *world)
{
	struct fail fail = {0};
	struct cache *cache = cache_kit_start(path, 1 << 20, NULL, &fail);
	unsigned found = 0;

	ck_assert_msg(cache_kit_figures(cache).state == CACHE_STORE_READY, "%s", fail.text);
	ck_assert_str_eq(fail.text, "");
	for (uint64_t number = 0; number < KEYS; number++) {
		struct entry *entry = cache_kit_fetch(cache, number), *expected;
		unsigned version;

		if (!entry)
			continue;
		found++;
		version = (unsigned)(entry->born_ms - KIT_BORN);
		expected = kit_entry(number, version, 500 + number * 40);
		expected->tags = entry->tags;
		ck_assert(kit_same(entry, expected));
		ck_assert_msg(version >= atomic_load(&world->promised[tag_of(number)]), "key %u: %u, promised %u",
		        (unsigned)number, version, atomic_load(&world->promised[tag_of(number)]));
		entry_unref(entry);
		entry_unref(expected);
	}
	cache_free(cache, 5000);
	ck_assert(store_kit_intact(path));
	return found;
}

START_TEST(kill_9_at_any_moment)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct world *world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t state = 99;
	unsigned found = 0;

	ck_assert_ptr_ne(world, MAP_FAILED);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		int64_t pause_us = (int64_t)(kit_random(&state) % 120000), until;
		uint64_t lives = atomic_load(&world->lives);
		pid_t child = unit_fork();
		int status;

		ck_assert_int_ge(child, 0);
		if (child == 0)
			live(path, world, round);
		if (round % 4) /* else it may die as it begins */
			KIT_WAIT(atomic_load(&world->lives) > lives);
		until = clock_monotonic_us() + pause_us;
		while (clock_monotonic_us() < until)
			kit_nap();
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		found += judge(path, world);
	}
	ck_assert_uint_gt(found, ROUNDS); /* it did keep something */
	munmap(world, sizeof(*world));
}
END_TEST

UNIT_MAIN("cache/cache_crash", kill_9_at_any_moment)
