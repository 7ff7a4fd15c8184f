#include "cache/store_file.h"

#include "kit.h"

#include <fcntl.h>

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void read_text(const char *name, char *ret, size_t size)
{
	FILE *file = fopen(name, "re");

	ck_assert_ptr_nonnull(file);
	ret[fread(ret, 1, size - 1, file)] = '\0';
	fclose(file);
}

START_TEST(makes_folder_file_and_mark)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "sub/cache.db");
	struct store_file file;
	struct stat status;

	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	ck_assert_int_eq(stat(kit_path(folder, "sub"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0700);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(kit_path(folder, "sub/cache.db-mark"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	store_file_release(&file);
	store_file_release(&file);
}
END_TEST

START_TEST(says_why_not)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	struct store_file file;
	struct fail fail = {0};

	ck_assert_int_eq(store_file_open(&file, kit_path(folder, "a/b/c.db"), &fail), -ENOENT);
	ck_assert_ptr_nonnull(strstr(fail.text, "/a/b"));
	write_file(kit_path(folder, "plain"), "");
	ck_assert_int_eq(store_file_open(&file, kit_path(folder, "plain/c.db"), &fail), -ENOTDIR);
	ck_assert_int_eq(mkdir(kit_path(folder, "dir"), 0700), 0);
	ck_assert_int_eq(store_file_open(&file, kit_path(folder, "dir"), &fail), -EISDIR);
	ck_assert_int_eq(mkfifo(kit_path(folder, "pipe"), 0600), 0);
	ck_assert_int_eq(store_file_open(&file, kit_path(folder, "pipe"), &fail), -EINVAL);
}
END_TEST

START_TEST(one_process_at_a_time)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store_file file, second;
	struct fail fail = {0};

	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	ck_assert_int_eq(store_file_open(&second, path, &fail), -EBUSY);
	ck_assert_ptr_nonnull(strstr(fail.text, "another process"));
	store_file_release(&file);
	ck_assert_int_eq(store_file_open(&second, path, NULL), 0);
	store_file_release(&second);
}
END_TEST

/* Opens, reports whether the token is trusted, gives up again without a trace. */
static bool trusted(const char *path, const uint8_t token[STORE_TOKEN_SIZE])
{
	struct store_file file;
	bool ret;

	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	ret = store_file_trusts(&file, token);
	store_file_release(&file);
	return ret;
}

static void begin(const char *path, uint8_t token[STORE_TOKEN_SIZE], bool end)
{
	struct store_file file;

	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	ck_assert_int_eq(store_file_begin(&file, NULL), 0);
	memcpy(token, file.token, STORE_TOKEN_SIZE);
	if (end)
		store_file_end(&file);
	store_file_release(&file);
}

START_TEST(trusts_the_file_last_used_only)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	uint8_t zero[STORE_TOKEN_SIZE] = {0}, first[STORE_TOKEN_SIZE], second[STORE_TOKEN_SIZE];

	ck_assert(!trusted(path, zero));
	begin(path, first, true);
	ck_assert(trusted(path, first));
	ck_assert(!trusted(path, zero));
	begin(path, second, true);
	ck_assert(trusted(path, second));
	ck_assert(!trusted(path, first));
}
END_TEST

START_TEST(trusts_after_a_kill_but_not_after_a_crash_of_the_machine)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db"), *mark = kit_path(folder, "c.db-mark");
	uint8_t token[STORE_TOKEN_SIZE];
	char text[200], *at;

	begin(path, token, false);
	ck_assert(trusted(path, token)); /* same boot */
	read_text(mark, text, sizeof(text));
	at = strstr(text, " open\n");
	ck_assert_ptr_nonnull(at);
	at[-1] = at[-1] == '0' ? '1' : '0'; /* another boot */
	write_file(mark, text);
	ck_assert(!trusted(path, token));
	memcpy(at, " shut\n", 6);
	write_file(mark, text);
	ck_assert(trusted(path, token));
}
END_TEST

START_TEST(distrust_works_from_outside_and_lasts)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	uint8_t token[STORE_TOKEN_SIZE];
	struct store_file file;

	ck_assert_int_eq(store_file_distrust(path, NULL), 0); /* nothing there: nothing to trust */
	ck_assert_int_eq(access(kit_path(folder, "c.db-mark"), F_OK), -1);
	begin(path, token, true);
	ck_assert_int_eq(store_file_distrust(path, NULL), 0);
	ck_assert(!trusted(path, token));
	/* while in use, and with an ordinary end after it */
	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	ck_assert_int_eq(store_file_begin(&file, NULL), 0);
	memcpy(token, file.token, sizeof(token));
	ck_assert_int_eq(store_file_distrust(path, NULL), 0);
	store_file_end(&file);
	store_file_release(&file);
	ck_assert(!trusted(path, token));
}
END_TEST

START_TEST(a_broken_mark_is_not_trusted)
{
	static const char *const marks[] = {
	        "",
	        "redmine-cached",
	        "redmine-cached 1 00000000000000000000000000000000 00000000-0000-0000-0000-000000000000 shut\n",
	        "redmine-cached 2 0102030405060708090a0b0c0d0e0f10 00000000-0000-0000-0000-000000000000 shut\n",
	        "redmine-cached 1 0102030405060708090a0b0c0d0e0fzz 00000000-0000-0000-0000-000000000000 shut\n",
	        "redmine-cached 1 0102030405060708090a0b0c0d0e0f10 00000000-0000-0000-0000-000000000000 shut",
	        "redmine-cached 1 0102030405060708090a0b0c0d0e0f10 00000000-0000-0000-0000-000000000000 torn\n",
	};
	const uint8_t token[STORE_TOKEN_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, zero[16] = {0};
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db"), *mark = kit_path(folder, "c.db-mark");

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		write_file(mark, marks[i]);
		ck_assert_msg(!trusted(path, token) && !trusted(path, zero), "%s", marks[i]);
	}
	write_file(
	        mark, "redmine-cached 1 0102030405060708090a0b0c0d0e0f10 00000000-0000-0000-0000-000000000000 shut\n");
	ck_assert(trusted(path, token));
}
END_TEST

START_TEST(sets_aside_with_the_journal_and_keeps_one)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store_file file;
	char name[256], journal[300], text[32];

	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	write_file(path, "file");
	write_file(kit_path(folder, "c.db-wal"), "journal");
	write_file(kit_path(folder, "c.db-shm"), "index");
	write_file(kit_path(folder, "c.db.corrupt-1"), "older");
	write_file(kit_path(folder, "c.db.corrupt-1-wal"), "older");
	write_file(kit_path(folder, "c.db.newer-1"), "another reason");
	ck_assert_int_eq(store_file_set_aside(&file, "corrupt", name, sizeof(name), NULL), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(access(kit_path(folder, "c.db-wal"), F_OK), -1);
	ck_assert_int_eq(access(kit_path(folder, "c.db-shm"), F_OK), -1);
	ck_assert_int_eq(access(kit_path(folder, "c.db.corrupt-1"), F_OK), -1);
	ck_assert_int_eq(access(kit_path(folder, "c.db.corrupt-1-wal"), F_OK), -1);
	ck_assert_int_eq(access(kit_path(folder, "c.db.newer-1"), F_OK), 0);
	read_text(name, text, sizeof(text));
	ck_assert_str_eq(text, "file");
	snprintf(journal, sizeof(journal), "%s-wal", name);
	read_text(journal, text, sizeof(text));
	ck_assert_str_eq(text, "journal");
	ck_assert_int_eq(store_file_create(&file, NULL), 0);
	ck_assert_uint_eq(store_file_bytes(&file), 0);
	write_file(path, "1234");
	write_file(kit_path(folder, "c.db-wal"), "567");
	ck_assert_uint_eq(store_file_bytes(&file), 7);
	store_file_release(&file);
}
END_TEST

START_TEST(protects_the_file)
{
	CLEANUP(kit_remove) char *folder = kit_folder();
	const char *path = kit_path(folder, "c.db");
	struct store_file file;
	struct stat status;

	write_file(path, "");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(store_file_open(&file, path, NULL), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0644); /* not before it is known to be ours */
	ck_assert_int_eq(store_file_protect(&file, NULL), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	store_file_release(&file);
}
END_TEST

UNIT_MAIN("cache/store_file", makes_folder_file_and_mark, says_why_not, one_process_at_a_time,
        trusts_the_file_last_used_only, trusts_after_a_kill_but_not_after_a_crash_of_the_machine,
        distrust_works_from_outside_and_lasts, a_broken_mark_is_not_trusted, sets_aside_with_the_journal_and_keeps_one,
        protects_the_file)
