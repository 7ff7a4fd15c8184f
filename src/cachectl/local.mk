bin_PROGRAMS = redmine-cachectl
redmine_cachectl_SOURCES = \
	src/cachectl/connection.c src/cachectl/connection.h \
	src/cachectl/dump_file.c src/cachectl/dump_file.h \
	src/cachectl/main.c \
	src/cachectl/order.c src/cachectl/order.h \
	src/cachectl/show.c src/cachectl/show.h \
	src/cachectl/show_entries.c \
	src/cachectl/show_live.c \
	src/cachectl/show_state.c
redmine_cachectl_LDADD = libdaemon.a $(DEPS_LIBS)

dist_man_MANS += doc/redmine-cachectl.1
EXTRA_DIST += doc/redmine-cachectl.bash
install-completion:
	$(MKDIR_P) "$(DESTDIR)$(datadir)/bash-completion/completions"
	$(INSTALL_DATA) "$(srcdir)/doc/redmine-cachectl.bash" \
		"$(DESTDIR)$(datadir)/bash-completion/completions/redmine-cachectl"
uninstall-completion:
	rm -f "$(DESTDIR)$(datadir)/bash-completion/completions/redmine-cachectl"
