collect_tests = \
	tests/unit/collect/test_names \
	tests/unit/collect/test_plan \
	tests/unit/collect/test_plan_look \
	tests/unit/collect/test_plan_stored \
	tests/unit/collect/test_totals \
	tests/unit/collect/test_walk
plan_world = tests/unit/collect/plan_world.c tests/unit/collect/plan_world.h tests/unit/unit.h tests/unit/redmine/chance.h
check_PROGRAMS += $(collect_tests)

tests_unit_collect_test_names_SOURCES = tests/unit/collect/test_names.c tests/unit/unit.h tests/unit/redmine/chance.h
tests_unit_collect_test_names_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_collect_test_names_LDADD = $(TESTS_LIBS)
tests_unit_collect_test_plan_SOURCES = tests/unit/collect/test_plan.c $(plan_world)
tests_unit_collect_test_plan_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_collect_test_plan_LDADD = $(TESTS_LIBS)
tests_unit_collect_test_plan_look_SOURCES = tests/unit/collect/test_plan_look.c $(plan_world)
tests_unit_collect_test_plan_look_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_collect_test_plan_look_LDADD = $(TESTS_LIBS)
tests_unit_collect_test_plan_stored_SOURCES = tests/unit/collect/test_plan_stored.c $(plan_world)
tests_unit_collect_test_plan_stored_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_collect_test_plan_stored_LDADD = $(TESTS_LIBS)
tests_unit_collect_test_totals_SOURCES = tests/unit/collect/test_totals.c tests/unit/unit.h
tests_unit_collect_test_totals_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_collect_test_totals_LDADD = $(TESTS_LIBS)
tests_unit_collect_test_walk_SOURCES = tests/unit/collect/test_walk.c tests/unit/unit.h tests/unit/redmine/chance.h
tests_unit_collect_test_walk_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_collect_test_walk_LDADD = $(TESTS_LIBS)
