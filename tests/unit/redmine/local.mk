redmine_tests = \
	tests/unit/redmine/test_form \
	tests/unit/redmine/test_identity \
	tests/unit/redmine/test_links \
	tests/unit/redmine/test_method \
	tests/unit/redmine/test_percent \
	tests/unit/redmine/test_query \
	tests/unit/redmine/test_redact \
	tests/unit/redmine/test_request_fields \
	tests/unit/redmine/test_request_key \
	tests/unit/redmine/test_resource \
	tests/unit/redmine/test_tags \
	tests/unit/redmine/test_target
check_PROGRAMS += $(redmine_tests)

tests_unit_redmine_test_form_SOURCES = tests/unit/redmine/test_form.c
tests_unit_redmine_test_form_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_form_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_identity_SOURCES = tests/unit/redmine/test_identity.c
tests_unit_redmine_test_identity_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_identity_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_links_SOURCES = tests/unit/redmine/test_links.c tests/unit/redmine/chance.h \
	tests/unit/redmine/link_model.c tests/unit/redmine/link_model.h
tests_unit_redmine_test_links_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_links_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_method_SOURCES = tests/unit/redmine/test_method.c
tests_unit_redmine_test_method_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_method_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_percent_SOURCES = tests/unit/redmine/test_percent.c
tests_unit_redmine_test_percent_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_percent_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_query_SOURCES = tests/unit/redmine/test_query.c tests/unit/redmine/chance.h \
	tests/unit/redmine/rack_model.c tests/unit/redmine/rack_model.h
tests_unit_redmine_test_query_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_query_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_redact_SOURCES = tests/unit/redmine/test_redact.c tests/unit/redmine/chance.h
tests_unit_redmine_test_redact_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_redact_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_request_fields_SOURCES = tests/unit/redmine/test_request_fields.c
tests_unit_redmine_test_request_fields_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_request_fields_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_request_key_SOURCES = tests/unit/redmine/test_request_key.c tests/unit/redmine/chance.h \
	tests/unit/redmine/rack_model.c tests/unit/redmine/rack_model.h
tests_unit_redmine_test_request_key_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_request_key_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_resource_SOURCES = tests/unit/redmine/test_resource.c
tests_unit_redmine_test_resource_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_resource_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_tags_SOURCES = tests/unit/redmine/test_tags.c
tests_unit_redmine_test_tags_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_tags_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_target_SOURCES = tests/unit/redmine/test_target.c
tests_unit_redmine_test_target_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_target_LDADD = $(TESTS_LIBS)
