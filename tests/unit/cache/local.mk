check_PROGRAMS += \
	tests/fuzz/replay_entry \
	tests/unit/cache/test_backup \
	tests/unit/cache/test_cache \
	tests/unit/cache/test_cache_crash \
	tests/unit/cache/test_cache_damage \
	tests/unit/cache/test_cache_stress \
	tests/unit/cache/test_checksum \
	tests/unit/cache/test_entry \
	tests/unit/cache/test_generations \
	tests/unit/cache/test_keeper \
	tests/unit/cache/test_memory \
	tests/unit/cache/test_pending \
	tests/unit/cache/test_presence \
	tests/unit/cache/test_store \
	tests/unit/cache/test_store_file \
	tests/unit/cache/test_store_link \
	tests/unit/cache/test_store_row \
	tests/unit/cache/test_store_schema \
	tests/unit/cache/test_store_sqlite \
	tests/unit/cache/test_store_writer

tests_unit_cache_test_backup_SOURCES = tests/unit/cache/test_backup.c tests/unit/cache/cache_kit.h tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_backup_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_backup_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_cache_SOURCES = tests/unit/cache/test_cache.c tests/unit/cache/cache_kit.h tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_cache_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_cache_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_cache_crash_SOURCES = tests/unit/cache/test_cache_crash.c tests/unit/cache/cache_kit.h tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_cache_crash_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_cache_crash_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_cache_damage_SOURCES = tests/unit/cache/test_cache_damage.c tests/unit/cache/cache_kit.h tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_cache_damage_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_cache_damage_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_cache_stress_SOURCES = tests/unit/cache/test_cache_stress.c tests/unit/cache/cache_kit.h tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_cache_stress_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_cache_stress_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_checksum_SOURCES = tests/unit/cache/test_checksum.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_checksum_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_checksum_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_entry_SOURCES = tests/unit/cache/test_entry.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_entry_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_entry_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_generations_SOURCES = tests/unit/cache/test_generations.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_generations_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_generations_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_keeper_SOURCES = tests/unit/cache/test_keeper.c tests/unit/cache/keeper_kit.h tests/unit/cache/scripted_store.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_keeper_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_keeper_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_memory_SOURCES = tests/unit/cache/test_memory.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_memory_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_pending_SOURCES = tests/unit/cache/test_pending.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_pending_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_pending_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_presence_SOURCES = tests/unit/cache/test_presence.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_presence_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_presence_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_SOURCES = tests/unit/cache/test_store.c tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_file_SOURCES = tests/unit/cache/test_store_file.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_file_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_file_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_link_SOURCES = tests/unit/cache/test_store_link.c tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_link_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_link_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_row_SOURCES = tests/unit/cache/test_store_row.c tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_row_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_row_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_schema_SOURCES = tests/unit/cache/test_store_schema.c tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_schema_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_schema_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_sqlite_SOURCES = tests/unit/cache/test_store_sqlite.c tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_sqlite_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_sqlite_LDADD = $(TESTS_LIBS)

tests_unit_cache_test_store_writer_SOURCES = tests/unit/cache/test_store_writer.c tests/unit/cache/store_kit.h \
	tests/unit/cache/kit.h tests/unit/unit.h
tests_unit_cache_test_store_writer_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_cache_test_store_writer_LDADD = $(TESTS_LIBS)

# The corpus of the fuzz target, without clang.
tests_fuzz_replay_entry_SOURCES = tests/fuzz/fuzz_entry.c tests/fuzz/replay.c
tests_fuzz_replay_entry_CPPFLAGS = $(AM_CPPFLAGS) -DCORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/entry"'
tests_fuzz_replay_entry_LDADD = libdaemon.a $(DEPS_LIBS)
EXTRA_DIST += tests/fuzz/corpus/entry
