libdaemon_a_SOURCES += \
	src/front/webhook.c src/front/webhook.h \
	src/front/accepted.c src/front/accepted.h \
	src/front/admit.c src/front/admit.h \
	src/front/errand_page.c src/front/errand_page.h \
	src/front/browser.c src/front/browser.h \
	src/front/batch_page.c src/front/batch_page.h \
	src/front/front.c src/front/front.h \
	src/front/hosts.c src/front/hosts.h \
	src/front/interim.c src/front/interim.h \
	src/front/listener.c src/front/listener.h \
	src/front/loop.c src/front/loop.h \
	src/front/metrics.c src/front/metrics.h \
	src/front/metrics_text.c src/front/metrics_text.h \
	src/front/pack.c src/front/pack.h \
	src/front/pages.c src/front/pages.h \
	src/front/prepared.c src/front/prepared.h \
	src/front/reason.c src/front/reason.h \
	src/front/records.c src/front/records.h \
	src/front/reply.c src/front/reply.h \
	src/front/status.c src/front/status.h \
	src/front/tally.c src/front/tally.h \
	src/front/tls.c src/front/tls.h \
	src/front/visit.c src/front/visit.h \
	src/front/visit_answer.c \
	src/front/visit_body.c src/front/visit_inside.h

# The page /-/status with its styles and scripts inside.
status_page_parts = \
	src/front/page/embed.sh \
	src/front/page/status.css \
	src/front/page/status.html \
	src/front/page/status.js \
	vendor/uplot/uPlot.iife.min.js \
	vendor/uplot/uPlot.min.css
EXTRA_DIST += $(status_page_parts) vendor/uplot/LICENSE vendor/uplot/uPlot.iife.js
libdaemon_a_SOURCES += src/front/status_page.h
nodist_libdaemon_a_SOURCES = src/front/status_page.c
CLEANFILES += src/front/status_page.c
src/front/status_page.c: $(status_page_parts)
	$(AM_V_GEN)$(MKDIR_P) src/front && \
		$(SHELL) "$(srcdir)/src/front/page/embed.sh" "$(srcdir)/src/front/page" "$(srcdir)/vendor/uplot" >$@.new && \
		mv $@.new $@
