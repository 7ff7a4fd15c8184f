# The units, with the paths of this configuration in place of the distribution's; and from the same lines those for
# several Redmines on one machine, redmine-cached@NAME.
systemd_units = systemd/redmine-cached.service systemd/redmine-cached.socket
EXTRA_DIST += $(systemd_units)

systemd_paths = -e 's|/usr/sbin/|$(sbindir)/|' -e 's|/etc/redmine-cached/|$(configdir)/|'
# An instance has folders, a user and a Unix socket of its own; its address on TCP is for `systemctl edit` to add.
systemd_instance = -e '/^ListenStream=127/d' -e 's,^(Description=.*),\1 (%i),' \
	-e 's,^((User|CacheDirectory|RuntimeDirectory)=redmine-cached)$$,\1-%i,' \
	-e 's,/redmine-cached\.conf,/%i/redmine-cached.conf,' -e 's,/redmine-cached\.sock\b,/redmine-cached-%i.sock,' \
	-e 's,redmine-cached\.(key|token),redmine-cached-%i.\1,g' -e 's,redmine-cached\.socket,redmine-cached@NAME.socket,' \
	-e 's,/(cache|run)/redmine-cached([ /]),/\1/redmine-cached-NAME\2,g'

install-systemd-unit:
	$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)"
	for kind in service socket; do \
		from="$(srcdir)/systemd/redmine-cached.$$kind"; to="$(DESTDIR)$(systemdsystemunitdir)/redmine-cached"; \
		$(SED) $(systemd_paths) "$$from" >"$$to.$$kind" && \
		$(SED) -E -e '1,/^$$/d' $(systemd_instance) $(systemd_paths) "$$from" >"$${to}@.$$kind" && \
		chmod 644 "$$to.$$kind" "$${to}@.$$kind" || exit 1; \
	done

uninstall-systemd-unit:
	for kind in service socket; do \
		rm -f "$(DESTDIR)$(systemdsystemunitdir)/redmine-cached.$$kind" \
			"$(DESTDIR)$(systemdsystemunitdir)/redmine-cached@.$$kind"; \
	done
