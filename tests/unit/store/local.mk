unit_programs += \
	tests/unit/store/test_crash \
	tests/unit/store/test_damage \
	tests/unit/store/test_full \
	tests/unit/store/test_memory \
	tests/unit/store/test_model \
	tests/unit/store/test_outbox \
	tests/unit/store/test_store
EXTRA_DIST += tests/unit/store/scratch.h

# With the fault points, also where the daemon is built without them.
tests_unit_store_test_crash_SOURCES = tests/unit/store/test_crash.c $(store_sources)
tests_unit_store_test_crash_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_POINTS=1
