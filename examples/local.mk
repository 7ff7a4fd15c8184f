# Engines as shared objects, built with the public header alone, as somebody outside would.
EXAMPLE_BUILD = $(CC) -std=c11 -pthread -fPIC -shared -Wall -Wextra -Wno-unused-parameter -fvisibility=hidden \
	$(SANITIZE) -I$(srcdir)/include $(CFLAGS) $(LDFLAGS)
examples = examples/minimal/minimal.so examples/record-replay/record-replay.so
example_sources = examples/minimal/minimal.c examples/record-replay/record-replay.c \
	examples/record-replay/censor.h

plugin_DATA = examples/record-replay/record-replay.so
noinst_DATA = examples/minimal/minimal.so
EXTRA_DIST += $(example_sources)
CLEANFILES += $(examples)

examples/minimal/minimal.so: examples/minimal/minimal.c include/redmine-cached/engine.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(EXAMPLE_BUILD) -o $@ $(srcdir)/examples/minimal/minimal.c

examples/record-replay/record-replay.so: examples/record-replay/record-replay.c examples/record-replay/censor.h \
		include/redmine-cached/engine.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(EXAMPLE_BUILD) -o $@ $(srcdir)/examples/record-replay/record-replay.c
