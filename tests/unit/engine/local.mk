# One suite over every engine.
check_PROGRAMS += tests/unit/engine/conformance
tests_unit_engine_conformance_SOURCES = \
	tests/unit/engine/conformance.c tests/unit/engine/conformance.h \
	tests/unit/engine/conformance_acts.c tests/unit/engine/conformance_acts.h \
	tests/unit/engine/conformance_bytes.c \
	tests/unit/engine/conformance_cancels.c \
	tests/unit/engine/conformance_connections.c \
	tests/unit/engine/conformance_ends.c \
	tests/unit/engine/conformance_streams.c \
	$(tests_support)
tests_unit_engine_conformance_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_conformance_LDADD = $(TESTS_LIBS)
