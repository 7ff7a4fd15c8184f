# The program's files are no part of the daemon's library.
check_PROGRAMS += tests/unit/cachectl/test_order tests/unit/cachectl/test_show

tests_unit_cachectl_test_order_SOURCES = tests/unit/cachectl/test_order.c tests/unit/unit.h \
	src/cachectl/order.c src/cachectl/order.h
tests_unit_cachectl_test_order_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cachectl_test_order_LDADD = $(TESTS_LIBS)

tests_unit_cachectl_test_show_SOURCES = tests/unit/cachectl/test_show.c tests/unit/unit.h \
	src/cachectl/show.c src/cachectl/show.h
tests_unit_cachectl_test_show_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cachectl_test_show_LDADD = $(TESTS_LIBS)
