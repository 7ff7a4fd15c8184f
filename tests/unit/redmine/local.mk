redmine_tests = \
	tests/unit/redmine/test_form \
	tests/unit/redmine/test_identity \
	tests/unit/redmine/test_links \
	tests/unit/redmine/test_method \
	tests/unit/redmine/test_json \
	tests/unit/redmine/test_paging \
	tests/unit/redmine/test_percent \
	tests/unit/redmine/test_query \
	tests/unit/redmine/test_redact \
	tests/unit/redmine/test_request_fields \
	tests/unit/redmine/test_request_key \
	tests/unit/redmine/test_resource \
	tests/unit/redmine/test_splice \
	tests/unit/redmine/test_tags \
	tests/unit/redmine/test_issue_rows \
	tests/unit/redmine/test_webhook \
	tests/unit/redmine/test_write_tags \
	tests/unit/redmine/test_issue_body \
	tests/unit/redmine/test_target
check_PROGRAMS += $(redmine_tests)

tests_unit_redmine_test_form_SOURCES = tests/unit/redmine/test_form.c tests/unit/unit.h
tests_unit_redmine_test_form_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_form_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_identity_SOURCES = tests/unit/redmine/test_identity.c tests/unit/unit.h
tests_unit_redmine_test_identity_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_identity_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_links_SOURCES = tests/unit/redmine/test_links.c tests/unit/unit.h tests/unit/redmine/chance.h \
	tests/unit/redmine/link_model.c tests/unit/redmine/link_model.h
tests_unit_redmine_test_links_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_links_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_method_SOURCES = tests/unit/redmine/test_method.c tests/unit/unit.h
tests_unit_redmine_test_method_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_method_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_percent_SOURCES = tests/unit/redmine/test_percent.c tests/unit/unit.h
tests_unit_redmine_test_percent_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_percent_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_query_SOURCES = tests/unit/redmine/test_query.c tests/unit/unit.h tests/unit/redmine/chance.h \
	tests/unit/redmine/rack_model.c tests/unit/redmine/rack_model.h
tests_unit_redmine_test_query_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_query_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_redact_SOURCES = tests/unit/redmine/test_redact.c tests/unit/unit.h tests/unit/redmine/chance.h
tests_unit_redmine_test_redact_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_redact_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_request_fields_SOURCES = tests/unit/redmine/test_request_fields.c tests/unit/unit.h
tests_unit_redmine_test_request_fields_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_request_fields_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_request_key_SOURCES = tests/unit/redmine/test_request_key.c tests/unit/unit.h tests/unit/redmine/chance.h \
	tests/unit/redmine/rack_model.c tests/unit/redmine/rack_model.h
tests_unit_redmine_test_request_key_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_request_key_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_resource_SOURCES = tests/unit/redmine/test_resource.c tests/unit/unit.h
tests_unit_redmine_test_resource_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_resource_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_tags_SOURCES = tests/unit/redmine/test_tags.c tests/unit/unit.h tests/unit/redmine/tag_kit.h
tests_unit_redmine_test_tags_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_tags_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_target_SOURCES = tests/unit/redmine/test_target.c tests/unit/unit.h
tests_unit_redmine_test_target_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_target_LDADD = $(TESTS_LIBS)

# The corpora of the fuzz targets, without clang.
check_PROGRAMS += \
	tests/fuzz/replay_links \
	tests/fuzz/replay_query \
	tests/fuzz/replay_splice \
	tests/fuzz/replay_target
tests_fuzz_replay_links_SOURCES = tests/fuzz/fuzz_links.c tests/fuzz/replay.c tests/unit/redmine/chance.h \
	tests/unit/redmine/link_model.c tests/unit/redmine/link_model.h
tests_fuzz_replay_links_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit/redmine -DCORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/links"'
tests_fuzz_replay_links_LDADD = libdaemon.a $(DEPS_LIBS)
tests_fuzz_replay_query_SOURCES = tests/fuzz/fuzz_query.c tests/fuzz/replay.c \
	tests/unit/redmine/rack_model.c tests/unit/redmine/rack_model.h
tests_fuzz_replay_query_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit/redmine -DCORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/query"'
tests_fuzz_replay_query_LDADD = libdaemon.a $(DEPS_LIBS)
tests_fuzz_replay_splice_SOURCES = tests/fuzz/fuzz_splice.c tests/fuzz/replay.c \
	tests/unit/redmine/splice_model.c tests/unit/redmine/splice_model.h
tests_fuzz_replay_splice_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit/redmine -DCORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/splice"'
tests_fuzz_replay_splice_LDADD = libdaemon.a $(DEPS_LIBS)
tests_fuzz_replay_target_SOURCES = tests/fuzz/fuzz_target.c tests/fuzz/replay.c
tests_fuzz_replay_target_CPPFLAGS = $(AM_CPPFLAGS) -DCORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/target"'
tests_fuzz_replay_target_LDADD = libdaemon.a $(DEPS_LIBS)
tests_unit_redmine_test_issue_body_SOURCES = tests/unit/redmine/test_issue_body.c tests/unit/unit.h
tests_unit_redmine_test_issue_body_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_issue_body_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_write_tags_SOURCES = tests/unit/redmine/test_write_tags.c tests/unit/unit.h tests/unit/redmine/tag_kit.h
tests_unit_redmine_test_write_tags_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_write_tags_LDADD = $(TESTS_LIBS)
EXTRA_DIST += tests/fuzz/corpus/links tests/fuzz/corpus/query tests/fuzz/corpus/splice tests/fuzz/corpus/target
tests_unit_redmine_test_paging_SOURCES = tests/unit/redmine/test_paging.c tests/unit/unit.h
tests_unit_redmine_test_paging_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_paging_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_splice_SOURCES = tests/unit/redmine/test_splice.c tests/unit/unit.h tests/unit/redmine/chance.h \
	tests/unit/redmine/splice_model.c tests/unit/redmine/splice_model.h
tests_unit_redmine_test_splice_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_splice_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_json_SOURCES = tests/unit/redmine/test_json.c tests/unit/unit.h
tests_unit_redmine_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_json_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_webhook_SOURCES = tests/unit/redmine/test_webhook.c tests/unit/unit.h tests/unit/redmine/tag_kit.h
tests_unit_redmine_test_webhook_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_webhook_LDADD = $(TESTS_LIBS)
tests_unit_redmine_test_issue_rows_SOURCES = tests/unit/redmine/test_issue_rows.c tests/unit/unit.h
tests_unit_redmine_test_issue_rows_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_redmine_test_issue_rows_LDADD = $(TESTS_LIBS)
