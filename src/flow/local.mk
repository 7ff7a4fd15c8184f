libdaemon_a_SOURCES += \
	src/flow/asked.c src/flow/asked.h \
	src/flow/breaker.c src/flow/breaker.h \
	src/flow/cache_status.c src/flow/cache_status.h \
	src/flow/changes.c src/flow/changes.h \
	src/flow/conditions.c src/flow/conditions.h \
	src/flow/credentials.c src/flow/credentials.h \
	src/flow/directives.c src/flow/directives.h \
	src/flow/errand.c src/flow/errand.h src/flow/errand_inside.h \
	src/flow/errand_lane.c \
	src/flow/errands.c \
	src/flow/fetch.c src/flow/fetch.h \
	src/flow/fetch_answer.c src/flow/fetch_inside.h \
	src/flow/fetch_breaker.c \
	src/flow/fetch_interim.c \
	src/flow/fetch_land.c \
	src/flow/figures.c src/flow/figures.h \
	src/flow/flight.c src/flow/flight.h \
	src/flow/flow.c src/flow/flow.h \
	src/flow/forward.c src/flow/forward.h \
	src/flow/harvest.c src/flow/harvest.h \
	src/flow/inner.c src/flow/inner.h \
	src/flow/invalidation.c src/flow/invalidation.h \
	src/flow/named_session.c src/flow/named_session.h \
	src/flow/origin_policy.c src/flow/origin_policy.h \
	src/flow/outcome.c src/flow/outcome.h \
	src/flow/policy.c src/flow/policy.h \
	src/flow/preferences.c src/flow/preferences.h \
	src/flow/request.c src/flow/request.h \
	src/flow/stale.c src/flow/stale.h \
	src/flow/targeted.c src/flow/targeted.h \
	src/flow/variant.c src/flow/variant.h \
	src/flow/lookout.c src/flow/lookout.h \
	src/flow/lookout_issues.c src/flow/lookout_lists.c src/flow/lookout_inside.h \
	src/flow/write.c src/flow/write.h
