check_PROGRAMS += \
	tests/unit/base/test_base64 \
	tests/unit/base/test_buf \
	tests/unit/base/test_clock \
	tests/unit/base/test_digest \
	tests/unit/base/test_fail \
	tests/unit/base/test_fields \
	tests/unit/base/test_http_date \
	tests/unit/base/test_log \
	tests/unit/base/test_log_journal \
	tests/unit/base/test_log_ring \
	tests/unit/base/test_log_text

tests_unit_base_test_base64_SOURCES = tests/unit/base/test_base64.c tests/unit/unit.h
tests_unit_base_test_base64_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_base64_LDADD = $(TESTS_LIBS)

tests_unit_base_test_buf_SOURCES = tests/unit/base/test_buf.c tests/unit/unit.h
tests_unit_base_test_buf_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_buf_LDADD = $(TESTS_LIBS)

tests_unit_base_test_clock_SOURCES = tests/unit/base/test_clock.c tests/unit/unit.h
tests_unit_base_test_clock_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_clock_LDADD = $(TESTS_LIBS)

tests_unit_base_test_digest_SOURCES = tests/unit/base/test_digest.c tests/unit/unit.h
tests_unit_base_test_digest_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_digest_LDADD = $(TESTS_LIBS)

tests_unit_base_test_fail_SOURCES = tests/unit/base/test_fail.c tests/unit/unit.h
tests_unit_base_test_fail_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_fail_LDADD = $(TESTS_LIBS)

tests_unit_base_test_fields_SOURCES = tests/unit/base/test_fields.c tests/unit/unit.h
tests_unit_base_test_fields_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_fields_LDADD = $(TESTS_LIBS)

tests_unit_base_test_log_SOURCES = tests/unit/base/test_log.c tests/unit/unit.h
tests_unit_base_test_log_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_log_LDADD = $(TESTS_LIBS)

tests_unit_base_test_log_journal_SOURCES = tests/unit/base/test_log_journal.c tests/unit/unit.h
tests_unit_base_test_log_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_log_journal_LDADD = $(TESTS_LIBS)

tests_unit_base_test_log_ring_SOURCES = tests/unit/base/test_log_ring.c tests/unit/unit.h
tests_unit_base_test_log_ring_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_log_ring_LDADD = $(TESTS_LIBS)

tests_unit_base_test_log_text_SOURCES = tests/unit/base/test_log_text.c tests/unit/unit.h
tests_unit_base_test_log_text_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_log_text_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/base/test_pipe
tests_unit_base_test_pipe_SOURCES = tests/unit/base/test_pipe.c tests/unit/unit.h
tests_unit_base_test_pipe_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_pipe_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/base/test_histogram
tests_unit_base_test_histogram_SOURCES = tests/unit/base/test_histogram.c tests/unit/unit.h
tests_unit_base_test_histogram_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_histogram_LDADD = $(TESTS_LIBS)

tests_unit_base_test_http_date_SOURCES = tests/unit/base/test_http_date.c tests/unit/unit.h
tests_unit_base_test_http_date_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_http_date_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/base/test_scheduling
tests_unit_base_test_scheduling_SOURCES = tests/unit/base/test_scheduling.c tests/unit/unit.h
tests_unit_base_test_scheduling_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_base_test_scheduling_LDADD = $(TESTS_LIBS)
