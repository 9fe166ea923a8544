unit_programs += \
	tests/unit/control/test_health \
	tests/unit/control/test_metrics \
	tests/unit/control/test_server
