#include "cache/backup.h"

#include "cache_kit.h"

static const uint64_t tag[] = {1001};

/* A dump of one cache, kept in memory. */
static struct dump {
	struct cache_history history;
	uint64_t left_out;
	struct entry *entries[8];
	size_t count;
	struct cache *write_in; /* a write happens in it when the first entry is shown */
} dump;

static bool keep(void *arg, struct entry *entry, bool in_memory)
{
	ck_assert_ptr_eq(arg, &dump);
	ck_assert_uint_lt(dump.count, ARRAY_SIZE(dump.entries));
	dump.entries[dump.count++] = entry_ref(entry);
	return true;
}

static void make_dump(struct cache *cache)
{
	for (size_t i = 0; i < dump.count; i++)
		entry_unref(dump.entries[i]);
	memset(&dump, 0, sizeof(dump));
	ck_assert_int_eq(cache_dump(cache, &dump.history, &dump.left_out, keep, &dump), 0);
}

static void forget_dump(void)
{
	for (size_t i = 0; i < dump.count; i++)
		entry_unref(dump.entries[i]);
	memset(&dump, 0, sizeof(dump));
}

/* What came of the first entry; as a dump's reader makes it anew. */
static enum cache_restored restore(struct cache *cache)
{
	struct entry *entry = entry_copy_head(dump.entries[0]);
	enum cache_restored restored = cache_restore(cache, entry, &dump.history);

	entry_unref(entry);
	return restored;
}

static void write_to(struct cache *cache, const uint64_t *which)
{
	struct kit_answer answer = {0};

	cache_write_begin(cache, which, 1, kit_noted, &answer);
	KIT_WAIT(atomic_load(&answer.times) == 1);
	cache_write_end(cache, which, 1, true);
}

/* A cache with one entry, dumped. */
static struct cache *dumped(const char *path)
{
	struct cache *cache = cache_kit_new(path);

	ck_assert(cache_kit_put(cache, 1, 0, 100, tag, 1));
	make_dump(cache);
	ck_assert_uint_eq(dump.count, 1);
	return cache;
}

static void forget_key(struct cache *cache)
{
	struct cache_key key = kit_key(1);

	cache_drop(cache, &key);
	ck_assert(!cache_kit_has(cache, 1));
}

START_TEST(comes_back_as_it_was)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = dumped(path);
	struct entry *found;

	ck_assert_int_eq(restore(cache), CACHE_RESTORED_PRESENT);
	forget_key(cache);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_WHOLE);
	found = cache_kit_peek(cache, 1);
	ck_assert(kit_same(found, dump.entries[0]));
	entry_unref(found);
	cache_free(cache, 5000);
	cache = cache_kit_new(path); /* it is in the file, too */
	ck_assert(cache_kit_finds(cache, 1));
	forget_key(cache);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_WHOLE);
	cache_free(cache, 5000);
	forget_dump();
}
END_TEST

START_TEST(a_write_since_spoils_it)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = dumped(path);

	write_to(cache, tag);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_SPOILT);
	cache_free(cache, 5000);
	cache = cache_kit_new(path); /* what the file remembers counts */
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_SPOILT);
	ck_assert(!cache_kit_has(cache, 1) && !cache_kit_finds(cache, 1));
	cache_free(cache, 5000);
	forget_dump();
}
END_TEST

START_TEST(a_write_under_way_keeps_it_out)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct cache *cache = dumped(kit_path(folder, "c.db"));

	cache_write_begin(cache, tag, 1, NULL, NULL);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_SPOILT);
	cache_write_end(cache, tag, 1, false);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_PRESENT);
	cache_free(cache, 5000);
	forget_dump();
}
END_TEST

/* Not to be served before Redmine was asked, whatever its time says. */
static void check_doubtful(struct cache *cache)
{
	struct entry *found;

	ck_assert_int_eq(restore(cache), CACHE_RESTORED_DOUBTFUL);
	found = cache_kit_peek(cache, 1);
	ck_assert_ptr_nonnull(found);
	ck_assert(found->flags & ENTRY_MUST_REVALIDATE);
	ck_assert_int_le(found->fresh_until_ms, found->born_ms);
	ck_assert_int_eq(found->stale_until_ms, dump.entries[0]->stale_until_ms);
	entry_unref(found);
	write_to(cache, tag); /* and it is spoilt like any other */
	ck_assert(!cache_kit_has(cache, 1));
}

START_TEST(a_removal_since_makes_it_doubtful)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = dumped(path);

	cache_clear(cache);
	check_doubtful(cache);
	cache_free(cache, 5000);
	cache = cache_kit_new(path); /* also for a later process */
	check_doubtful(cache);
	cache_free(cache, 5000);
	cache = dumped(path);
	forget_key(cache);
	cache_set_rules(cache, 7);
	check_doubtful(cache);
	cache_free(cache, 5000);
	forget_dump();
}
END_TEST

START_TEST(another_history_makes_it_doubtful)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache = dumped(path);

	cache_free(cache, 5000);
	cache = cache_kit_new(kit_path(folder, "other.db"));
	check_doubtful(cache);
	cache_free(cache, 5000);
	ck_assert_int_eq(store_sqlite.distrust(&(struct store_settings){.path = path}, NULL), 0);
	cache = cache_kit_new(path);
	check_doubtful(cache);
	cache_free(cache, 5000);
	cache = cache_kit_new(""); /* without a file each process has its own */
	check_doubtful(cache);
	cache_free(cache, 5000);
	forget_dump();
}
END_TEST

START_TEST(without_a_file_too)
{
	struct cache *cache = dumped("");

	forget_key(cache);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_WHOLE);
	ck_assert(cache_kit_has(cache, 1));
	write_to(cache, tag);
	ck_assert_int_eq(restore(cache), CACHE_RESTORED_SPOILT);
	cache_free(cache, 0);
	forget_dump();
}
END_TEST

START_TEST(what_has_no_use)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct cache *cache = dumped(kit_path(folder, "c.db"));
	struct entry *entry = entry_copy_head(dump.entries[0]);

	forget_key(cache);
	entry->stale_until_ms = clock_wall_ms();
	ck_assert_int_eq(cache_restore(cache, entry, &dump.history), CACHE_RESTORED_USELESS);
	entry_unref(entry);
	cache_clear(cache); /* from now on it is doubtful, and nobody can validate this one */
	entry = entry_copy_head(dump.entries[0]);
	fields_remove(&entry->fields, "ETag");
	ck_assert_int_eq(cache_restore(cache, entry, &dump.history), CACHE_RESTORED_USELESS);
	ck_assert(!cache_kit_has(cache, 1));
	entry_unref(entry);
	cache_free(cache, 5000);
	forget_dump();
}
END_TEST

START_TEST(secrets_stay)
{
	struct cache *cache = cache_kit_new("");
	struct entry *secret = cache_kit_entry(cache, 1, 0, 100, tag, 1);
	struct entry *cookie = cache_kit_entry(cache, 2, 0, 100, tag, 1);

	secret->flags |= ENTRY_SECRET;
	ck_assert_int_eq(fields_add(&cookie->fields, "Set-Cookie", "a=b"), 0);
	ck_assert(cache_put(cache, secret) && cache_put(cache, cookie));
	make_dump(cache);
	ck_assert_uint_eq(dump.count, 0);
	ck_assert_uint_eq(dump.left_out, 2);
	cache_clear(cache);
	ck_assert_int_eq(cache_restore(cache, secret, &dump.history), CACHE_RESTORED_SPOILT);
	entry_unref(secret);
	entry_unref(cookie);
	cache_free(cache, 0);
	forget_dump();
}
END_TEST

static bool write_and_put(void *arg, struct entry *entry, bool in_memory)
{
	struct cache *cache = dump.write_in;

	dump.write_in = NULL;
	if (cache) {
		write_to(cache, tag);
		for (uint64_t number = 10; number < 60; number++)
			ck_assert(cache_kit_put(cache, number, 0, 100, tag, 1));
	}
	ck_assert_uint_lt(entry->tags.items[0].generation, 1);
	dump.count++;
	return true;
}

/* Generations that are not on the disk yet must not be in a dump. */
START_TEST(is_of_the_moment_at_which_it_began)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct cache *cache = cache_kit_new(kit_path(folder, "c.db"));

	for (uint64_t number = 1; number < 40; number++)
		ck_assert(cache_kit_put(cache, number, 0, 100, tag, 1));
	memset(&dump, 0, sizeof(dump));
	dump.write_in = cache;
	ck_assert_int_eq(cache_dump(cache, &dump.history, &dump.left_out, write_and_put, NULL), 0);
	ck_assert_uint_ge(dump.count, 1);
	cache_free(cache, 5000);
	memset(&dump, 0, sizeof(dump));
}
END_TEST

UNIT_MAIN("backup", comes_back_as_it_was, a_write_since_spoils_it, a_write_under_way_keeps_it_out,
        a_removal_since_makes_it_doubtful, another_history_makes_it_doubtful, without_a_file_too, what_has_no_use,
        secrets_stay, is_of_the_moment_at_which_it_began)
