# The configuration is the administrator's: an existing file is never overwritten, the new one goes beside it as .new
# when it differs. Readable by all: the unit runs as a dynamic user, and secrets belong into credentials.
conf_files = etc/findingsd.conf
pattern_files = \
	etc/patterns/guardduty-high-critical.json \
	etc/patterns/securityhub-control.json \
	etc/patterns/securityhub-guardduty.json \
	etc/patterns/securityhub-high-critical.json \
	etc/patterns/securityhub-high-medium.json \
	etc/patterns/severity-critical.json
EXTRA_DIST += $(conf_files) $(pattern_files) etc/conf.d/README

install-data-hook: install-conf
install-conf:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/findingsd/conf.d' '$(DESTDIR)$(sysconfdir)/findingsd/patterns'
	@for f in $(conf_files) $(pattern_files) etc/conf.d/README; do \
		to='$(DESTDIR)$(sysconfdir)/findingsd/'"$${f#etc/}"; \
		if test ! -e "$$to"; then echo "installing $$to"; \
			$(INSTALL_DATA) "$(srcdir)/$$f" "$$to" || exit 1; \
		elif cmp -s "$(srcdir)/$$f" "$$to"; then :; \
		else echo "keeping $$to, the new one is $$to.new"; \
			$(INSTALL_DATA) "$(srcdir)/$$f" "$$to.new" || exit 1; \
		fi; \
	done

# What the administrator changed stays.
uninstall-hook: uninstall-conf
uninstall-conf:
	@for f in $(conf_files) $(pattern_files) etc/conf.d/README; do \
		to='$(DESTDIR)$(sysconfdir)/findingsd/'"$${f#etc/}"; \
		if cmp -s "$(srcdir)/$$f" "$$to"; then rm -f "$$to" "$$to.new"; fi; \
	done
	-@rmdir '$(DESTDIR)$(sysconfdir)/findingsd/conf.d' '$(DESTDIR)$(sysconfdir)/findingsd/patterns' \
		'$(DESTDIR)$(sysconfdir)/findingsd' 2>/dev/null; :
.PHONY: install-conf uninstall-conf
