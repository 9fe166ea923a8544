unit_programs += \
	tests/unit/route/test_lifecycle
