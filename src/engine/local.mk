libdaemon_a_SOURCES += \
	src/engine/async.c \
	src/engine/base.c src/engine/base.h \
	src/engine/confine.c src/engine/confine.h \
	src/engine/engine.c src/engine/engine.h \
	src/engine/engines.c src/engine/engines.h \
	src/engine/forget.c src/engine/forget.h \
	src/engine/hand.c \
	src/engine/object_file.c src/engine/object_file.h \
	src/engine/plugin.c src/engine/plugin.h \
	src/engine/plugin_host.c \
	src/engine/plugin_options.c \
	src/engine/plugin_pool.c \
	src/engine/plugin_session.c \
	src/engine/plugin_slot.c \
	src/engine/plugin_watch.c \
	src/engine/limiter.c src/engine/limiter.h \
	src/engine/pool.c \
	src/engine/process.c src/engine/process.h \
	src/engine/queue.c \
	src/engine/scheduler.c src/engine/scheduler.h \
	src/engine/spawner.c src/engine/spawner.h \
	src/engine/sync.c \
	src/engine/thread.c \
	src/engine/waiting.c src/engine/waiting.h \
	src/engine/wire.c src/engine/wire.h \
	src/engine/worker.c src/engine/worker.h

# What engines of others are built with, and where they are looked for.
plugindir = $(libdir)/redmine-cached
AM_CPPFLAGS += -I$(srcdir)/include -DPLUGINDIR='"$(plugindir)"'
pkginclude_HEADERS = include/redmine-cached/engine.h
pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = redmine-cached.pc
