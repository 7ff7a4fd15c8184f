control_tests = \
	tests/unit/control/test_command \
	tests/unit/control/test_dump \
	tests/unit/control/test_selection \
	tests/unit/control/test_socket
check_PROGRAMS += $(control_tests)

tests_unit_control_test_command_SOURCES = tests/unit/control/test_command.c tests/unit/unit.h
tests_unit_control_test_command_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_control_test_command_LDADD = $(TESTS_LIBS)

tests_unit_control_test_dump_SOURCES = tests/unit/control/test_dump.c tests/unit/unit.h
tests_unit_control_test_dump_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_control_test_dump_LDADD = $(TESTS_LIBS)

tests_unit_control_test_selection_SOURCES = tests/unit/control/test_selection.c tests/unit/unit.h
tests_unit_control_test_selection_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_control_test_selection_LDADD = $(TESTS_LIBS)

tests_unit_control_test_socket_SOURCES = tests/unit/control/test_socket.c tests/unit/unit.h
tests_unit_control_test_socket_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_control_test_socket_LDADD = $(TESTS_LIBS)
