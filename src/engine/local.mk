libdaemon_a_SOURCES += \
	src/engine/async.c \
	src/engine/base.c src/engine/base.h \
	src/engine/confine.c src/engine/confine.h \
	src/engine/engine.c src/engine/engine.h \
	src/engine/engines.c src/engine/engines.h \
	src/engine/hand.c \
	src/engine/pool.c \
	src/engine/process.c src/engine/process.h \
	src/engine/queue.c \
	src/engine/spawner.c src/engine/spawner.h \
	src/engine/sync.c \
	src/engine/thread.c \
	src/engine/wire.c src/engine/wire.h \
	src/engine/worker.c src/engine/worker.h
