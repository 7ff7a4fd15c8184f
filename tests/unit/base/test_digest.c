#include "base/digest.h"

#include "../unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[128];

static void make_folder(void)
{
	strcpy(folder, "/tmp/test_digest.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secret", folder);
}

static void remove_folder(void)
{
	chmod(folder, 0700);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* nothing else may be left in it */
}

static void of_two(const struct digest_secret *secret, const char *one, const char *other, uint8_t ret[DIGEST_SIZE])
{
	struct digest d;

	digest_start(&d, secret);
	digest_add_text(&d, one);
	digest_add_text(&d, other);
	digest_end(&d, ret);
}

/* hmac.new(bytes(range(32)), struct.pack("<Q", 2) + b"ab" + struct.pack("<Q", 0), "sha256") of Python */
START_TEST(is_hmac_sha_256_with_lengths)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	static const uint8_t expected[DIGEST_SIZE] = {
	        0x55,
	        0x3b,
	        0x53,
	        0x2f,
	        0x75,
	        0x9c,
	        0x6d,
	        0x72,
	        0x23,
	        0xd7,
	        0xd8,
	        0x49,
	        0xf2,
	        0x4a,
	        0x76,
	        0xce,
	        0xa4,
	        0x7b,
	        0xba,
	        0xc2,
	        0x16,
	        0x33,
	        0xfb,
	        0x7f,
	        0xaa,
	        0x1d,
	        0x77,
	        0xb2,
	        0xce,
	        0x43,
	        0xf4,
	        0xe7,
	};
	struct digest_secret secret;
	uint8_t got[DIGEST_SIZE];

	for (size_t i = 0; i < sizeof(secret.bytes); i++)
		secret.bytes[i] = (uint8_t)i;
	of_two(&secret, "ab", "", got);
	ck_assert_mem_eq(got, expected, DIGEST_SIZE);
#endif
}
END_TEST

START_TEST(members_do_not_run_together)
{
	struct digest_secret secret;
	uint8_t one[DIGEST_SIZE], other[DIGEST_SIZE];

	digest_secret_random(&secret);
	of_two(&secret, "ab", "c", one);
	of_two(&secret, "a", "bc", other);
	ck_assert_mem_ne(one, other, DIGEST_SIZE);
	of_two(&secret, "", "abc", other);
	ck_assert_mem_ne(one, other, DIGEST_SIZE);
	of_two(&secret, "ab", "c", other);
	ck_assert_mem_eq(one, other, DIGEST_SIZE);
}
END_TEST

START_TEST(another_secret_another_digest)
{
	struct digest_secret one_secret, other_secret;
	uint8_t one[DIGEST_SIZE], other[DIGEST_SIZE];

	digest_secret_random(&one_secret);
	digest_secret_random(&other_secret);
	of_two(&one_secret, "a", "b", one);
	of_two(&other_secret, "a", "b", other);
	ck_assert_mem_ne(one, other, DIGEST_SIZE);
}
END_TEST

START_TEST(secret_is_made_once_and_private)
{
	struct digest_secret first, second;
	struct stat status;

	make_folder();
	ck_assert_int_eq(digest_secret_load(&first, path, NULL), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0600);
	ck_assert_int_eq(status.st_size, 32);
	ck_assert_int_eq(digest_secret_load(&second, path, NULL), 0);
	ck_assert_mem_eq(first.bytes, second.bytes, sizeof(first.bytes));
	remove_folder();
}
END_TEST

START_TEST(a_file_of_another_size_is_set_aside)
{
	static const size_t sizes[] = {0, 1, 31, 33};
	struct digest_secret secret, again;
	struct fail fail = {0};
	char content[64], aside[sizeof(path) + 16];
	FILE *file;

	make_folder();
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fwrite("thirty-three bytes, one too many!", 1, sizes[i], file), sizes[i]);
		fclose(file);
		ck_assert_int_eq(digest_secret_load(&secret, path, &fail), 0);
		ck_assert_int_eq(digest_secret_load(&again, path, &fail), 0);
		ck_assert_mem_eq(&secret, &again, sizeof(secret));
		file = fopen(aside, "r");
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fread(content, 1, sizeof(content), file), sizes[i]);
		fclose(file);
		ck_assert_int_eq(unlink(aside), 0);
	}
	remove_folder();
}
END_TEST

START_TEST(without_a_place_the_secret_is_a_fresh_one)
{
	struct digest_secret one = {0}, other = {0};
	struct fail fail = {0};

	ck_assert_int_eq(digest_secret_load(&one, "/nonexistent/folder/secret", &fail), -ENOENT);
	ck_assert_int_eq(fail.code, -ENOENT);
	ck_assert_int_eq(digest_secret_load(&other, "/nonexistent/folder/secret", NULL), -ENOENT);
	ck_assert_mem_ne(one.bytes, other.bytes, sizeof(one.bytes));
}
END_TEST

START_TEST(a_folder_in_its_place_is_an_error)
{
	struct digest_secret secret;
	struct fail fail = {0};

	make_folder();
	ck_assert_int_lt(digest_secret_load(&secret, folder, &fail), 0);
	ck_assert_str_ne(fail.text, "");
	remove_folder();
}
END_TEST

/* RFC 4231, test cases 2 and 6: keys of others, shorter and longer than a block. */
START_TEST(messages_of_others)
{
	static const uint8_t short_key[] = {0x5b, 0xdc, 0xc1, 0x46}, long_key[] = {0x60, 0xe4, 0x31, 0x59};
	uint8_t key[131], digest[DIGEST_SIZE], other[DIGEST_SIZE];

	digest_message(digest, "Jefe", 4, "what do ya want for nothing?", 28);
	ck_assert_mem_eq(digest, short_key, sizeof(short_key));
	memset(key, 0xaa, sizeof(key));
	digest_message(other, key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54);
	ck_assert_mem_eq(other, long_key, sizeof(long_key));
	ck_assert(digest_equal(digest, digest));
	ck_assert(!digest_equal(digest, other));
	digest_message(digest, "", 0, NULL, 0);
	ck_assert(!digest_equal(digest, other));
}
END_TEST

UNIT_MAIN("digest", messages_of_others, is_hmac_sha_256_with_lengths, members_do_not_run_together,
        another_secret_another_digest, secret_is_made_once_and_private, a_file_of_another_size_is_set_aside,
        without_a_place_the_secret_is_a_fresh_one, a_folder_in_its_place_is_an_error)
