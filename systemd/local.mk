# The unit is made by make, not by configure: the directories may be given to make.
systemd/findingsd.service: systemd/findingsd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' $(srcdir)/systemd/findingsd.service.in >$@.tmp && mv $@.tmp $@

systemdsystemunit_DATA = systemd/findingsd.service
CLEANFILES += systemd/findingsd.service
EXTRA_DIST += systemd/findingsd.service.in systemd/findingsd.sysusers

sysusersdir = $(prefix)/lib/sysusers.d
install-data-hook-sysusers:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/findingsd.sysusers '$(DESTDIR)$(sysusersdir)/findingsd.conf'
uninstall-sysusers:
	rm -f '$(DESTDIR)$(sysusersdir)/findingsd.conf'
.PHONY: install-data-hook-sysusers uninstall-sysusers
install-data-local: install-data-hook-sysusers
uninstall-local: uninstall-sysusers
