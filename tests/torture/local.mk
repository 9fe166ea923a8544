EXTRA_DIST += tests/torture/run tests/torture/fuzz tests/torture/sanitized tests/torture/README.md tests/torture/failmalloc.c tests/torture/fastclock.c \
	tests/torture/daypeer.c tests/torture/powercut.c
# TORTURE_ARGS go to the program: --short, or names.
torture: all
	FINDINGSD_BUILDDIR='$(abs_top_builddir)' $(PYTHON) $(srcdir)/tests/torture/run $(TORTURE_ARGS)
.PHONY: torture
