#include "base/log.h"

#include "base/clock.h"
#include "base/log_journal.h"
#include "base/log_ring.h"
#include "base/log_text.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GATHER_MS 50   /* lines that nobody waits for are written together */
#define STOP_MS   1000 /* the longest that log_stop waits for the reader of stderr */

/*
 * What the writing thread is doing, so that those who log know whether it has
 * to be woken. Each side first says what it did (a line is in the ring; the
 * thread goes to sleep), then looks at what the other said: one of them sees it.
 */
enum writer_state {
	WRITER_NONE,    /* there is no thread: the caller writes */
	WRITER_ASLEEP,  /* any line wakes it */
	WRITER_GATHERS, /* wakes by itself in a moment; a line that is urgent or many wake it now */
	WRITER_WRITES,  /* looks at the ring again before it sleeps */
	WRITER_LEFT,    /* it hung on the reader of stderr when the log was stopped: lines are dropped */
};

static struct log_ring ring;
static atomic_int state = WRITER_NONE;
static atomic_bool urgent;   /* a line in the ring should not wait */
static atomic_bool stopping; /* the thread ends when the ring is empty */
static _Atomic uint64_t dropped;
static atomic_int wanted_level = LOG_LEVEL_INFO;
static atomic_int wanted_format = LOG_FORMAT_TEXT;
static int wake_fd = -1;
static pthread_t writer;

void log_set(enum log_level level, enum log_format format)
{
	atomic_store(&wanted_level, (int)level);
	atomic_store(&wanted_format, (int)format);
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
	return atomic_load(&dropped);
}

/* Whether stderr is the journal's own stream (systemd.exec(5), JOURNAL_STREAM is its device and inode). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
	       status.st_dev == device && status.st_ino == inode;
}

static atomic_bool journal;
static int journal_fd = -1; /* journald's own socket; -1: lines go to its stream */
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;

static void journal_look(void)
{
	atomic_store(&journal, stderr_is_journal());
}

static struct log_dress dress(void)
{
	pthread_once(&journal_once, journal_look);
	return (struct log_dress){
	        .format = (enum log_format)atomic_load_explicit(&wanted_format, memory_order_relaxed),
	        .journal = atomic_load_explicit(&journal, memory_order_relaxed),
	};
}

/* Writes all of it, waiting for the reader as long as it takes. False when stderr is gone. */
static bool write_all(const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDERR_FILENO, data, size);

		if (n >= 0) {
			data += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* Whole lines, to the journal with their fields, or to stderr. False when stderr is gone. */
static bool write_lines(const char *data, size_t size)
{
	char entry[LOG_JOURNAL_MAX];
	const char *newline;

	while (journal_fd >= 0 && (newline = memchr(data, '\n', size))) {
		size_t line = (size_t)(newline - data);

		if (line > LOG_TEXT_MAX || send(journal_fd, entry, log_journal_entry(data, line, entry), 0) < 0)
			break; /* journald is being restarted, for example: its stream waits */
		data = newline + 1;
		size -= line + 1;
	}
	return write_all(data, size);
}

static char batch[64 * 1024]; /* of the writing thread */

static void count_lost(const char *lines, size_t size)
{
	for (const char *end = lines + size; (lines = memchr(lines, '\n', (size_t)(end - lines))); lines++)
		atomic_fetch_add(&dropped, 1);
}

/* Says how many lines had no room since it was said last. */
static void report_dropped(void)
{
	static uint64_t reported;
	uint64_t now = log_dropped();
	char message[96];
	struct log_text text;

	if (now == reported)
		return;
	snprintf(message, sizeof(message), "%llu lines of the log were dropped: its reader is too slow",
	        (unsigned long long)(now - reported));
	log_text_message(&text, dress(), LOG_LEVEL_WARN, clock_wall_ms(), message);
	if (write_lines(text.data, text.size))
		reported = now;
}

static void drain(void)
{
	size_t size;

	while ((size = log_ring_take(&ring, batch, sizeof(batch))) > 0)
		if (!write_lines(batch, size))
			count_lost(batch, size);
	report_dropped();
}

static void sleep_until_woken(int limit_ms)
{
	eventfd_t wakes;

	if (poll(&(struct pollfd){.fd = wake_fd, .events = POLLIN}, 1, limit_ms) > 0)
		eventfd_read(wake_fd, &wakes);
}

static void *writer_run(void *unused)
{
	pthread_setname_np(pthread_self(), "log");
	for (;;) {
		atomic_store(&state, WRITER_ASLEEP);
		if (log_ring_used(&ring) == 0 && !atomic_load(&stopping))
			sleep_until_woken(-1);
		atomic_store(&state, WRITER_GATHERS);
		if (!atomic_load(&urgent) && !atomic_load(&stopping) && log_ring_used(&ring) < LOG_RING_SIZE / 2)
			sleep_until_woken(GATHER_MS);
		atomic_store(&state, WRITER_WRITES);
		atomic_store(&urgent, false);
		drain();
		if (atomic_load(&stopping) && log_ring_used(&ring) == 0)
			return NULL;
	}
}

/* Signals are for the main thread. */
static int start_without_signals(void)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = pthread_create(&writer, NULL, writer_run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int log_start(void)
{
	int r;

	ASSERT(atomic_load(&state) == WRITER_NONE);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	journal_look();
	if (atomic_load(&journal) && journal_fd < 0) /* not before forks, whose children close what they do not know */
		journal_fd = log_journal_connect(LOG_JOURNAL_SOCKET);
	atomic_store(&stopping, false);
	atomic_store(&state, WRITER_WRITES);
	r = start_without_signals();
	if (r < 0) {
		atomic_store(&state, WRITER_NONE);
		close(wake_fd);
	}
	return r;
}

void log_stop(void)
{
	struct timespec limit;

	if (atomic_load(&state) == WRITER_NONE || atomic_load(&state) == WRITER_LEFT)
		return;
	atomic_store(&stopping, true);
	eventfd_write(wake_fd, 1);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += STOP_MS / 1000;
	if (pthread_timedjoin_np(writer, NULL, &limit) != 0) {
		pthread_detach(writer);
		atomic_store(&state, WRITER_LEFT);
		return;
	}
	atomic_store(&state, WRITER_NONE);
	close(wake_fd);
	drain(); /* what came between the thread's last look and its end */
}

static void put(const struct log_text *text, bool is_urgent)
{
	int now = atomic_load(&state);

	if (now == WRITER_NONE) {
		write_lines(text->data, text->size);
		return;
	}
	if (now == WRITER_LEFT || !log_ring_put(&ring, text->data, text->size)) {
		atomic_fetch_add(&dropped, 1);
		return;
	}
	if (is_urgent)
		atomic_store(&urgent, true);
	now = atomic_load(&state);
	if ((now == WRITER_ASLEEP ||
	            (now == WRITER_GATHERS && (is_urgent || log_ring_used(&ring) >= LOG_RING_SIZE / 2))) &&
	        atomic_compare_exchange_strong(&state, &now, WRITER_WRITES))
		eventfd_write(wake_fd, 1);
}

void log_line(enum log_level level, const char *format, ...)
{
	char message[LOG_TEXT_MAX];
	struct log_text text;
	va_list arguments;

	if (!log_wants(level))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	log_text_message(&text, dress(), level, clock_wall_ms(), message);
	put(&text, level <= LOG_LEVEL_WARN);
}

void log_request(const struct log_request *request)
{
	struct log_text text;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	log_text_request(&text, dress(), clock_wall_ms(), request);
	put(&text, false);
}
