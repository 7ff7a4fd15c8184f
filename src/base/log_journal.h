/*
 * Lines of the log as entries of journald, in its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL): the line as it is, and what a request's
 * line says as fields of their own, so that
 * `journalctl REDMINE_CACHED_STATUS=502` finds it.
 */
#ifndef BASE_LOG_JOURNAL_H
#define BASE_LOG_JOURNAL_H

#include "base/log_text.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"
#define LOG_JOURNAL_MAX    (2 * LOG_TEXT_MAX + 512) /* bytes of an entry */

/*
 * The entry of one line with a "<N>" in front, without its newline, as log_text_*() writes them. Returns its size in out, which
 * has room for LOG_JOURNAL_MAX bytes. Pure.
 */
size_t log_journal_entry(const char *line, size_t size, char *out);

/* A socket connected to journald's at path, or a negative errno. */
int log_journal_connect(const char *path);

#endif
