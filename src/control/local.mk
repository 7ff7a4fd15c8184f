libdaemon_a_SOURCES += \
	src/control/caller.c src/control/caller.h \
	src/control/command.c src/control/command.h \
	src/control/command_dump.c \
	src/control/command_entries.c \
	src/control/command_explain.c \
	src/control/command_figures.c \
	src/control/command_settings.c \
	src/control/command_warm.c \
	src/control/command_watch.c \
	src/control/control.c src/control/control.h \
	src/control/dump.c src/control/dump.h \
	src/control/print.c src/control/print.h \
	src/control/protocol.h \
	src/control/selection.c src/control/selection.h \
	src/control/socket.c src/control/socket.h
