check_PROGRAMS += \
	tests/unit/conf/test_address \
	tests/unit/conf/test_check \
	tests/unit/conf/test_conf \
	tests/unit/conf/test_load \
	tests/unit/conf/test_load_without_memory \
	tests/unit/conf/test_option \
	tests/unit/conf/test_print \
	tests/unit/conf/test_schedule \
	tests/unit/conf/test_secret \
	tests/unit/conf/test_session \
	tests/unit/conf/test_setting \
	tests/unit/conf/test_type \
	tests/unit/conf/test_unit \
	tests/fuzz/replay_conf

tests_unit_conf_test_address_SOURCES = tests/unit/conf/test_address.c tests/unit/unit.h
tests_unit_conf_test_address_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_address_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_check_SOURCES = tests/unit/conf/test_check.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_check_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_check_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_conf_SOURCES = tests/unit/conf/test_conf.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_conf_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_conf_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_load_SOURCES = tests/unit/conf/test_load.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_load_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_load_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_load_without_memory_SOURCES = tests/unit/conf/test_load_without_memory.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_load_without_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_load_without_memory_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup,--wrap=asprintf
tests_unit_conf_test_load_without_memory_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_option_SOURCES = tests/unit/conf/test_option.c tests/unit/unit.h
tests_unit_conf_test_option_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_option_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_print_SOURCES = tests/unit/conf/test_print.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_print_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_conf_test_print_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_schedule_SOURCES = tests/unit/conf/test_schedule.c tests/unit/unit.h
tests_unit_conf_test_schedule_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_schedule_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_secret_SOURCES = tests/unit/conf/test_secret.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_secret_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_secret_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_session_SOURCES = tests/unit/conf/test_session.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_session_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_session_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_setting_SOURCES = tests/unit/conf/test_setting.c tests/unit/conf/conf_text.h tests/unit/unit.h
tests_unit_conf_test_setting_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_setting_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_type_SOURCES = tests/unit/conf/test_type.c tests/unit/unit.h
tests_unit_conf_test_type_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_type_LDADD = $(TESTS_LIBS)

tests_unit_conf_test_unit_SOURCES = tests/unit/conf/test_unit.c tests/unit/unit.h
tests_unit_conf_test_unit_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_test_unit_LDADD = $(TESTS_LIBS)

# The corpus of the fuzz target, without clang.
tests_fuzz_replay_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/fuzz/replay.c
tests_fuzz_replay_conf_CPPFLAGS = $(AM_CPPFLAGS) -DCORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/conf"'
tests_fuzz_replay_conf_LDADD = libdaemon.a $(DEPS_LIBS)
EXTRA_DIST += tests/fuzz/corpus/conf

# Writes the sample file and the manual page anew from src/conf/options.h.
.PHONY: update-options
update-options: tests/unit/conf/test_print
	REDMINE_CACHED_UPDATE=1 tests/unit/conf/test_print
