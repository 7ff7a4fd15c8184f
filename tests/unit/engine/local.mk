# One suite over every engine, and tests of single files.
engine_bed = tests/unit/engine/bed.c tests/unit/engine/bed.h $(tests_support)
process_kit = tests/unit/engine/process_kit.c tests/unit/engine/process_kit.h $(engine_bed)
engine_tests = \
	tests/unit/engine/test_confine \
	tests/unit/engine/test_engine \
	tests/unit/engine/test_engines \
	tests/unit/engine/test_growing \
	tests/unit/engine/test_hand \
	tests/unit/engine/test_plugin \
	tests/unit/engine/test_limiter \
	tests/unit/engine/test_process \
	tests/unit/engine/test_queue \
	tests/unit/engine/test_recycling \
	tests/unit/engine/test_scheduler \
	tests/unit/engine/test_waiting \
	tests/unit/engine/test_wire
check_PROGRAMS += tests/unit/engine/conformance $(engine_tests)

tests_unit_engine_conformance_SOURCES = \
	tests/unit/engine/conformance.c tests/unit/engine/conformance.h \
	tests/unit/engine/conformance_acts.c tests/unit/engine/conformance_acts.h \
	tests/unit/engine/conformance_bytes.c \
	tests/unit/engine/conformance_cancels.c \
	tests/unit/engine/conformance_connections.c \
	tests/unit/engine/conformance_ends.c \
	tests/unit/engine/conformance_streams.c \
	$(engine_bed)
tests_unit_engine_conformance_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DEXAMPLES='"$(abs_builddir)/examples"' \
	-DPLUGINS='"$(abs_builddir)/tests/unit/engine/plugins"'
tests_unit_engine_conformance_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_engine_SOURCES = tests/unit/engine/test_engine.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_engine_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_engine_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_engines_SOURCES = tests/unit/engine/test_engines.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_engines_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_engines_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_growing_SOURCES = tests/unit/engine/test_growing.c $(engine_bed) tests/unit/unit.h
tests_unit_engine_test_growing_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DEXAMPLES='"$(abs_builddir)/examples"' \
	-DPLUGINS='"$(abs_builddir)/tests/unit/engine/plugins"'
tests_unit_engine_test_growing_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_hand_SOURCES = tests/unit/engine/test_hand.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_hand_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_hand_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_process_SOURCES = tests/unit/engine/test_process.c $(process_kit) tests/unit/unit.h
tests_unit_engine_test_process_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_process_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_queue_SOURCES = tests/unit/engine/test_queue.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_queue_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_queue_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_wire_SOURCES = tests/unit/engine/test_wire.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_wire_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_confine_SOURCES = tests/unit/engine/test_confine.c tests/unit/unit.h
tests_unit_engine_test_confine_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_confine_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_plugin_SOURCES = tests/unit/engine/test_plugin.c $(engine_bed) tests/unit/unit.h
tests_unit_engine_test_plugin_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) \
	-DPLUGINS='"$(abs_builddir)/tests/unit/engine/plugins"'
tests_unit_engine_test_plugin_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_limiter_SOURCES = tests/unit/engine/test_limiter.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_limiter_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_limiter_LDADD = $(TESTS_LIBS) -lm

tests_unit_engine_test_scheduler_SOURCES = tests/unit/engine/test_scheduler.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_scheduler_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_scheduler_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_waiting_SOURCES = tests/unit/engine/test_waiting.c tests/unit/unit.h $(tests_support)
tests_unit_engine_test_waiting_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_waiting_LDADD = $(TESTS_LIBS)

tests_unit_engine_test_recycling_SOURCES = tests/unit/engine/test_recycling.c $(process_kit) tests/unit/unit.h
tests_unit_engine_test_recycling_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_engine_test_recycling_LDADD = $(TESTS_LIBS)
