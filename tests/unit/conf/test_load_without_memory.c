/*
 * Every allocation of a reading and of a reload fails once: it ends with
 * -ENOMEM (or an error less in the text), and a sanitizer finds nothing left.
 */
#include "conf_text.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

/* The linker leads the allocations of the daemon's code here (see local.mk). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **ret, const char *format, ...) PRINTF_LIKE(2, 3);

static long allocations_left = -1; /* until the one that fails; -1: none does */
static bool has_failed;

static bool fails_now(void)
{
	if (allocations_left < 0 || allocations_left-- > 0)
		return false;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

static void fail_at(long number)
{
	allocations_left = number;
	has_failed = false;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails_now() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails_now() ? NULL : __real_strndup(text, size);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list arguments;
	int size = -1;

	va_start(arguments, format);
	if (!fails_now())
		size = vasprintf(ret, format, arguments);
	va_end(arguments);
	return size;
}

static const char text[] = URL
        "ca_file = /dev/null\n[listen]\naddress = 127.0.0.1:1\naddress = 127.0.0.1:2\nallowed_hosts = a\n"
        "[engine \"thread\"]\nworkers = 3\n[lifetime]\nissues = 3s\n";

static const char *const overrides[] = {
        "cache.path=", "engine.sync.queue=5", "listen.address=[::1]:4", "log.levle=warn"};

/* One reading; with_error: there is a misspelt option too. True when no allocation failed any more. */
static bool read_once(const char *path, long number, bool with_error)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(10000);
	struct conf_source source = {
	        .file = path,
	        .overrides = overrides,
	        .override_count = with_error ? 4 : 3,
	        .problems = &problems,
	};
	struct conf *conf = NULL;
	struct fail fail = {0};
	int r;

	fail_at(number);
	r = conf_load(&source, &conf, &fail);
	allocations_left = -1;
	ck_assert_int_eq(r, fail.code);
	if (with_error)
		ck_assert(r == -EINVAL || (r == -ENOMEM && has_failed));
	else
		ck_assert_msg(r == (has_failed ? -ENOMEM : 0), "allocation %ld: %s", number, fail.text);
	conf_unref(conf);
	return !has_failed;
}

static void read_until_enough(bool with_error)
{
	char path[256];
	long number = 0;

	conf_folder_make();
	snprintf(path, sizeof(path), "%s/conf.d", conf_folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	conf_file("conf.d/a.conf", "[log]\nlevel = warn\n");
	snprintf(path, sizeof(path), "%s", conf_file("a.conf", text));
	while (!read_once(path, number, with_error))
		number++;
	ck_assert_int_gt(number, 50);
	conf_folder_remove();
}

START_TEST(a_reading)
{
	read_until_enough(false);
}
END_TEST

START_TEST(a_reading_with_an_error)
{
	read_until_enough(true);
}
END_TEST

START_TEST(a_reload)
{
	CLEANUP(conf_unrefp) struct conf *old = conf_of(text, NULL);
	long number = 0;

	do {
		CLEANUP(conf_unrefp) struct conf *new = conf_of("[upstream]\nurl = http://b\n", NULL);
		char names[1000];
		size_t count;

		fail_at(number++);
		count = conf_needs_restart(old, new, names, sizeof(names));
		allocations_left = -1;
		ck_assert_uint_ge(count, 4);
		ck_assert_ptr_nonnull(new->upstream.url);
		ck_assert_uint_ge(new->listen.address.count, 1);
	} while (has_failed);
	ck_assert_int_gt(number, 10);
}
END_TEST

UNIT_MAIN("load_without_memory", a_reading, a_reading_with_an_error, a_reload)
