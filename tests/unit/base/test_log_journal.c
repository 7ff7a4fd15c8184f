#include "base/log_journal.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *entry_of(const char *line)
{
	static char entry[LOG_JOURNAL_MAX + 1];

	entry[log_journal_entry(line, strlen(line), entry)] = '\0';
	return entry;
}

/* As log_text_request() writes it, so that a change there is seen here. */
static const char *line_of(const struct log_request *request)
{
	static struct log_text text;

	log_text_request(&text, (struct log_dress){LOG_FORMAT_TEXT, true}, 0, request);
	text.data[text.size - 1] = '\0';
	return text.data;
}

START_TEST(fields_of_a_request)
{
	const struct log_request request = {.method = "GET",
	        .target = "/issues.json?subject=a b\n=",
	        .client = "127.0.0.1",
	        .cache = "miss",
	        .identity = "3fa9c1",
	        .status = 200,
	        .sent = 27628,
	        .duration_us = 412,
	        .upstream_us = 1500};

	ck_assert_str_eq(entry_of(line_of(&request)),
	        "PRIORITY=6\nSYSLOG_IDENTIFIER=redmine-cached\n"
	        "MESSAGE=GET /issues.json?subject=a%20b%0A= 200 27628 0.412ms miss client=127.0.0.1 id=3fa9c1 upstream=1.500ms\n"
	        "REDMINE_CACHED_METHOD=GET\nREDMINE_CACHED_TARGET=/issues.json?subject=a%20b%0A=\n"
	        "REDMINE_CACHED_STATUS=200\nREDMINE_CACHED_SENT=27628\nREDMINE_CACHED_DURATION_MS=0.412\n"
	        "REDMINE_CACHED_CACHE=miss\nREDMINE_CACHED_CLIENT=127.0.0.1\nREDMINE_CACHED_ID=3fa9c1\n"
	        "REDMINE_CACHED_UPSTREAM=1.500ms\n");
}
END_TEST

START_TEST(other_lines_have_none)
{
	static const char *const lines[] = {"ready", "", "a b c d e f g h i", "GET / 200 1 1ms hit client=x id=y",
	        "GET / 200 1 1ms hit client=x id=y upstream=- more", "GET / 200 1 1 hit client=x id=y upstream=-",
	        "GET / 200 1 1ms hit client=x id= upstream=-", "{\"time\":1}"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char line[200], expected[300];

		snprintf(line, sizeof(line), "<4>%s", lines[i]);
		snprintf(expected, sizeof(expected), "PRIORITY=4\nSYSLOG_IDENTIFIER=redmine-cached\nMESSAGE=%s\n",
		        lines[i]);
		ck_assert_str_eq(entry_of(line), expected);
	}
	ck_assert_str_eq(entry_of("plain"), "SYSLOG_IDENTIFIER=redmine-cached\nMESSAGE=plain\n");
}
END_TEST

START_TEST(the_longest_request_has_room)
{
	char target[2 * LOG_TEXT_MAX];
	struct log_request request = {
	        .method = "GET", .target = target, .client = target, .cache = target, .identity = target};

	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	ck_assert_uint_lt(strlen(entry_of(line_of(&request))), LOG_JOURNAL_MAX);
	ck_assert_ptr_nonnull(strstr(entry_of(line_of(&request)), "\nREDMINE_CACHED_UPSTREAM="));
}
END_TEST

START_TEST(to_a_socket)
{
	char folder[] = "/tmp/journal-XXXXXX", seen[64];
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int there = socket(AF_UNIX, SOCK_DGRAM, 0), here;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", folder);
	ck_assert_int_eq(log_journal_connect(name.sun_path), -ENOENT);
	ck_assert_int_eq(bind(there, (struct sockaddr *)&name, sizeof(name)), 0);
	here = log_journal_connect(name.sun_path);
	ck_assert_int_ge(here, 0);
	ck_assert_int_eq(send(here, "MESSAGE=x\n", 10, 0), 10);
	ck_assert_int_eq(recv(there, seen, sizeof(seen), 0), 10);
	close(here);
	close(there);
	unlink(name.sun_path);
	rmdir(folder);
	memset(seen, 'x', sizeof(seen));
	ck_assert_int_eq(log_journal_connect(entry_of(
	                         "a path that is much too long for the address of a Unix socket, which has room "
	                         "for 108 bytes and not one more")),
	        -ENAMETOOLONG);
}
END_TEST

UNIT_MAIN("log_journal", fields_of_a_request, other_lines_have_none, the_longest_request_has_room, to_a_socket)
