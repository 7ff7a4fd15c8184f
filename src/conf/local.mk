libdaemon_a_SOURCES += \
	src/conf/address.c src/conf/address.h \
	src/conf/check.c src/conf/check.h \
	src/conf/conf.c src/conf/conf.h \
	src/conf/load.c \
	src/conf/option.c src/conf/option.h src/conf/options.h \
	src/conf/print.c \
	src/conf/schedule.c src/conf/schedule.h \
	src/conf/secret.c src/conf/secret.h \
	src/conf/session.c src/conf/session.h \
	src/conf/setting.c src/conf/setting.h \
	src/conf/type.c src/conf/type.h \
	src/conf/type_list.c \
	src/conf/unit.c src/conf/unit.h

dist_man_MANS += doc/redmine-cached.8 doc/redmine-cached.conf.5
EXTRA_DIST += etc/redmine-cached.conf
