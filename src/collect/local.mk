libdaemon_a_SOURCES += \
	src/collect/names.c src/collect/names.h \
	src/collect/plan.c src/collect/plan.h
