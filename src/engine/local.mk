libdaemon_a_SOURCES += \
	src/engine/async.c \
	src/engine/base.c src/engine/base.h \
	src/engine/engine.c src/engine/engine.h \
	src/engine/pool.c \
	src/engine/queue.c \
	src/engine/sync.c \
	src/engine/thread.c
