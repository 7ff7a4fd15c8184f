/*
 * The cache is only a cache: whatever is wrong with the file or its place,
 * calls work from memory, the state says why, and it recovers by itself.
 */
#include "cache_kit.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define KEYS 40

static const uint64_t tag[] = {11};

static size_t size_of(uint64_t number)
{
	return number % 5 == 0 ? 30000 : 200 * number;
}

/* A file with KEYS entries in it, closed in order. */
static void fill(const char *path)
{
	struct cache *cache = cache_kit_new(path);

	for (uint64_t i = 0; i < KEYS; i++)
		ck_assert(cache_kit_put(cache, i, 0, size_of(i), tag, 1));
	cache_free(cache, 10000);
}

/* Whatever it finds is what was put; returns how many. */
static unsigned look_at_all(struct cache *cache)
{
	unsigned found = 0;

	for (uint64_t i = 0; i < KEYS; i++) {
		struct entry *entry = cache_kit_fetch(cache, i), *expected = kit_entry(i, 0, size_of(i));

		if (entry) {
			expected->tags = entry->tags;
			ck_assert(kit_same(entry, expected));
			found++;
		}
		entry_unref(entry);
		entry_unref(expected);
	}
	return found;
}

static bool is_well(struct cache *cache)
{
	struct cache_figures figures = cache_kit_figures(cache);

	return figures.state == CACHE_STORE_READY && figures.why[0] == '\0';
}

/* It is ready soon, and then keeps and gives again. */
static void works_again(struct cache *cache)
{
	KIT_WAIT(is_well(cache));
	/* a put may fall into the moment in which another fault is found; a drop makes the writer hurry */
	KIT_WAIT(cache_kit_put(cache, 1000, 1, 300, tag, 1) && cache_kit_hurry(cache) &&
	         cache_kit_may_hold(cache, 1000) && cache_kit_figures(cache).state == CACHE_STORE_READY);
	ck_assert(cache_kit_has(cache, 1000));
}

static void copy(const char *from, const char *to)
{
	char buffer[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	ck_assert_int_ge(in, 0);
	ck_assert_int_ge(out, 0);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		ck_assert_int_eq(write(out, buffer, (size_t)n), n);
	close(in);
	close(out);
}

static void poke(const char *path, off_t at, uint8_t change)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= change;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/*
 * Starts over a damaged file, looks at everything, and expects it to be right or gone, and to work again. Damage
 * that nobody has come across may stay, as nothing looks through the file.
 */
static unsigned survive(const char *path)
{
	struct fail fail = {0};
	struct cache *cache = cache_kit_start(path, 4 << 20, NULL, &fail);
	unsigned found = look_at_all(cache);

	works_again(cache);
	cache_free(cache, 10000);
	return found;
}

/* A filled file and its mark, to be damaged again and again. */
struct original {
	const char *path, *whole, *mark, *whole_mark;
	uint64_t size;
};

static struct original make_original(const char *folder)
{
	struct original original = {
	        .path = kit_path(folder, "c.db"),
	        .whole = kit_path(folder, "whole"),
	        .mark = kit_path(folder, "c.db-mark"),
	        .whole_mark = kit_path(folder, "whole-mark"),
	};

	fill(original.path);
	copy(original.path, original.whole);
	copy(original.mark, original.whole_mark);
	original.size = kit_size(original.whole);
	return original;
}

static void restore(const struct original *original)
{
	copy(original->whole, original->path);
	copy(original->whole_mark, original->mark);
}

/* https://www.sqlite.org/fileformat.html section 1.3: each byte of the header, and some after it */
START_TEST(each_byte_of_the_header)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct original original = make_original(folder);

	for (off_t at = 0; at < 112; at++) {
		restore(&original);
		poke(original.path, at, at % 2 ? 0x01 : 0xff);
		survive(original.path);
	}
}
END_TEST

START_TEST(flipped_bytes)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct original original = make_original(folder);
	unsigned unharmed = 0, harmed = 0;
	uint64_t state = 3;

	for (int round = 0; round < 120; round++) {
		/* the first pages hold the roots: worth more tries than bodies */
		uint64_t at = 100 + kit_random(&state) % ((round % 2 ? 65536 : original.size) - 100);
		unsigned found;

		restore(&original);
		poke(original.path, (off_t)at, (uint8_t)(1 + kit_random(&state) % 255));
		found = survive(original.path);
		unharmed += found == KEYS;
		harmed += found < KEYS;
	}
	ck_assert_uint_gt(unharmed, 0);
	ck_assert_uint_gt(harmed, 0);
}
END_TEST

START_TEST(many_flipped_bytes_at_once)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct original original = make_original(folder);
	uint64_t state = 4;

	for (int round = 0; round < 30; round++) {
		restore(&original);
		for (int i = 0; i < 200; i++)
			poke(original.path, (off_t)(100 + kit_random(&state) % (original.size - 100)),
			        (uint8_t)(1 + i % 255));
		survive(original.path);
	}
}
END_TEST

START_TEST(cut_short)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct original original = make_original(folder);

	for (uint64_t cut = 0; cut <= original.size; cut += original.size / 16 - 7) {
		restore(&original);
		ck_assert_int_eq(truncate(original.path, (off_t)cut), 0);
		survive(original.path);
	}
}
END_TEST

START_TEST(damaged_while_in_use)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache;
	glob_t aside;
	int fd;

	fill(path);
	cache = cache_kit_new(path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (off_t at = 8192; at < (off_t)kit_size(path); at += 4096)
		ck_assert_int_eq(pwrite(fd, "garbage garbage garbage garbage!", 32, at), 32);
	close(fd);
	look_at_all(cache);
	KIT_WAIT(cache_kit_figures(cache).store_errors > 0);
	works_again(cache);
	ck_assert_int_eq(glob(kit_path(folder, "c.db.corrupt-*[0-9]"), 0, NULL, &aside), 0);
	ck_assert_uint_eq(aside.gl_pathc, 1);
	globfree(&aside);
	cache_free(cache, 10000);
	ck_assert(store_kit_intact(path));
}
END_TEST

START_TEST(removed_while_in_use)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache;

	fill(path);
	cache = cache_kit_new(path);
	ck_assert_int_eq(unlink(path), 0);
	cache_kit_write(cache, tag, 1);
	works_again(cache);
	ck_assert_int_eq(access(path, F_OK), 0);
	cache_free(cache, 10000);
	ck_assert(store_kit_intact(path));
	cache = cache_kit_new(path);
	ck_assert(cache_kit_finds(cache, 1000));
	ck_assert_uint_eq(look_at_all(cache), 0);
	cache_free(cache, 10000);
}
END_TEST

/* What a client was promised about a write that fell into a fault holds after a kill and a restart, too. */
START_TEST(a_write_while_locked_is_remembered_over_a_kill)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache;
	sqlite3 *other;
	pid_t child;
	int status;

	fill(path);
	/* the lock is held by a process of its own, as SQLite's locks do not hold within one */
	child = unit_fork();
	if (child == 0) {
		cache = cache_kit_new(path);
		if (sqlite3_open(path, &other) != SQLITE_OK ||
		        sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
			_exit(2);
		cache_kit_write(cache, tag, 1); /* noted although it can't be written */
		if (cache_kit_figures(cache).state != CACHE_STORE_DEGRADED)
			_exit(3);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cache = cache_kit_start(path, 4 << 20, NULL, NULL);
	ck_assert_uint_eq(look_at_all(cache), 0);
	works_again(cache);
	cache_free(cache, 10000);
}
END_TEST

START_TEST(a_lock_passes)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache;
	sqlite3 *other;

	fill(path);
	cache = cache_kit_new(path);
	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_uint_eq(look_at_all(cache), KEYS); /* who only reads does not notice */
	ck_assert(cache_kit_put(cache, 500, 0, 10, tag, 1));
	KIT_WAIT(cache_kit_figures(cache).state == CACHE_STORE_DEGRADED);
	ck_assert_ptr_nonnull(strstr(cache_kit_figures(cache).why, "locked"));
	ck_assert(cache_kit_has(cache, 500));
	ck_assert(cache_kit_put(cache, 501, 0, 10, tag, 1));
	ck_assert(cache_kit_has(cache, 501));
	ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
	works_again(cache);
	ck_assert_uint_eq(look_at_all(cache), KEYS); /* nothing was missed but a put: the rest is still good */
	cache_free(cache, 10000);
}
END_TEST

START_TEST(locked_from_the_start)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct cache *cache, *second;
	struct fail fail = {0};
	int r;

	fill(path);
	cache = cache_kit_new(path);
	second = cache_kit_start(path, 1 << 20, &r, &fail);
	ck_assert_int_eq(r, 1);
	ck_assert_ptr_nonnull(strstr(fail.text, "another process"));
	ck_assert_int_eq(cache_kit_figures(second).state, CACHE_STORE_DEGRADED);
	ck_assert(cache_kit_put(second, 500, 0, 10, tag, 1));
	ck_assert(cache_kit_has(second, 500));
	cache_free(cache, 10000);
	KIT_WAIT(cache_kit_figures(second).state == CACHE_STORE_READY);
	ck_assert_uint_eq(look_at_all(second), KEYS);
	cache_free(second, 10000);
}
END_TEST

/* Places where no file can be, each of them put right afterwards. */
static void put_right(char *folder, const char *what, void (*right)(const char *folder))
{
	const char *path = kit_path(folder, "sub/deep/c.db");
	struct cache *cache;
	struct fail fail = {0};
	struct kit_answer answer = {0};
	int r;

	cache = cache_kit_start(path, 1 << 20, &r, &fail);
	ck_assert_int_eq(r, 1);
	ck_assert_msg(strstr(fail.text, what) != NULL, "%s: %s", what, fail.text);
	ck_assert_int_eq(cache_kit_figures(cache).state, CACHE_STORE_DEGRADED);
	ck_assert_ptr_nonnull(strstr(cache_kit_figures(cache).why, what));
	ck_assert(cache_kit_put(cache, 1, 0, 10, tag, 1));
	ck_assert(cache_kit_has(cache, 1));
	ck_assert(!cache_kit_may_hold(cache, 2));
	cache_write_begin(cache, tag, 1, kit_noted, &answer);
	KIT_WAIT(atomic_load(&answer.times) == 1);
	cache_write_end(cache, tag, 1, true);
	ck_assert(!cache_kit_has(cache, 1));
	right(folder);
	works_again(cache);
	cache_free(cache, 10000);
	cache = cache_kit_new(path);
	ck_assert(cache_kit_finds(cache, 1000));
	cache_free(cache, 10000);
}

static void make_sub(const char *folder)
{
	ck_assert_int_eq(mkdir(kit_path(folder, "sub"), 0700), 0);
}

START_TEST(no_folder)
{
	CLEANUP(kit_remove) char *folder = kit_folder();

	put_right(folder, "No such file", make_sub);
}
END_TEST

static void replace_by_folder(const char *folder)
{
	ck_assert_int_eq(unlink(kit_path(folder, "sub")), 0);
	make_sub(folder);
}

START_TEST(a_file_where_a_folder_should_be)
{
	CLEANUP(kit_remove) char *folder = kit_folder();

	close(open(kit_path(folder, "sub"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	put_right(folder, "Not a directory", replace_by_folder);
}
END_TEST

static void remove_folder(const char *folder)
{
	ck_assert_int_eq(rmdir(kit_path(folder, "sub/deep/c.db")), 0);
}

START_TEST(a_folder_where_the_file_should_be)
{
	CLEANUP(kit_remove) char *folder = kit_folder();

	make_sub(folder);
	ck_assert_int_eq(mkdir(kit_path(folder, "sub/deep"), 0700), 0);
	ck_assert_int_eq(mkdir(kit_path(folder, "sub/deep/c.db"), 0700), 0);
	put_right(folder, "Is a directory", remove_folder);
}
END_TEST

/* No room: a limit on the size of files says so to root, too, and can be lifted. */
START_TEST(no_room_left)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct rlimit limit, before;
	struct cache *cache;
	uint64_t number = 2000;

	signal(SIGXFSZ, SIG_IGN);
	fill(path);
	cache = cache_kit_new(path);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = kit_size(path) + 100000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (cache_kit_figures(cache).state == CACHE_STORE_READY && number < 4000) {
		ck_assert(cache_kit_put(cache, number, 0, 20000, tag, 1));
		ck_assert(cache_kit_has(cache, number));
		number++;
		kit_nap();
	}
	KIT_WAIT(cache_kit_figures(cache).store_errors > 0);
	cache_kit_write(cache, tag, 1); /* a write meanwhile is answered */
	ck_assert(cache_kit_put(cache, 600, 1, 10, tag, 1));
	ck_assert(cache_kit_has(cache, 600));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	works_again(cache);
	look_at_all(cache); /* only what is right, or nothing */
	ck_assert(!cache_kit_finds(cache, 2));
	cache_free(cache, 10000);
	ck_assert(store_kit_intact(path));
}
END_TEST

static void expect_ready(void *arg, enum cache_store_state state, const char *why)
{
	atomic_int *said = arg;

	atomic_fetch_add(&said[state], 1);
}

START_TEST(each_change_of_state_is_told_once)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	atomic_int said[3] = {0};
	struct cache_settings settings = {
	        .store = &store_sqlite,
	        .store_settings = {.path = path, .size_limit = STORE_KIT_LIMIT},
	        .memory_limit = 1 << 20,
	        .retry_min_ms = 1,
	        .retry_max_ms = 10,
	        .on_state = expect_ready,
	        .on_state_arg = said,
	};
	struct cache *cache;
	sqlite3 *other;

	ck_assert_int_eq(cache_new(&settings, &cache, NULL), 0);
	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	cache_kit_write(cache, tag, 1);
	KIT_WAIT(cache_kit_figures(cache).store_errors >= 2);
	ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
	KIT_WAIT(atomic_load(&said[CACHE_STORE_READY]) == 1);
	ck_assert_int_eq(atomic_load(&said[CACHE_STORE_DEGRADED]), 1);
	ck_assert_int_eq(atomic_load(&said[CACHE_STORE_OFF]), 0);
	cache_free(cache, 1000);
}
END_TEST

UNIT_MAIN("cache/cache_damage", each_byte_of_the_header, flipped_bytes, many_flipped_bytes_at_once, cut_short,
        damaged_while_in_use, removed_while_in_use, a_write_while_locked_is_remembered_over_a_kill, a_lock_passes,
        locked_from_the_start, no_folder, a_file_where_a_folder_should_be, a_folder_where_the_file_should_be,
        no_room_left, each_change_of_state_is_told_once)
