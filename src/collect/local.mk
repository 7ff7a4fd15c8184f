libdaemon_a_SOURCES += \
	src/collect/batch.c src/collect/batch.h \
	src/collect/collect.c src/collect/collect.h \
	src/collect/join.c src/collect/join.h \
	src/collect/join_answer.c src/collect/join_inside.h \
	src/collect/join_fields.c src/collect/join_fields.h \
	src/collect/names.c src/collect/names.h \
	src/collect/plan.c src/collect/plan.h \
	src/collect/plan_take.c src/collect/plan_inside.h \
	src/collect/read_ahead.c src/collect/read_ahead.h \
	src/collect/totals.c src/collect/totals.h \
	src/collect/walk.c src/collect/walk.h \
	src/collect/warmer.c src/collect/warmer.h \
	src/collect/wish.c src/collect/wish.h
