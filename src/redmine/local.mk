libdaemon_a_SOURCES += \
	src/redmine/form.c src/redmine/form.h \
	src/redmine/identity.c src/redmine/identity.h \
	src/redmine/issue_body.c src/redmine/issue_body.h \
	src/redmine/links.c src/redmine/links.h \
	src/redmine/method.c src/redmine/method.h \
	src/redmine/percent.c src/redmine/percent.h \
	src/redmine/query.c src/redmine/query.h \
	src/redmine/redact.c src/redmine/redact.h \
	src/redmine/request_fields.c src/redmine/request_fields.h \
	src/redmine/request_key.c src/redmine/request_key.h \
	src/redmine/resource.c src/redmine/resource.h \
	src/redmine/tags.c src/redmine/tags.h \
	src/redmine/target.c src/redmine/target.h \
	src/redmine/who.c src/redmine/who.h \
	src/redmine/write_tags.c src/redmine/write_tags.h
