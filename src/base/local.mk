libdaemon_a_SOURCES += \
	src/base/base64.c src/base/base64.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/digest.c src/base/digest.h \
	src/base/fail.c src/base/fail.h \
	src/base/fields.c src/base/fields.h \
	src/base/hash.h \
	src/base/histogram.c src/base/histogram.h \
	src/base/http_date.c src/base/http_date.h \
	src/base/log.c src/base/log.h \
	src/base/log_journal.c src/base/log_journal.h \
	src/base/log_ring.c src/base/log_ring.h \
	src/base/log_text.c src/base/log_text.h \
	src/base/macros.h \
	src/base/pipe.c src/base/pipe.h \
	src/base/scheduling.c src/base/scheduling.h
