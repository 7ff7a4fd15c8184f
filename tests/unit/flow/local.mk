# A flow before an engine that notes its jobs, for all tests of this room.
flow_kit = tests/unit/flow/kit.c tests/unit/flow/kit.h tests/unit/unit.h $(tests_support)
flow_tests = \
	tests/unit/flow/test_breaker \
	tests/unit/flow/test_cache_status \
	tests/unit/flow/test_conditions \
	tests/unit/flow/test_credentials \
	tests/unit/flow/test_directives \
	tests/unit/flow/test_errand \
	tests/unit/flow/test_fetch \
	tests/unit/flow/test_flight \
	tests/unit/flow/test_flow \
	tests/unit/flow/test_flow_crowd \
	tests/unit/flow/test_flow_directives \
	tests/unit/flow/test_flow_writes \
	tests/unit/flow/test_forward \
	tests/unit/flow/test_harvest \
	tests/unit/flow/test_inner \
	tests/unit/flow/test_invalidation \
	tests/unit/flow/test_named_session \
	tests/unit/flow/test_outcome \
	tests/unit/flow/test_policy \
	tests/unit/flow/test_preferences \
	tests/unit/flow/test_request \
	tests/unit/flow/test_stale \
	tests/unit/flow/test_targeted \
	tests/unit/flow/test_variant
check_PROGRAMS += $(flow_tests)

tests_unit_flow_test_cache_status_SOURCES = tests/unit/flow/test_cache_status.c tests/unit/unit.h
tests_unit_flow_test_cache_status_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_cache_status_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_directives_SOURCES = tests/unit/flow/test_directives.c tests/unit/unit.h
tests_unit_flow_test_directives_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_directives_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_errand_SOURCES = tests/unit/flow/test_errand.c $(flow_kit)
tests_unit_flow_test_errand_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_errand_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_fetch_SOURCES = tests/unit/flow/test_fetch.c $(flow_kit)
tests_unit_flow_test_fetch_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_fetch_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_flight_SOURCES = tests/unit/flow/test_flight.c $(flow_kit)
tests_unit_flow_test_flight_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_flight_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_flow_SOURCES = tests/unit/flow/test_flow.c $(flow_kit)
tests_unit_flow_test_flow_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_flow_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_flow_crowd_SOURCES = tests/unit/flow/test_flow_crowd.c $(flow_kit)
tests_unit_flow_test_flow_crowd_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_flow_crowd_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_flow_directives_SOURCES = tests/unit/flow/test_flow_directives.c $(flow_kit)
tests_unit_flow_test_flow_directives_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_flow_directives_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_flow_writes_SOURCES = tests/unit/flow/test_flow_writes.c $(flow_kit)
tests_unit_flow_test_flow_writes_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_flow_writes_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_forward_SOURCES = tests/unit/flow/test_forward.c $(flow_kit)
tests_unit_flow_test_forward_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_forward_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_harvest_SOURCES = tests/unit/flow/test_harvest.c $(flow_kit)
tests_unit_flow_test_harvest_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_harvest_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_inner_SOURCES = tests/unit/flow/test_inner.c $(flow_kit)
tests_unit_flow_test_inner_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_inner_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_named_session_SOURCES = tests/unit/flow/test_named_session.c $(flow_kit)
tests_unit_flow_test_named_session_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_named_session_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_outcome_SOURCES = tests/unit/flow/test_outcome.c $(flow_kit)
tests_unit_flow_test_outcome_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_outcome_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_policy_SOURCES = tests/unit/flow/test_policy.c $(flow_kit)
tests_unit_flow_test_policy_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_policy_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_preferences_SOURCES = tests/unit/flow/test_preferences.c $(flow_kit)
tests_unit_flow_test_preferences_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_preferences_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_request_SOURCES = tests/unit/flow/test_request.c $(flow_kit)
tests_unit_flow_test_request_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_request_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/flow/test_asked
tests_unit_flow_test_asked_SOURCES = tests/unit/flow/test_asked.c tests/unit/unit.h
tests_unit_flow_test_asked_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_asked_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_conditions_SOURCES = tests/unit/flow/test_conditions.c $(flow_kit)
tests_unit_flow_test_conditions_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_conditions_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_invalidation_SOURCES = tests/unit/flow/test_invalidation.c $(flow_kit)
tests_unit_flow_test_invalidation_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_invalidation_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_targeted_SOURCES = tests/unit/flow/test_targeted.c tests/unit/unit.h
tests_unit_flow_test_targeted_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_targeted_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_variant_SOURCES = tests/unit/flow/test_variant.c $(flow_kit)
tests_unit_flow_test_variant_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_variant_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_credentials_SOURCES = tests/unit/flow/test_credentials.c $(flow_kit)
tests_unit_flow_test_credentials_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_credentials_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_breaker_SOURCES = tests/unit/flow/test_breaker.c tests/unit/unit.h
tests_unit_flow_test_breaker_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_breaker_LDADD = $(TESTS_LIBS)

tests_unit_flow_test_stale_SOURCES = tests/unit/flow/test_stale.c $(flow_kit)
tests_unit_flow_test_stale_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_flow_test_stale_LDADD = $(TESTS_LIBS)
