unit_programs += \
	tests/unit/store/test_memory \
	tests/unit/store/test_outbox \
	tests/unit/store/test_store
EXTRA_DIST += tests/unit/store/scratch.h
