# The daemon but for main(), and clients that speak raw bytes, for all tests of this room.
front_kit = tests/unit/front/kit.c tests/unit/front/kit.h tests/unit/unit.h $(tests_support)
front_tests = \
	tests/unit/front/test_accepted \
	tests/unit/front/test_admit \
	tests/unit/front/test_front \
	tests/unit/front/test_hosts \
	tests/unit/front/test_listener \
	tests/unit/front/test_pack \
	tests/unit/front/test_pages \
	tests/unit/front/test_prepared \
	tests/unit/front/test_reason \
	tests/unit/front/test_reply \
	tests/unit/front/test_visit \
	tests/unit/front/test_visit_clients
check_PROGRAMS += $(front_tests)

tests_unit_front_test_accepted_SOURCES = tests/unit/front/test_accepted.c tests/unit/unit.h
tests_unit_front_test_accepted_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_accepted_LDADD = $(TESTS_LIBS)

tests_unit_front_test_admit_SOURCES = tests/unit/front/test_admit.c $(front_kit)
tests_unit_front_test_admit_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_admit_LDADD = $(TESTS_LIBS)

tests_unit_front_test_front_SOURCES = tests/unit/front/test_front.c $(front_kit)
tests_unit_front_test_front_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_front_LDADD = $(TESTS_LIBS)

tests_unit_front_test_hosts_SOURCES = tests/unit/front/test_hosts.c $(front_kit)
tests_unit_front_test_hosts_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_hosts_LDADD = $(TESTS_LIBS)

tests_unit_front_test_listener_SOURCES = tests/unit/front/test_listener.c $(front_kit)
tests_unit_front_test_listener_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_listener_LDADD = $(TESTS_LIBS)

tests_unit_front_test_pack_SOURCES = tests/unit/front/test_pack.c $(front_kit)
tests_unit_front_test_pack_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_pack_LDADD = $(TESTS_LIBS)

tests_unit_front_test_pages_SOURCES = tests/unit/front/test_pages.c $(front_kit)
tests_unit_front_test_pages_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_pages_LDADD = $(TESTS_LIBS)

tests_unit_front_test_prepared_SOURCES = tests/unit/front/test_prepared.c $(front_kit)
tests_unit_front_test_prepared_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_prepared_LDADD = $(TESTS_LIBS)

tests_unit_front_test_reason_SOURCES = tests/unit/front/test_reason.c $(front_kit)
tests_unit_front_test_reason_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_reason_LDADD = $(TESTS_LIBS)

tests_unit_front_test_reply_SOURCES = tests/unit/front/test_reply.c $(front_kit)
tests_unit_front_test_reply_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_reply_LDADD = $(TESTS_LIBS)

tests_unit_front_test_visit_SOURCES = tests/unit/front/test_visit.c $(front_kit)
tests_unit_front_test_visit_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_visit_LDADD = $(TESTS_LIBS)

tests_unit_front_test_visit_clients_SOURCES = tests/unit/front/test_visit_clients.c $(front_kit)
tests_unit_front_test_visit_clients_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_visit_clients_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/front/test_metrics_text
tests_unit_front_test_metrics_text_SOURCES = tests/unit/front/test_metrics_text.c tests/unit/unit.h
tests_unit_front_test_metrics_text_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_metrics_text_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/front/test_tally
tests_unit_front_test_tally_SOURCES = tests/unit/front/test_tally.c tests/unit/unit.h
tests_unit_front_test_tally_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_tally_LDADD = $(TESTS_LIBS)

check_PROGRAMS += tests/unit/front/test_records
tests_unit_front_test_records_SOURCES = tests/unit/front/test_records.c tests/unit/unit.h
tests_unit_front_test_records_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_front_test_records_LDADD = $(TESTS_LIBS)
