# What tests of several rooms stand on: an origin, jobs that ask, waits with a limit.
tests_support = \
	tests/unit/support/ask.c tests/unit/support/ask.h \
	tests/unit/support/origin.c tests/unit/support/origin.h \
	tests/unit/support/sanitizers.c \
	tests/unit/support/usage.c tests/unit/support/usage.h \
	tests/unit/support/wait.c tests/unit/support/wait.h

check_PROGRAMS += \
	tests/unit/upstream/test_idle \
	tests/unit/upstream/test_coding \
	tests/unit/upstream/test_exchange \
	tests/unit/upstream/test_job \
	tests/unit/upstream/test_origin \
	tests/unit/upstream/test_request_lines \
	tests/unit/upstream/test_session

tests_unit_upstream_test_exchange_SOURCES = tests/unit/upstream/test_exchange.c tests/unit/unit.h $(tests_support)
tests_unit_upstream_test_exchange_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_exchange_LDADD = $(TESTS_LIBS)

tests_unit_upstream_test_job_SOURCES = tests/unit/upstream/test_job.c tests/unit/unit.h $(tests_support)
tests_unit_upstream_test_job_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_job_LDADD = $(TESTS_LIBS)

tests_unit_upstream_test_origin_SOURCES = tests/unit/upstream/test_origin.c tests/unit/unit.h
tests_unit_upstream_test_origin_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_origin_LDADD = $(TESTS_LIBS)

tests_unit_upstream_test_session_SOURCES = tests/unit/upstream/test_session.c tests/unit/unit.h $(tests_support)
tests_unit_upstream_test_session_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_session_LDADD = $(TESTS_LIBS)

tests_unit_upstream_test_coding_SOURCES = tests/unit/upstream/test_coding.c tests/unit/unit.h
tests_unit_upstream_test_coding_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_coding_LDADD = $(TESTS_LIBS)

tests_unit_upstream_test_idle_SOURCES = tests/unit/upstream/test_idle.c tests/unit/unit.h
tests_unit_upstream_test_idle_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_idle_LDADD = $(TESTS_LIBS)

tests_unit_upstream_test_request_lines_SOURCES = tests/unit/upstream/test_request_lines.c tests/unit/unit.h
tests_unit_upstream_test_request_lines_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_upstream_test_request_lines_LDADD = $(TESTS_LIBS)
