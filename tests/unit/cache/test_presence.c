#include "cache/presence.h"

#include "kit.h"

static bool maybe(struct presence *p, uint64_t number)
{
	struct cache_key key = kit_key(number);

	return presence_maybe(p, &key);
}

static void add(struct presence *p, uint64_t number)
{
	struct cache_key key = kit_key(number);

	presence_add(p, &key);
}

static void remove_number(struct presence *p, uint64_t number)
{
	struct cache_key key = kit_key(number);

	presence_remove(p, &key);
}

START_TEST(a_new_one_says_no)
{
	struct presence *p = presence_new();

	ck_assert(!maybe(p, 1));
	remove_number(p, 1);
	add(p, 1);
	ck_assert(maybe(p, 1));
	ck_assert(!maybe(p, 2));
	remove_number(p, 1);
	ck_assert(!maybe(p, 1));
	presence_free(p);
	presence_free(NULL);
}
END_TEST

START_TEST(incomplete_says_maybe)
{
	struct presence *p = presence_new();

	add(p, 1);
	presence_reset(p, false);
	ck_assert(maybe(p, 1));
	ck_assert(maybe(p, 2));
	add(p, 2);
	presence_complete(p);
	ck_assert(!maybe(p, 1));
	ck_assert(maybe(p, 2));
	presence_reset(p, true);
	ck_assert(!maybe(p, 2));
	presence_free(p);
}
END_TEST

/* Against a plain array, with keys that crowd into few places. */
START_TEST(adds_and_removes_like_a_set)
{
	static bool there[4096];
	struct presence *p = presence_new();
	uint64_t state = 1;

	for (int step = 0; step < 200000; step++) {
		uint64_t number = kit_random(&state) % 4096;
		struct cache_key key = {0};
		uint64_t word = number * 64 + 1; /* the low bits find the place */

		memcpy(key.bytes, &word, sizeof(word));
		switch (kit_random(&state) % 3) {
		case 0:
			presence_add(p, &key);
			there[number] = true;
			break;
		case 1:
			presence_remove(p, &key);
			there[number] = false;
			break;
		default:
			ck_assert_int_eq(presence_maybe(p, &key), there[number]);
		}
	}
	presence_free(p);
}
END_TEST

START_TEST(a_key_of_zero_is_a_key)
{
	struct presence *p = presence_new();
	struct cache_key zero = {0};

	ck_assert(!presence_maybe(p, &zero));
	presence_add(p, &zero);
	ck_assert(presence_maybe(p, &zero));
	presence_remove(p, &zero);
	ck_assert(!presence_maybe(p, &zero));
	presence_free(p);
}
END_TEST

START_TEST(too_many_keys_make_it_say_maybe)
{
	struct presence *p = presence_new();

	for (uint64_t i = 0; i < PRESENCE_MAX + PRESENCE_MAX / 16; i++)
		add(p, i);
	ck_assert(maybe(p, 0));
	ck_assert(maybe(p, UINT64_C(1) << 40));
	remove_number(p, 0);
	ck_assert(maybe(p, 0));
	presence_reset(p, true);
	ck_assert(!maybe(p, 0));
	presence_free(p);
}
END_TEST

UNIT_MAIN("cache/presence", a_new_one_says_no, incomplete_says_maybe, adds_and_removes_like_a_set,
        a_key_of_zero_is_a_key, too_many_keys_make_it_say_maybe)
