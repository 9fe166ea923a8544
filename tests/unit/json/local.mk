unit_programs += \
	tests/unit/json/test_scan \
	tests/unit/json/test_pick \
	tests/unit/json/test_emit \
	tests/unit/json/test_pretty
