unit_programs += \
	tests/unit/route/test_collapse \
	tests/unit/route/test_lifecycle \
	tests/unit/route/test_lifecycle_random
