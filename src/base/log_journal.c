#include "base/log_journal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The words of a request's line: what is in front of a word and behind it, and the field that it becomes. */
static const struct word {
	const char *before, *after, *field;
} words[] = {
        {"", "", "REDMINE_CACHED_METHOD"},
        {"", "", "REDMINE_CACHED_TARGET"},
        {"", "", "REDMINE_CACHED_STATUS"},
        {"", "", "REDMINE_CACHED_SENT"},
        {"", "ms", "REDMINE_CACHED_DURATION_MS"},
        {"", "", "REDMINE_CACHED_CACHE"},
        {"client=", "", "REDMINE_CACHED_CLIENT"},
        {"id=", "", "REDMINE_CACHED_ID"},
        {"upstream=", "", "REDMINE_CACHED_UPSTREAM"},
};

struct slice {
	const char *at;
	size_t size;
};

/* Takes a line apart if it is a request's: words never have a space in them. */
static bool split(const char *line, size_t size, struct slice *ret)
{
	const char *end = line + size;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *space = memchr(line, ' ', (size_t)(end - line));
		size_t before = strlen(words[i].before), after = strlen(words[i].after);
		struct slice word = {line, (size_t)((space ? space : end) - line)};

		if ((i + 1 < ARRAY_SIZE(words)) != (space != NULL) || word.size <= before + after ||
		        memcmp(word.at, words[i].before, before) != 0 ||
		        memcmp(word.at + word.size - after, words[i].after, after) != 0)
			return false;
		ret[i] = (struct slice){word.at + before, word.size - before - after};
		line = space + 1;
	}
	return true;
}

static char *add_field(char *to, const char *name, const char *value, size_t size)
{
	to = stpcpy(to, name);
	*to++ = '=';
	to = mempcpy(to, value, size);
	*to++ = '\n';
	return to;
}

size_t log_journal_entry(const char *line, size_t size, char *out)
{
	struct slice found[ARRAY_SIZE(words)];
	char *to = out;

	if (size >= 3 && line[0] == '<' && line[2] == '>') {
		to = add_field(to, "PRIORITY", line + 1, 1);
		line += 3;
		size -= 3;
	}
	to = add_field(to, "SYSLOG_IDENTIFIER", "redmine-cached", strlen("redmine-cached"));
	to = add_field(to, "MESSAGE", line, size);
	if (split(line, size, found))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			to = add_field(to, words[i].field, found[i].at, found[i].size);
	return (size_t)(to - out);
}

int log_journal_connect(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}
