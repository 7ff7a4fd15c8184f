# The unit, with the paths of this configuration in place of the distribution's.
EXTRA_DIST += systemd/redmine-cached.service

install-systemd-unit:
	$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)"
	$(SED) -e 's|/usr/sbin/|$(sbindir)/|' -e 's|/etc/redmine-cached/|$(configdir)/|' \
		"$(srcdir)/systemd/redmine-cached.service" >"$(DESTDIR)$(systemdsystemunitdir)/redmine-cached.service"
	chmod 644 "$(DESTDIR)$(systemdsystemunitdir)/redmine-cached.service"

uninstall-systemd-unit:
	rm -f "$(DESTDIR)$(systemdsystemunitdir)/redmine-cached.service"
