unit_programs += \
	tests/unit/json/test_scan \
	tests/unit/json/test_emit
