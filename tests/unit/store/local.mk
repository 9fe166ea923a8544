unit_programs += \
	tests/unit/store/test_audit \
	tests/unit/store/test_crash \
	tests/unit/store/test_damage \
	tests/unit/store/test_doom \
	tests/unit/store/test_full \
	tests/unit/store/test_member \
	tests/unit/store/test_memory \
	tests/unit/store/test_model \
	tests/unit/store/test_outbox \
	tests/unit/store/test_repair \
	tests/unit/store/test_schema \
	tests/unit/store/test_store
EXTRA_DIST += tests/unit/store/scratch.h tests/unit/store/old_store.h tests/unit/store/schema-1.hex

# With the fault points, also where the daemon is built without them.
tests_unit_store_test_crash_SOURCES = tests/unit/store/test_crash.c $(store_sources)
tests_unit_store_test_crash_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_POINTS=1
tests_unit_store_test_schema_SOURCES = tests/unit/store/test_schema.c $(store_sources)
tests_unit_store_test_schema_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_POINTS=1
tests_unit_store_test_repair_SOURCES = tests/unit/store/test_repair.c $(store_sources)
tests_unit_store_test_repair_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_POINTS=1
