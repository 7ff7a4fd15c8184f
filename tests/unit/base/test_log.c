#include "base/log.h"

#include "base/clock.h"

#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS 30000 /* nothing that is waited for takes this long */

static const struct log_request hit = {"GET", "/issues.json", "127.0.0.1", "hit", "3fa9c1", 200, 27628, 412, -1};

/* stderr is a pipe whose other end the test has. */
static int reader = -1, true_stderr = -1;

static void catch_stderr(int flags)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, flags | O_CLOEXEC), 0);
	true_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	reader = ends[0];
}

static void release_stderr(void)
{
	ck_assert_int_ge(dup2(true_stderr, STDERR_FILENO), 0);
	close(true_stderr);
	if (reader >= 0)
		close(reader);
	reader = -1;
}

/* What was written until now, waiting for the first bytes of it when told so. */
static size_t read_some(char *text, size_t size, int wait_ms)
{
	ssize_t n = 0;

	if (poll(&(struct pollfd){.fd = reader, .events = POLLIN}, 1, wait_ms) > 0)
		n = read(reader, text, size - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return (size_t)n;
}

static void assert_reads(const char *part)
{
	char text[8192];
	size_t size = 0;

	do {
		size_t n = read_some(text + size, sizeof(text) - size, LIMIT_MS);

		ck_assert_msg(n > 0, "\"%s\" never came: %s", part, text);
		size += n;
	} while (!strstr(text, part));
}

START_TEST(before_the_start_lines_are_written_at_once)
{
	char text[4096];

	catch_stderr(0);
	log_error("cannot %s", "start");
	ck_assert_uint_gt(read_some(text, sizeof(text), 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "error cannot start\n"));
	log_request(&hit);
	ck_assert_uint_gt(read_some(text, sizeof(text), 0), 0);
	ck_assert_ptr_nonnull(
	        strstr(text, "info GET /issues.json 200 27628 0.412ms hit client=127.0.0.1 id=3fa9c1 upstream=-\n"));
	release_stderr();
}
END_TEST

START_TEST(levels)
{
	char text[4096];

	catch_stderr(0);
	log_set(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	ck_assert(log_wants(LOG_LEVEL_ERROR));
	ck_assert(log_wants(LOG_LEVEL_WARN));
	ck_assert(!log_wants(LOG_LEVEL_INFO));
	ck_assert(!log_wants(LOG_LEVEL_DEBUG));
	log_info("unwanted");
	log_debug("unwanted");
	log_request(&hit);
	ck_assert_uint_eq(read_some(text, sizeof(text), 0), 0);
	log_set(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_debug("wanted");
	ck_assert_uint_gt(read_some(text, sizeof(text), 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"level\":\"debug\",\"message\":\"wanted\"}\n"));
	log_set(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	release_stderr();
}
END_TEST

START_TEST(lines_are_written_without_a_stop)
{
	catch_stderr(0);
	ck_assert_int_eq(log_start(), 0);
	for (int i = 0; i < 3; i++) { /* each time the thread is asleep again, or about to be */
		log_request(&hit);
		assert_reads("GET /issues.json");
		log_warn("urgent %d", i);
		assert_reads("urgent");
	}
	log_stop();
	release_stderr();
}
END_TEST

START_TEST(stop_writes_what_is_queued)
{
	char text[4096];

	catch_stderr(0);
	ck_assert_int_eq(log_start(), 0);
	log_info("one\ntwo");
	log_error("three");
	log_stop();
	log_stop(); /* once is enough */
	log_info("after");
	ck_assert_uint_gt(read_some(text, sizeof(text), 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "info one two\n"));
	ck_assert_ptr_nonnull(strstr(strstr(text, "one two"), "error three\n"));
	ck_assert_ptr_nonnull(strstr(strstr(text, "three"), "info after\n"));
	release_stderr();
}
END_TEST

START_TEST(priorities_for_the_journal)
{
	char text[4096], stream[64];
	struct stat status;

	catch_stderr(0);
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
	        (unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(log_start(), 0);
	log_warn("to the journal");
	log_stop();
	ck_assert_uint_gt(read_some(text, sizeof(text), 0), 0);
	ck_assert_str_eq(text, "<4>to the journal\n");

	setenv("JOURNAL_STREAM", "1:1", 1); /* inherited, but stderr went elsewhere */
	ck_assert_int_eq(log_start(), 0);
	log_warn("elsewhere");
	log_stop();
	ck_assert_uint_gt(read_some(text, sizeof(text), 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "Z warn elsewhere\n"));
	unsetenv("JOURNAL_STREAM");
	release_stderr();
}
END_TEST

#define WRITERS 4
#define LINES   5000

static void *log_lines(void *unused)
{
	for (int i = 0; i < LINES; i++)
		log_request(&hit);
	return NULL;
}

/* Reads until the lines that were written and those reported as dropped are so many. */
static size_t count_lines(size_t expected, size_t *ret_reports)
{
	static char text[1 << 16];
	size_t lines = 0, size = 0;

	*ret_reports = 0;
	while (lines < expected) {
		size_t n = read_some(text + size, sizeof(text) - size, LIMIT_MS);
		char *line = text, *end;

		ck_assert_msg(n > 0, "only %zu lines of %zu", lines, expected);
		size += n;
		while ((end = strchr(line, '\n'))) {
			char *report = strstr(line, " warn ");
			unsigned long long missing;

			*end = '\0';
			if (report && report < end && sscanf(report, " warn %llu lines", &missing) == 1) {
				lines += missing;
				++*ret_reports;
			} else {
				ck_assert_msg(strstr(line, "GET /issues.json 200"), "not a whole line: %s", line);
				lines++;
			}
			line = end + 1;
		}
		size -= (size_t)(line - text);
		memmove(text, line, size + 1);
	}
	return lines;
}

START_TEST(no_line_of_many_threads_is_lost_or_torn)
{
	pthread_t threads[WRITERS];
	uint64_t before = log_dropped();
	size_t reports;

	catch_stderr(0);
	ck_assert_int_eq(log_start(), 0);
	for (size_t i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_lines, NULL), 0);
	ck_assert_uint_eq(count_lines(WRITERS * LINES, &reports), WRITERS * LINES);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert(reports > 0 || log_dropped() == before);
	log_stop();
	release_stderr();
}
END_TEST

/* Nobody reads: those who log go on, and the lines that are missing are told afterwards. */
START_TEST(a_reader_that_stands_still_costs_lines_only)
{
	uint64_t before = log_dropped();
	size_t lines = 0, reports;

	catch_stderr(0);
	ck_assert_int_eq(log_start(), 0);
	while (log_dropped() < before + 100) {
		log_request(&hit);
		lines++;
	}
	ck_assert_uint_eq(count_lines(lines, &reports), lines);
	ck_assert_uint_ge(reports, 1);
	log_stop();
	release_stderr();
}
END_TEST

START_TEST(a_stderr_that_does_not_block_loses_nothing)
{
	size_t reports;

	catch_stderr(O_NONBLOCK);
	ck_assert_int_ge(fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(log_start(), 0);
	log_lines(NULL);
	ck_assert_uint_eq(count_lines(LINES, &reports), LINES);
	ck_assert_uint_eq(reports, 0);
	log_stop();
	release_stderr();
}
END_TEST

START_TEST(a_reader_that_is_gone_ends_nothing)
{
	uint64_t before = log_dropped();

	signal(SIGPIPE, SIG_IGN);
	catch_stderr(0);
	close(reader);
	reader = -1;
	ck_assert_int_eq(log_start(), 0);
	log_error("unheard");
	log_info("unheard");
	log_stop();
	ck_assert_uint_eq(log_dropped(), before + 2);
	release_stderr();
}
END_TEST

/* The last of all, as the thread that hangs stays, and stderr with it. */
START_TEST(stop_does_not_wait_for_ever)
{
	int64_t begin = clock_monotonic_us();
	uint64_t before;

	catch_stderr(0);
	ck_assert_int_eq(log_start(), 0);
	for (before = log_dropped(); log_dropped() == before;)
		log_request(&hit);
	begin = clock_monotonic_us();
	log_stop();
	ck_assert_int_lt(clock_monotonic_us() - begin, LIMIT_MS * 1000);
	before = log_dropped();
	log_error("nobody is there");
	log_stop();
	ck_assert_uint_eq(log_dropped(), before + 1);
}
END_TEST

UNIT_MAIN("log", before_the_start_lines_are_written_at_once, levels, lines_are_written_without_a_stop,
        stop_writes_what_is_queued, priorities_for_the_journal, no_line_of_many_threads_is_lost_or_torn,
        a_reader_that_stands_still_costs_lines_only, a_stderr_that_does_not_block_loses_nothing,
        a_reader_that_is_gone_ends_nothing, stop_does_not_wait_for_ever)
