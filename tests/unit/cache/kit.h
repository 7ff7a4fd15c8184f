/*
 * What the tests of this room share: entries made from a number, a folder of
 * their own, waiting for a condition with a limit, answers of callbacks.
 */
#ifndef CACHE_KIT_H
#define CACHE_KIT_H

#include "base/clock.h"
#include "cache/entry.h"
#include "cache/store.h"

#include "../unit.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define KIT_BORN 1700000000000 /* ms: when the kit's entries were born */

/* The same numbers for the same seed, on every machine. */
static inline uint64_t kit_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline struct cache_key kit_key(uint64_t number)
{
	struct cache_key key;
	uint64_t state = number * 4;

	for (size_t i = 0; i < sizeof(key.bytes); i += 8) {
		uint64_t word = kit_random(&state);

		memcpy(key.bytes + i, &word, sizeof(word));
	}
	return key;
}

/* The body of a number's entry: its bytes follow from number and version, so that a mixed-up one shows. */
static inline char *kit_body(uint64_t number, unsigned version, size_t size)
{
	char *data = malloc(size + 1);
	uint64_t state = number * 1000 + version;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i % 8 == 0 ? kit_random(&state) : (uint64_t)data[i - 1] * 31 + 7);
	return data;
}

/* An entry whose every member follows from the number and the version. No tags. */
static inline struct entry *kit_entry(uint64_t number, unsigned version, size_t size)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct entry *entry = entry_new();
	char text[64];

	ck_assert_ptr_nonnull(entry);
	entry->key = kit_key(number);
	entry->status = 200 + version % 2;
	entry->reason = strdup(version % 2 ? "Created" : "OK");
	entry->resource = strdup("issues");
	snprintf(text, sizeof(text), "/issues/%llu.json?v=%u", (unsigned long long)number, version);
	entry->target = strdup(text);
	entry->flags = version % 3 ? ENTRY_LINKS : 0;
	ck_assert_int_eq(fields_add(&fields, "Content-Type", "application/json; charset=utf-8"), 0);
	snprintf(text, sizeof(text), "W/\"%llu-%u\"", (unsigned long long)number, version);
	ck_assert_int_eq(fields_add(&fields, "ETag", text), 0);
	ck_assert_int_eq(fields_add(&fields, "X-Empty", ""), 0);
	ck_assert_int_eq(fields_add(&fields, "etag", "\xff\xfe"), 0);
	ck_assert_int_eq(fields_copy(&entry->fields, &fields), 0);
	entry->body = blob_new(kit_body(number, version, size), size);
	ck_assert_ptr_nonnull(entry->body);
	entry->born_ms = KIT_BORN + version;
	entry->age_ms = 3 + version;
	entry->fresh_until_ms = KIT_BORN + 60000 + version;
	entry->stale_until_ms = KIT_BORN + 3600000 + version;
	return entry;
}

static inline struct entry *kit_tagged(
        const struct generations *g, uint64_t number, unsigned version, size_t size, const uint64_t *tags, size_t count)
{
	struct entry *entry = kit_entry(number, version, size);

	generations_note(g, tags, count, &entry->tags);
	return entry;
}

/* Equal in all that a store keeps. */
static inline bool kit_same(const struct entry *a, const struct entry *b)
{
	if (!cache_key_equal(&a->key, &b->key) || a->status != b->status || strcmp(a->reason, b->reason) != 0 ||
	        strcmp(a->resource, b->resource) != 0 || strcmp(a->target, b->target) != 0 ||
	        (a->flags & ~(unsigned)ENTRY_FROM_STORE) != (b->flags & ~(unsigned)ENTRY_FROM_STORE) ||
	        a->born_ms != b->born_ms || a->age_ms != b->age_ms || a->fresh_until_ms != b->fresh_until_ms ||
	        a->stale_until_ms != b->stale_until_ms || a->fields.count != b->fields.count ||
	        a->tags.count != b->tags.count || a->body->size != b->body->size)
		return false;
	for (size_t i = 0; i < a->fields.count; i++)
		if (strcmp(a->fields.items[i].name, b->fields.items[i].name) != 0 ||
		        strcmp(a->fields.items[i].value, b->fields.items[i].value) != 0)
			return false;
	for (uint32_t i = 0; i < a->tags.count; i++)
		if (a->tags.items[i].slot != b->tags.items[i].slot ||
		        a->tags.items[i].generation != b->tags.items[i].generation)
			return false;
	return a->body->size == 0 || memcmp(a->body->data, b->body->data, a->body->size) == 0;
}

/* Where folders are made: in memory if there is enough, as thousands of checkpoints wait for the disk otherwise. */
static inline const char *kit_base(void)
{
	const char *base = getenv("TMPDIR");
	struct statvfs status;

	if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &status) == 0 &&
	        (uint64_t)status.f_bavail * status.f_frsize > UINT64_C(512) << 20)
		return "/dev/shm";
	return base ? base : "/tmp";
}

/* A folder of the test's own, removed by kit_remove(). */
static inline char *kit_folder(void)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/cache-test-XXXXXX", kit_base());
	ck_assert_ptr_nonnull(mkdtemp(name));
	return strdup(name);
}

static inline int kit_remove_one(const char *name, const struct stat *status, int kind, struct FTW *at)
{
	return remove(name);
}

static inline void kit_remove(char **folder)
{
	nftw(*folder, kit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*folder);
}

/* "FOLDER/NAME", in one of many buffers that are used in turn: good for as long as a test needs it. One thread only. */
static inline const char *kit_path(const char *folder, const char *name)
{
	static char names[256][512];
	static unsigned next;
	char *ret = names[next++ % ARRAY_SIZE(names)];

	snprintf(ret, sizeof(names[0]), "%s/%s", folder, name);
	return ret;
}

static inline uint64_t kit_size(const char *name)
{
	struct stat status;

	return stat(name, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static inline void kit_nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits until the condition holds; fails the test when it does not within 90 s, long before Check ends it. */
#define KIT_WAIT(condition)                                                                                            \
	do {                                                                                                           \
		int64_t limit_ = clock_monotonic_us() + 90000000;                                                      \
		while (!(condition)) {                                                                                 \
			ck_assert_msg(clock_monotonic_us() < limit_, "waited in vain for: %s", #condition);            \
			kit_nap();                                                                                     \
		}                                                                                                      \
	} while (0)

/* What a found() or noted() said. */
struct kit_answer {
	atomic_int times;
	struct entry *entry; /* one reference, or NULL */
};

static inline void kit_found(void *arg, struct entry *entry)
{
	struct kit_answer *answer = arg;

	answer->entry = entry;
	atomic_fetch_add(&answer->times, 1);
}

static inline void kit_noted(void *arg)
{
	atomic_fetch_add(&((struct kit_answer *)arg)->times, 1);
}

#endif
