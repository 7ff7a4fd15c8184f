libdaemon_a_SOURCES += \
	src/upstream/coding.c src/upstream/coding.h \
	src/upstream/exchange.c src/upstream/exchange.h \
	src/upstream/idle.c src/upstream/idle.h \
	src/upstream/job.c src/upstream/job.h \
	src/upstream/origin.c src/upstream/origin.h \
	src/upstream/request_lines.c src/upstream/request_lines.h \
	src/upstream/route.h \
	src/upstream/session.c src/upstream/session.h
