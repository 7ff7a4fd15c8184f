libdaemon_a_SOURCES += \
	src/cache/backup.c src/cache/backup.h \
	src/cache/cache.c src/cache/cache.h \
	src/cache/cache_inside.h \
	src/cache/checksum.h \
	src/cache/entry.c src/cache/entry.h \
	src/cache/generations.c src/cache/generations.h \
	src/cache/keeper.c src/cache/keeper.h \
	src/cache/keeper_inside.h \
	src/cache/keeper_reader.c \
	src/cache/keeper_walk.c \
	src/cache/keeper_writer.c \
	src/cache/key.h \
	src/cache/memory.c src/cache/memory.h \
	src/cache/memory_shard.c src/cache/memory_shard.h \
	src/cache/pending.c src/cache/pending.h \
	src/cache/presence.c src/cache/presence.h \
	src/cache/store.h \
	src/cache/store_file.c src/cache/store_file.h \
	src/cache/store_link.c src/cache/store_link.h \
	src/cache/store_null.c \
	src/cache/store_row.c src/cache/store_row.h \
	src/cache/store_schema.c src/cache/store_schema.h \
	src/cache/store_sqlite.c src/cache/store_sqlite.h \
	src/cache/store_trim.c \
	src/cache/store_writer.c
