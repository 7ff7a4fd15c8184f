/*
 * The settings of any file and any -o: whatever they say, they are read or
 * refused with a reason, and what is accepted can be printed and read again.
 * In an input a NUL ends the file; each line behind it is an override.
 */
#include "conf/conf.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OVERRIDES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The settings that a file of those bytes makes with the overrides, or NULL; then problems has the reason. */
static struct conf *load(
        const void *data, size_t size, const char *const *overrides, size_t count, struct buf *problems)
{
	struct conf_source source = {.overrides = overrides, .override_count = count, .problems = problems};
	int fd = memfd_create("settings", MFD_CLOEXEC);
	struct conf *conf = NULL;
	char path[64];
	int r;

	ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	source.file = path;
	r = conf_load(&source, &conf, NULL);
	ASSERT((r == 0) == (conf != NULL));
	ASSERT((r == 0) == (problems->size == 0));
	close(fd);
	return conf;
}

static char *print(const struct conf *conf, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	ASSERT(out);
	conf_print(conf, out);
	ASSERT(fclose(out) == 0);
	return text;
}

/* Accepted settings are the same after being printed and read. */
static void check_printed(const struct conf *conf)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(1 << 20);
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *again_text = NULL;
	char changed[64];
	size_t size, again_size;
	struct conf *again;

	text = print(conf, &size);
	again = load(text, size, NULL, 0, &problems);
	ASSERT(again);
	again_text = print(again, &again_size);
	ASSERT(size == again_size && memcmp(text, again_text, size) == 0);
	ASSERT(conf_needs_restart(conf, again, changed, sizeof(changed)) == 0);
	conf_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf problems = BUF_INIT(1 << 20);
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	size_t file_size = end ? (size_t)(end - data) : size;
	CLEANUP(freep) char *lines = end ? strndup((const char *)end + 1, size - file_size - 1) : strdup("");
	const char *overrides[OVERRIDES_MAX];
	size_t count = 0;
	struct conf *conf;

	for (char *line = strtok(lines, "\n"); line && count < OVERRIDES_MAX; line = strtok(NULL, "\n"))
		overrides[count++] = line;
	conf = load(data, file_size, overrides, count, &problems);
	if (conf)
		check_printed(conf);
	conf_unref(conf);
	return 0;
}
