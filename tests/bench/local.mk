# `make bench` prints figures; it is no test and never fails on a slow machine.
bench_programs = tests/bench/loadserver
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
EXTRA_DIST += tests/bench/run
bench: $(bench_programs) all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' PYTHON='$(PYTHON)' $(srcdir)/tests/bench/run
.PHONY: bench

EXTRA_DIST += tests/bench/part-store
EXTRA_PROGRAMS += tests/bench/bench_store
bench_programs += tests/bench/bench_store

EXTRA_DIST += tests/bench/part-sign
EXTRA_PROGRAMS += tests/bench/bench_sign
bench_programs += tests/bench/bench_sign

EXTRA_DIST += tests/bench/part-courier
EXTRA_PROGRAMS += tests/bench/bench_courier tests/bench/bench_post tests/bench/mailsink tests/bench/bench_fill
bench_programs += tests/bench/bench_courier tests/bench/bench_post tests/bench/mailsink tests/bench/bench_fill

EXTRA_DIST += tests/bench/part-match
EXTRA_PROGRAMS += tests/bench/bench_json
bench_programs += tests/bench/bench_json
