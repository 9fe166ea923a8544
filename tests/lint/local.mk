# Each is a program that `make check` runs; absent tools make it skip (77).
lint_programs = \
	tests/lint/check-layers \
	tests/lint/check-size \
	tests/lint/check-banned \
	tests/lint/check-words \
	tests/lint/check-format \
	tests/lint/check-man \
	tests/lint/check-symbols \
	tests/lint/check-keys \
	tests/lint/check-unit
TESTS += $(lint_programs)
EXTRA_DIST += $(lint_programs) tests/lint/lintlib.py tests/lint/size-exceptions

check-lint: systemd/findingsd.service
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(lint_programs)'
.PHONY: check-lint
