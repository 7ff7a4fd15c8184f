# Engines as shared objects: one for the suite over all, one that keeps no promise, in several ways, and a slow one.
engine_plugins = \
	tests/unit/engine/plugins/loop.so tests/unit/engine/plugins/rogue.so tests/unit/engine/plugins/slow.so
engine_broken = \
	tests/unit/engine/plugins/broken1.so tests/unit/engine/plugins/broken2.so tests/unit/engine/plugins/broken3.so \
	tests/unit/engine/plugins/broken4.so tests/unit/engine/plugins/broken5.so tests/unit/engine/plugins/broken6.so
check_DATA = $(engine_plugins) $(engine_broken)
EXTRA_DIST += tests/unit/engine/plugins/loop.c tests/unit/engine/plugins/rogue.c \
	tests/unit/engine/plugins/slow.c
CLEANFILES += $(check_DATA)

tests/unit/engine/plugins/loop.so: tests/unit/engine/plugins/loop.c include/redmine-cached/engine.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(EXAMPLE_BUILD) -o $@ $(srcdir)/tests/unit/engine/plugins/loop.c

tests/unit/engine/plugins/rogue.so: tests/unit/engine/plugins/rogue.c include/redmine-cached/engine.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(EXAMPLE_BUILD) -o $@ $(srcdir)/tests/unit/engine/plugins/rogue.c

tests/unit/engine/plugins/slow.so: tests/unit/engine/plugins/slow.c include/redmine-cached/engine.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(EXAMPLE_BUILD) -o $@ $(srcdir)/tests/unit/engine/plugins/slow.c

$(engine_broken): tests/unit/engine/plugins/rogue.c include/redmine-cached/engine.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && number=`echo $@ | $(SED) 's/.*broken\(.\).so/\1/'` && \
		$(EXAMPLE_BUILD) -DBROKEN=$$number -o $@ $(srcdir)/tests/unit/engine/plugins/rogue.c
